//! Groups, order, deduplication, dead letters.

use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName as System, QueueAttributeName};
use futures_util::future::join_all;

use crate::subject::{Subject, attribute, bodies};

pub(crate) async fn a_group_hands_out_nothing_while_something_of_it_is_in_flight(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    queue.send("g", "b").await;
    let first = queue.receive(1).await;
    assert_eq!(bodies(&first), ["a"]);
    assert_eq!(queue.bodies(10).await, Vec::<String>::new());
    queue.delete(&first[0]).await;
    assert_eq!(queue.bodies(10).await, ["b"]);
}

pub(crate) async fn a_batch_holds_several_of_a_group_in_order(subject: &Subject) {
    let queue = subject.queue().await;
    let texts: Vec<String> = (0..12).map(|nth| format!("m{nth:02}")).collect();
    let mut numbers = Vec::new();
    for text in &texts {
        numbers.push(queue.send("g", text).await.1);
    }
    assert!(numbers.is_sorted() && numbers.windows(2).all(|pair| pair[0] != pair[1]), "{numbers:?}");
    assert_eq!(queue.bodies(10).await, texts[..10]);
}

pub(crate) async fn what_comes_again_comes_in_order(subject: &Subject) {
    let queue = subject.queue().await;
    for text in ["a", "b", "c"] {
        queue.send("g", text).await;
    }
    let held = queue.receive(2).await;
    queue.delete(&held[0]).await;
    queue.change_visibility(&held[1], 0).await;
    assert_eq!(queue.bodies(10).await, ["b", "c"]);
}

pub(crate) async fn other_groups_go_on(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    queue.receive(1).await;
    queue.send("g", "b").await;
    queue.send("h", "c").await;
    assert_eq!(queue.bodies(10).await, ["c"]);
}

pub(crate) async fn an_equal_dedupe_id_is_the_same_message_even_after_deletion(subject: &Subject) {
    let queue = subject.queue().await;
    let first = queue.send_as("g", "a", "d").await;
    assert_eq!(queue.send_as("g", "other text", "d").await, first);
    let messages = queue.receive(10).await;
    assert_eq!(bodies(&messages), ["a"]);
    queue.delete(&messages[0]).await;
    assert_eq!(queue.send_as("g", "a", "d").await, first);
    assert_eq!(queue.bodies(10).await, Vec::<String>::new());
}

pub(crate) async fn dedupe_ids_are_each_groups_own_where_the_scope_says_so(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send_as("g", "a", "d").await;
    queue.send_as("h", "b", "d").await;
    assert_eq!(queue.bodies(10).await, ["a", "b"]);
    let shared = subject
        .queue_with(
            "shared.fifo",
            &[
                (QueueAttributeName::DeduplicationScope, "queue"),
                (QueueAttributeName::FifoThroughputLimit, "perQueue"),
            ],
        )
        .await;
    shared.send_as("g", "a", "d").await;
    shared.send_as("h", "b", "d").await;
    assert_eq!(shared.bodies(10).await, ["a"]);
}

pub(crate) async fn the_content_can_be_the_dedupe_id(subject: &Subject) {
    let by_content = [(QueueAttributeName::ContentBasedDeduplication, "true")];
    let queue = subject.queue_with("content.fifo", &by_content).await;
    for text in ["a", "a", "b"] {
        let call = queue.client.send_message().queue_url(&queue.url).message_body(text);
        call.message_group_id("g").send().await.unwrap();
    }
    assert_eq!(queue.bodies(10).await, ["a", "b"]);
}

pub(crate) async fn what_was_received_too_often_goes_to_the_dead_letters_with_its_group(subject: &Subject) {
    let (queue, dead) = subject.queue_with_dead_letters(2).await;
    let sent = queue.send("g", "poison").await;
    queue.send("g", "next").await;
    for _ in 0..2 {
        let messages = queue.receive(1).await;
        assert_eq!(bodies(&messages), ["poison"]);
        queue.change_visibility(&messages[0], 0).await;
    }
    assert_eq!(bodies(&queue.receive_for(1, None, 5).await), ["next"], "the group goes on");
    let source = queue.attribute(QueueAttributeName::QueueArn).await;
    let dead = dead.receive_for(10, None, 5).await;
    assert_eq!(bodies(&dead), ["poison"]);
    assert_eq!(dead[0].message_id(), Some(sent.0.as_str()));
    assert_eq!(attribute(&dead[0], &System::ApproximateReceiveCount), "3", "the count goes on");
    assert_eq!(attribute(&dead[0], &System::DeadLetterQueueSourceArn), source);
    assert_eq!(attribute(&dead[0], &System::MessageGroupId), "g");
}

pub(crate) async fn a_queues_delay_holds_for_each_message(subject: &Subject) {
    let queue = subject.queue_with("delay.fifo", &[(QueueAttributeName::DelaySeconds, "2")]).await;
    queue.send("g", "a").await;
    assert_eq!(queue.bodies(10).await, Vec::<String>::new());
    assert_eq!(queue.attribute(QueueAttributeName::ApproximateNumberOfMessagesDelayed).await, "1");
    assert_eq!(bodies(&queue.receive_for(10, None, 20).await), ["a"]);
}

pub(crate) async fn many_receivers_at_once_keep_the_order_of_each_group(subject: &Subject) {
    let queue = subject.queue().await;
    let all = (0..8).flat_map(|nth| (b'a'..=b'f').map(move |group| (char::from(group), nth)));
    for (group, nth) in all {
        queue.send(&group.to_string(), &format!("{group}{nth}")).await;
    }
    let taken = Mutex::new(Vec::new());
    let receivers = (0..4).map(|_| async {
        loop {
            let messages = queue.receive(3).await;
            if messages.is_empty() && taken.lock().unwrap().len() == 48 {
                return;
            }
            for message in messages {
                // Record it before the deletion, because the deletion frees the group.
                taken.lock().unwrap().push(message.body().unwrap().to_owned());
                queue.delete(&message).await;
            }
            tokio::task::yield_now().await;
        }
    });
    tokio::time::timeout(Duration::from_mins(1), join_all(receivers)).await.expect("some do not come");
    let mut taken = taken.into_inner().unwrap();
    // The sort is stable, so the order within a group stays.
    taken.sort_by_key(|text| text[..1].to_owned());
    let expected: Vec<String> =
        ('a'..='f').flat_map(|group| (0..8).map(move |nth| format!("{group}{nth}"))).collect();
    assert_eq!(taken, expected);
}
