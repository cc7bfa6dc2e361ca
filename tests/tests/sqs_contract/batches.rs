//! Batches of several messages.

use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput as Sent};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    QueueAttributeName, SendMessageBatchRequestEntry as Entry,
};

use crate::subject::{Queue, Subject, refusal};

pub(crate) fn entry(id: &str, group: Option<&str>) -> Entry {
    let entry = Entry::builder().id(id).message_body(format!("body {id}")).message_deduplication_id(id);
    entry.set_message_group_id(group.map(str::to_owned)).build().unwrap()
}

async fn send(queue: &Queue<'_>, entries: Vec<Entry>) -> Result<Sent, SdkError<SendMessageBatchError>> {
    queue.client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries)).send().await
}

pub(crate) async fn a_batch_is_sent_received_and_deleted(subject: &Subject) {
    let queue = subject.queue().await;
    let entries = (0..10).map(|nth| entry(&nth.to_string(), Some("g"))).collect();
    let sent = send(&queue, entries).await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed().len()), (10, 0));
    let messages = queue.receive_for(10, Some(1), 0).await;
    assert_eq!(messages.len(), 10);
    let entries = messages.iter().enumerate().map(|(nth, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(nth.to_string());
        entry.receipt_handle(message.receipt_handle().unwrap()).build().unwrap()
    });
    let call = queue.client.delete_message_batch().queue_url(&queue.url).set_entries(Some(entries.collect()));
    let deleted = call.send().await.unwrap();
    assert_eq!((deleted.successful().len(), deleted.failed().len()), (10, 0));
    assert!(queue.receive_for(10, None, 2).await.is_empty());
}

pub(crate) async fn an_entry_that_fails_fails_alone(subject: &Subject) {
    let queue = subject.queue_with("short.fifo", &[(QueueAttributeName::MaximumMessageSize, "1024")]).await;
    let mut long = entry("long", Some("g"));
    long.message_body = "x".repeat(1025);
    let sent = send(&queue, vec![entry("good", Some("g")), long, entry("better", Some("g"))]).await.unwrap();
    let failed: Vec<&str> = sent.failed().iter().map(BatchResultErrorEntry::id).collect();
    assert_eq!(failed, ["long"]);
    assert_eq!((sent.failed()[0].code(), sent.failed()[0].sender_fault()), ("InvalidParameterValue", true));
    assert_eq!(queue.bodies(10).await, ["body good", "body better"]);
}

pub(crate) async fn an_entry_that_was_sent_before_is_the_message_that_it_was(subject: &Subject) {
    let queue = subject.queue().await;
    let first = queue.send_as("g", "a", "twice").await;
    let sent = send(&queue, vec![entry("twice", Some("g")), entry("new", Some("g"))]).await.unwrap();
    assert_eq!(sent.successful()[0].message_id(), first.0);
    assert_eq!(queue.bodies(10).await, ["a", "body new"]);
}

pub(crate) async fn visibility_is_changed_for_several_each_for_itself(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    queue.send("h", "b").await;
    let held = queue.receive(10).await;
    let entry = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(handle);
        entry.visibility_timeout(0).build().unwrap()
    };
    let call = queue.client.change_message_visibility_batch().queue_url(&queue.url);
    let call = call.entries(entry("a", held[0].receipt_handle().unwrap()));
    let changed = call.entries(entry("none", "made up")).send().await.unwrap();
    assert_eq!((changed.successful()[0].id(), changed.failed()[0].id()), ("a", "none"));
    assert_eq!(changed.failed()[0].code(), "ReceiptHandleIsInvalid");
    assert_eq!(queue.bodies(10).await, ["a"]);
}

pub(crate) async fn batches_that_are_none_are_refused(subject: &Subject) {
    let queue = subject.queue().await;
    let named = |ids: &[&str]| ids.iter().map(|id| entry(id, Some("g"))).collect::<Vec<_>>();
    let mut long = named(&["a", "b"]);
    long[0].message_body = "x".repeat(1_000_000);
    long[1].message_body = "x".repeat(48_577);
    let table = [
        (vec![], "EmptyBatchRequest"),
        (named(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]), "TooManyEntriesInBatchRequest"),
        (named(&["a", "a"]), "BatchEntryIdsNotDistinct"),
        (named(&["a b"]), "InvalidBatchEntryId"),
        (long, "BatchRequestTooLong"),
    ];
    for (entries, code) in table {
        assert_eq!(refusal(send(&queue, entries).await).0, format!("AWS.SimpleQueueService.{code}"));
    }
    assert_eq!(queue.bodies(10).await, Vec::<String>::new());
}
