//! What only ours can be asked: the passing of time without waiting for it, characters that the other emulator
//! lets through, and what a killed process leaves behind.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use local::sqs::Sqs;
use threadless::SystemClock;
use tokio::net::TcpListener;

use crate::subject::{Queue, bodies, client, ours, ours_in_still_time};

#[tokio::test]
async fn a_dedupe_id_is_known_for_five_minutes_and_no_longer() {
    let (subject, clock) = ours_in_still_time().await;
    let queue = subject.queue().await;
    let first = queue.send_as("g", "a", "d").await;
    clock.advance(Duration::from_secs(299));
    assert_eq!(queue.send_as("g", "a", "d").await, first, "and asking does not prolong it");
    clock.advance(Duration::from_secs(1));
    assert_ne!(queue.send_as("g", "a", "d").await, first);
    assert_eq!(queue.bodies(10).await, ["a", "a"]);
}

#[tokio::test]
async fn visibility_ends_to_the_second() {
    let (subject, clock) = ours_in_still_time().await;
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    let first = queue.receive(1).await;
    clock.advance(Duration::from_secs(29));
    assert!(queue.receive(1).await.is_empty());
    clock.advance(Duration::from_secs(1));
    let handle = first[0].receipt_handle().unwrap();
    let late = queue.client.delete_message().queue_url(&queue.url).receipt_handle(handle);
    let problem = late.send().await.unwrap_err();
    assert_eq!(problem.as_service_error().unwrap().code(), Some("InvalidParameterValue"), "it has expired");
    assert_eq!(queue.bodies(1).await, ["a"]);
}

#[tokio::test]
async fn messages_are_kept_for_four_days_unless_told_otherwise() {
    let (subject, clock) = ours_in_still_time().await;
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    clock.advance(Duration::from_secs(4 * 24 * 3600 + 1));
    assert!(queue.receive(1).await.is_empty());
}

#[tokio::test]
async fn characters_outside_xml_are_refused() {
    let subject = ours().await;
    let queue = subject.queue().await;
    for body in ["\0", "a\u{1}", "\u{fffe}", "\u{ffff}", "\u{b}"] {
        let call = queue.client.send_message().queue_url(&queue.url).message_body(body);
        let problem = call.message_group_id("g").message_deduplication_id("d").send().await.unwrap_err();
        assert!(problem.as_service_error().unwrap().is_invalid_message_contents(), "{body:?}");
    }
}

#[tokio::test]
async fn a_restart_loses_nothing_and_can_release_what_was_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sqs.sqlite");
    let open = || Sqs::open(Some(&file), Arc::new(SystemClock)).unwrap();
    let url = {
        let served = open().serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let client = client(&format!("http://{}", served.address()));
        let made = client.create_queue().queue_name("kept.fifo");
        let made = made.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true");
        let url = made.send().await.unwrap().queue_url.unwrap();
        let queue = Queue { client: &client, url: url.clone() };
        queue.send("g", "a").await;
        queue.send("g", "b").await;
        queue.receive(1).await;
        url
    };
    let sqs = open();
    let served = sqs.serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let client = client(&format!("http://{}", served.address()));
    let queue = Queue { client: &client, url };
    assert!(queue.receive(10).await.is_empty(), "still in flight");
    assert_eq!(sqs.release_in_flight().unwrap(), 1);
    assert_eq!(bodies(&queue.receive(10).await), ["a", "b"]);
    assert_eq!(queue.send("g", "b").await, queue.send("g", "b").await);
    assert!(queue.receive(10).await.is_empty(), "the dedupe ids are kept too");
}
