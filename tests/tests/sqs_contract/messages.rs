//! Sending, receiving, deleting, visibility, errors.

use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName as System};

use crate::subject::{Subject, attribute, bodies, refusal};

/// A digest that another program computed. It is not enough that both sides agree.
const BODY_MD5: &str = "c7db2af44975ec41e4950277d8e87150";
const ATTRIBUTES_MD5: &str = "4c1264d87bf1fba2c1aaeffd69dbc2c7";

pub(crate) async fn what_was_sent_is_received_as_it_was_with_its_sums_and_attributes(subject: &Subject) {
    let queue = subject.queue().await;
    let body = "{\"v\":1} \t\n ሰላም 👩\u{200d}💻";
    let own = || MessageAttributeValue::builder();
    let text = own().data_type("String").string_value("ሰ").build().unwrap();
    let number = own().data_type("Number.int").string_value("1").build().unwrap();
    let bytes = own().data_type("Binary").binary_value(Blob::new([0, 0xff])).build().unwrap();
    let call = queue.client.send_message().queue_url(&queue.url).message_body(body);
    let call = call.message_attributes("own", text).message_attributes("number", number);
    let call = call.message_attributes("bytes", bytes);
    let sent = call.message_group_id("g").message_deduplication_id("d").send().await.unwrap();
    let messages = queue.receive(10).await;
    assert_eq!(bodies(&messages), [body]);
    let message = &messages[0];
    assert_eq!(
        (message.message_id(), message.md5_of_body()),
        (sent.message_id(), sent.md5_of_message_body())
    );
    assert_eq!(sent.md5_of_message_body(), Some(BODY_MD5));
    let sums = (sent.md5_of_message_attributes(), message.md5_of_message_attributes());
    assert_eq!(sums, (Some(ATTRIBUTES_MD5), Some(ATTRIBUTES_MD5)));
    let own = message.message_attributes().unwrap();
    assert_eq!((own["own"].string_value(), own["number"].string_value()), (Some("ሰ"), Some("1")));
    assert_eq!(own["bytes"].binary_value().map(AsRef::as_ref), Some([0, 0xff].as_slice()));
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
        ("nothing", grouped(""), "MissingParameter"),
        ("too long", grouped(&"x".repeat(1_048_577)), "InvalidParameterValue"),
        ("too long in bytes", grouped(&"ሰ".repeat(349_526)), "InvalidParameterValue"),
    ];
    for (what, call, code) in table {
        assert_eq!(refusal(call.send().await).0, code, "{what}");
    }
    assert_eq!(queue.bodies(10).await, Vec::<String>::new());
}

pub(crate) async fn the_longest_message_is_taken(subject: &Subject) {
    let queue = subject.queue().await;
    let body = "x".repeat(1_048_576);
    queue.send_as("g", &body, "d").await;
    assert_eq!(queue.bodies(1).await, [body]);
}

/// Checks the characters that XML 1.0 cannot express: control characters, and the two noncharacters.
pub(crate) async fn characters_outside_xml_are_refused(subject: &Subject) {
    let queue = subject.queue().await;
    for body in ["\0", "a\u{1}", "\u{fffe}", "\u{ffff}", "\u{b}"] {
        let call = queue.client.send_message().queue_url(&queue.url).message_body(body);
        let call = call.message_group_id("g").message_deduplication_id("d");
        assert_eq!(refusal(call.send().await).0, "InvalidMessageContents", "{body:?}");
    }
    let legal = "\t\n\r \u{7f}\u{fffd}\u{10ffff}";
    queue.send_as("g", legal, "d").await;
    assert_eq!(queue.bodies(1).await, [legal]);
}

pub(crate) async fn only_what_is_asked_for_is_told(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    let call = || queue.client.receive_message().queue_url(&queue.url).visibility_timeout(0);
    let plain = call().send().await.unwrap().messages.unwrap();
    assert_eq!(plain[0].attributes(), None);
    let some = call().message_system_attribute_names(System::MessageGroupId).send().await.unwrap();
    let some = &some.messages()[0];
    assert_eq!(some.attributes().unwrap().len(), 1);
    assert_eq!(attribute(some, &System::MessageGroupId), "g");
}

pub(crate) async fn more_than_ten_at_once_cannot_be_asked_for(subject: &Subject) {
    let queue = subject.queue().await;
    for most in [0, 11] {
        let call = queue.client.receive_message().queue_url(&queue.url).max_number_of_messages(most);
        assert_eq!(refusal(call.send().await).0, "InvalidParameterValue", "{most}");
    }
}

pub(crate) async fn a_made_up_receipt_handle_is_refused(subject: &Subject) {
    let queue = subject.queue().await;
    let call = queue.client.delete_message().queue_url(&queue.url).receipt_handle("made up");
    assert_eq!(refusal(call.send().await).0, "ReceiptHandleIsInvalid");
    let call = queue.client.change_message_visibility().queue_url(&queue.url).receipt_handle("made up");
    assert_eq!(refusal(call.visibility_timeout(0).send().await).0, "ReceiptHandleIsInvalid");
}
