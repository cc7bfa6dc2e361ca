//! Several at once.

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry as Entry};

use crate::subject::{Queue, Subject};

fn entry(id: &str, group: Option<&str>) -> Entry {
    let entry = Entry::builder().id(id).message_body(format!("body {id}")).message_deduplication_id(id);
    entry.set_message_group_id(group.map(str::to_owned)).build().unwrap()
}

async fn refused(queue: &Queue<'_>, entries: Vec<Entry>) -> String {
    let call = queue.client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries));
    let problem = call.send().await.unwrap_err();
    problem.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned()
}

pub(crate) async fn a_batch_is_sent_received_and_deleted(subject: &Subject) {
    let queue = subject.queue().await;
    let entries = (0..10).map(|nth| entry(&nth.to_string(), Some("g"))).collect();
    let call = queue.client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries));
    let sent = call.send().await.unwrap();
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
    let queue = subject.queue().await;
    let entries = vec![entry("good", Some("g")), entry("bad", None), entry("better", Some("g"))];
    let call = queue.client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries));
    let sent = call.send().await.unwrap();
    let failed: Vec<&str> = sent.failed().iter().map(aws_sdk_sqs::types::BatchResultErrorEntry::id).collect();
    assert_eq!(failed, ["bad"]);
    assert!(sent.failed()[0].sender_fault());
    assert_eq!(queue.bodies(10).await, ["body good", "body better"]);
}

pub(crate) async fn batches_that_are_none_are_refused(subject: &Subject) {
    let queue = subject.queue().await;
    let eleven = (0..11).map(|nth| entry(&nth.to_string(), Some("g"))).collect();
    assert!(refused(&queue, eleven).await.contains("TooManyEntriesInBatchRequest"));
    let equal = vec![entry("a", Some("g")), entry("a", Some("g"))];
    assert!(refused(&queue, equal).await.contains("BatchEntryIdsNotDistinct"));
    assert!(refused(&queue, Vec::new()).await.contains("EmptyBatchRequest"));
}
