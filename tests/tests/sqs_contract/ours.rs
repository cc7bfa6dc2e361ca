//! Tests of our SQS only. The other emulator has no clock that can be set, cannot be restarted with its data, or
//! answers differently from recordings of real queues. Each test of the last kind says what differs.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;
use tests::aws::sqs_client;
use tests::http::exchange;
use threadless::SystemClock;
use threadless_local::sqs::Sqs;
use tokio::net::TcpListener;

use crate::batches::entry;
use crate::subject::{Queue, bodies, ours, ours_in_still_time, refusal};

// ---- The other emulator has no clock that can be set.

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
async fn a_long_poll_sees_that_the_clock_was_set() {
    let (subject, clock) = ours_in_still_time().await;
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    queue.receive(1).await;
    let (received, ()) = tokio::join!(queue.receive_for(1, None, 20), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        clock.advance(Duration::from_secs(30));
    });
    assert_eq!(bodies(&received), ["a"]);
}

// ---- The other emulator cannot be restarted with its data.

#[tokio::test]
async fn a_restart_loses_nothing_and_can_release_what_was_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sqs.sqlite");
    let open = || Sqs::open(Some(&file), false, Arc::new(SystemClock)).unwrap();
    let url = {
        let served =
            threadless_local::sqs::serve(&open(), TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let client = sqs_client(&format!("http://{}", served.address())).unwrap();
        let made = client.create_queue().queue_name("kept.fifo");
        let made = made.attributes(QueueAttributeName::FifoQueue, "true");
        let url = made.send().await.unwrap().queue_url.unwrap();
        let queue = Queue { client: &client, url: url.clone() };
        queue.send("g", "a").await;
        queue.send("g", "b").await;
        queue.receive(1).await;
        url
    };
    let sqs = open();
    let served = threadless_local::sqs::serve(&sqs, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let client = sqs_client(&format!("http://{}", served.address())).unwrap();
    let queue = Queue { client: &client, url };
    assert!(queue.receive(10).await.is_empty(), "still in flight");
    assert_eq!(sqs.release_in_flight().unwrap(), 1);
    let messages = queue.receive(10).await;
    assert_eq!(bodies(&messages), ["a", "b"]);
    let again = queue.send("g", "b").await;
    assert_eq!(Some(again.0.as_str()), messages[1].message_id(), "the dedupe ids are kept too");
}

// ---- Recordings of real queues differ from the other emulator.

/// The other emulator hands out messages in the order of sending, whatever the group.
#[tokio::test]
async fn groups_come_one_after_the_other() {
    let subject = ours().await;
    let queue = subject.queue().await;
    for (group, text) in [("g", "g1"), ("h", "h1"), ("g", "g2"), ("g", "g3")] {
        queue.send(group, text).await;
    }
    assert_eq!(queue.bodies(10).await, ["g1", "g2", "g3", "h1"]);
}

/// The other emulator locks the whole group.
#[tokio::test]
async fn a_message_that_is_free_again_can_be_had_while_a_later_one_is_in_flight() {
    let subject = ours().await;
    let queue = subject.queue().await;
    for text in ["a", "b", "c"] {
        queue.send("g", text).await;
    }
    let held = queue.receive(2).await;
    queue.change_visibility(&held[0], 0).await;
    assert_eq!(queue.bodies(10).await, ["a"]);
}

/// The other emulator deletes the message.
#[tokio::test]
async fn a_receipt_handle_expires_with_its_visibility() {
    let (subject, clock) = ours_in_still_time().await;
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    let first = queue.receive(1).await;
    clock.advance(Duration::from_secs(30));
    let handle = first[0].receipt_handle().unwrap();
    let late = queue.client.delete_message().queue_url(&queue.url).receipt_handle(handle).send().await;
    let (code, text) = refusal(late);
    assert_eq!(code, "InvalidParameterValue");
    assert!(text.ends_with("Reason: The receipt handle has expired."), "{text}");
    assert_eq!(queue.bodies(1).await, ["a"]);
}

/// The other emulator sends the rest.
#[tokio::test]
async fn a_batch_with_a_message_that_lacks_its_group_fails_whole() {
    let subject = ours().await;
    let queue = subject.queue().await;
    let call = queue.client.send_message_batch().queue_url(&queue.url);
    let call = call.entries(entry("good", Some("g"))).entries(entry("bad", None));
    let (code, text) = refusal(call.send().await);
    assert_eq!(code, "InvalidParameterValue");
    assert_eq!(text, "The request must contain the parameter MessageGroupId.");
    assert!(queue.receive(10).await.is_empty());
}

/// The other emulator still knows them.
#[tokio::test]
async fn a_purge_takes_the_dedupe_ids_too() {
    let subject = ours().await;
    let queue = subject.queue().await;
    queue.send_as("g", "a", "d").await;
    queue.client.purge_queue().queue_url(&queue.url).send().await.unwrap();
    queue.send_as("g", "b", "d").await;
    assert_eq!(queue.bodies(10).await, ["b"]);
}

/// The other emulator takes any text and any waiting time.
#[tokio::test]
async fn ids_and_waits_have_limits() {
    let subject = ours().await;
    let queue = subject.queue().await;
    for id in ["", "a b", "ሰ", &"x".repeat(129)] {
        let call = queue.client.send_message().queue_url(&queue.url).message_body("a");
        let call = call.message_group_id("g").message_deduplication_id(id);
        let reason = "MessageDeduplicationId can only include alphanumeric and punctuation characters. \
                      1 to 128 in length.";
        let text = format!("Value {id} for parameter MessageDeduplicationId is invalid. Reason: {reason}");
        assert_eq!(refusal(call.send().await), ("InvalidParameterValue".to_owned(), text));
    }
    let call = queue.client.receive_message().queue_url(&queue.url).wait_time_seconds(21);
    assert_eq!(refusal(call.send().await).0, "InvalidParameterValue");
}

/// The other emulator has other names for some of these errors.
#[tokio::test]
async fn an_error_has_its_shape_and_its_older_code() {
    let subject = ours().await;
    let queue = subject.queue().await;
    let host = queue.url.split('/').nth(2).unwrap();
    let (url, none) = (queue.url.as_str(), queue.url.replace("contract", "none"));
    let table = [
        (none.as_str(), "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender"),
        (url, "MissingRequiredParameterException", "MissingParameter;Sender"),
    ];
    for (url, shape, code) in table {
        let body = format!(r#"{{"QueueUrl":"{url}","MessageBody":"a","MessageDeduplicationId":"d"}}"#);
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n\
             Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let whole = exchange(host, request.as_bytes()).await.unwrap();
        let answer: Value = serde_json::from_str(&whole.answer.body).unwrap();
        assert_eq!(whole.answer.status, 400);
        assert_eq!(answer["__type"], format!("com.amazonaws.sqs#{shape}"));
        assert_eq!(whole.headers["x-amzn-query-error"], code);
        assert_eq!(whole.headers["content-type"], "application/x-amz-json-1.0");
    }
}
