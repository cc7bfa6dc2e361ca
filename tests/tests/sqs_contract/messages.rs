//! Sending, receiving, deleting, visibility, errors.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName as System, QueueAttributeName};

use crate::subject::{Subject, attribute, bodies};

pub(crate) async fn what_was_sent_is_received_as_it_was_with_its_sums_and_attributes(subject: &Subject) {
    let queue = subject.queue().await;
    let body = "{\"v\":1} \t\n ሰላም 👩\u{200d}💻";
    let own = MessageAttributeValue::builder().data_type("String").string_value("ሰ").build().unwrap();
    let call =
        queue.client.send_message().queue_url(&queue.url).message_body(body).message_attributes("own", own);
    // The SDK itself checks the sums of what it sends and receives.
    let sent = call.message_group_id("g").message_deduplication_id("d").send().await.unwrap();
    let messages = queue.receive(10).await;
    assert_eq!(bodies(&messages), [body]);
    let message = &messages[0];
    assert_eq!(
        (message.message_id(), message.md5_of_body()),
        (sent.message_id(), sent.md5_of_message_body())
    );
    assert_eq!(message.message_attributes().unwrap()["own"].string_value(), Some("ሰ"));
    assert_eq!(attribute(message, &System::MessageGroupId), "g");
    assert_eq!(attribute(message, &System::MessageDeduplicationId), "d");
    assert_eq!(attribute(message, &System::ApproximateReceiveCount), "1");
    assert_eq!(Some(attribute(message, &System::SequenceNumber)), sent.sequence_number());
    for time in [System::SentTimestamp, System::ApproximateFirstReceiveTimestamp] {
        assert!(attribute(message, &time).parse::<i64>().unwrap() > 1_600_000_000_000, "{time:?}");
    }
}

pub(crate) async fn a_deleted_message_does_not_come_again(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    let messages = queue.receive_for(1, Some(1), 0).await;
    queue.delete(&messages[0]).await;
    assert_eq!(bodies(&queue.receive_for(1, None, 2).await), Vec::<String>::new());
}

pub(crate) async fn a_message_that_was_not_deleted_comes_again_when_its_time_is_over(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    let first = queue.receive_for(1, Some(1), 0).await;
    let second = queue.receive_for(1, None, 20).await;
    assert_eq!(bodies(&second), ["a"]);
    assert_eq!(attribute(&second[0], &System::ApproximateReceiveCount), "2");
    assert_ne!(first[0].receipt_handle(), second[0].receipt_handle());
}

pub(crate) async fn visibility_can_be_given_up_and_prolonged(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    let messages = queue.receive(1).await;
    queue.change_visibility(&messages[0], 0).await;
    let again = queue.receive_for(1, Some(1), 0).await;
    assert_eq!(bodies(&again), ["a"]);
    queue.change_visibility(&again[0], 60).await;
    assert_eq!(bodies(&queue.receive_for(1, None, 2).await), Vec::<String>::new(), "longer than its second");
}

pub(crate) async fn a_long_poll_wakes_when_something_is_sent(subject: &Subject) {
    let queue = subject.queue().await;
    let (received, _) = tokio::join!(queue.receive_for(1, None, 20), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        queue.send("g", "a").await
    });
    assert_eq!(bodies(&received), ["a"]);
}

pub(crate) async fn a_long_poll_wakes_when_something_becomes_visible(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    let held = queue.receive(1).await;
    let (received, ()) = tokio::join!(queue.receive_for(1, None, 20), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        queue.change_visibility(&held[0], 0).await;
    });
    assert_eq!(bodies(&received), ["a"]);
}

pub(crate) async fn what_cannot_be_sent_is_refused(subject: &Subject) {
    let queue = subject.queue().await;
    let call = |body: &str| queue.client.send_message().queue_url(&queue.url).message_body(body);
    let grouped = |body: &str| call(body).message_group_id("g").message_deduplication_id("d");
    let table = [
        ("no group", call("a").message_deduplication_id("d"), "MissingParameter"),
        ("no dedupe id", call("a").message_group_id("g"), "InvalidParameterValue"),
        ("a delay of its own", grouped("a").delay_seconds(1), "InvalidParameterValue"),
        ("too long", grouped(&"x".repeat(1_048_577)), "InvalidParameterValue"),
    ];
    for (what, call, code) in table {
        let problem = call.send().await.unwrap_err();
        let found = problem.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
        assert!(found.ends_with(code), "{what}: {found}");
    }
    assert_eq!(queue.bodies(10).await, Vec::<String>::new());
}

pub(crate) async fn counts_and_attributes_are_told(subject: &Subject) {
    let queue = subject.queue().await;
    for text in ["a", "b", "c"] {
        queue.send(text, text).await;
    }
    queue.receive(1).await;
    let call = queue.client.get_queue_attributes().queue_url(&queue.url);
    let told = call.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
    let told = |name: QueueAttributeName| told[&name].as_str();
    assert_eq!(told(QueueAttributeName::ApproximateNumberOfMessages), "2");
    assert_eq!(told(QueueAttributeName::ApproximateNumberOfMessagesNotVisible), "1");
    assert_eq!(told(QueueAttributeName::VisibilityTimeout), "30");
    assert_eq!(told(QueueAttributeName::FifoQueue), "true");
    assert!(told(QueueAttributeName::QueueArn).ends_with(":contract.fifo"));
    let found = queue.client.get_queue_url().queue_name("contract.fifo").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(queue.url.as_str()));
}

pub(crate) async fn a_queue_that_is_not_there_is_named_so(subject: &Subject) {
    let problem = subject.client.get_queue_url().queue_name("none.fifo").send().await.unwrap_err();
    assert!(problem.as_service_error().unwrap().is_queue_does_not_exist(), "{problem:?}");
}

pub(crate) async fn a_made_up_receipt_handle_is_refused(subject: &Subject) {
    let queue = subject.queue().await;
    let call = queue.client.delete_message().queue_url(&queue.url).receipt_handle("made up");
    assert!(call.send().await.unwrap_err().as_service_error().unwrap().is_receipt_handle_is_invalid());
}
