//! Tests of making and changing queues.

use rusqlite::Connection;

use super::super::schema;
use super::{Bench, QUEUE, attributes};

#[test]
fn a_queue_is_made_again_only_with_the_same_attributes() {
    let mut bench = Bench::new(&[("VisibilityTimeout", "10")]);
    bench.engine.create_queue(QUEUE, &attributes(&[("VisibilityTimeout", "10")])).unwrap();
    bench.engine.create_queue(QUEUE, &attributes(&[("DelaySeconds", "0")])).unwrap();
    let problem = bench.engine.create_queue(QUEUE, &attributes(&[("VisibilityTimeout", "11")])).unwrap_err();
    assert_eq!(problem.shape, "QueueNameExists");
    assert!(problem.message.ends_with("VisibilityTimeout"), "{}", problem.message);
}

#[test]
fn a_template_changes_a_queue_and_keeps_its_messages() {
    let mut bench = Bench::new(&[("VisibilityTimeout", "10"), ("DelaySeconds", "5")]);
    bench.send(&["g1"]);
    bench.engine.ensure_queue(QUEUE, &attributes(&[("VisibilityTimeout", "20")])).unwrap();
    let queue = bench.queue(QUEUE);
    assert_eq!(queue.attributes, attributes(&[("VisibilityTimeout", "20")]));
    assert_eq!(bench.counts(QUEUE).visible, 1);
}

#[test]
fn attributes_that_cannot_be_are_refused() {
    let dead =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none.fifo","maxReceiveCount":2}"#;
    let own = dead.replace("none", "q");
    let table = [
        ("VisibilityTimeout", "43201", "InvalidAttributeValue"),
        ("DelaySeconds", "x", "InvalidAttributeValue"),
        ("MaximumMessageSize", "1048577", "InvalidAttributeValue"),
        ("DeduplicationScope", "group", "InvalidAttributeValue"),
        ("FifoThroughputLimit", "perMessageGroupId", "InvalidAttributeValue"),
        ("FifoQueue", "false", "InvalidAttributeValue"),
        ("RedrivePolicy", "{", "InvalidAttributeValue"),
        ("RedrivePolicy", dead, "InvalidParameterValue"),
        ("RedrivePolicy", &own, "InvalidParameterValue"),
        ("Colour", "red", "InvalidAttributeName"),
    ];
    let mut bench = Bench::new(&[]);
    for (name, value, code) in table {
        let given = [(name.to_owned(), value.to_owned())].into();
        let problem = bench.engine.set_attributes(QUEUE, &given).unwrap_err();
        assert_eq!(problem.code, code, "{name} = {value}");
    }
    assert_eq!(bench.queue(QUEUE).attributes, attributes(&[]));
}

#[test]
fn names_that_a_fifo_queue_cannot_have_are_refused() {
    let mut bench = Bench::new(&[]);
    for name in ["q", ".fifo", "a b.fifo", "ö.fifo", &format!("{}.fifo", "x".repeat(76))] {
        assert_eq!(
            bench.engine.create_queue(name, &attributes(&[])).unwrap_err().code,
            "InvalidParameterValue",
            "{name}"
        );
    }
}

#[test]
fn a_policy_is_taken_away_by_an_empty_one() {
    let mut bench = Bench::with_dead_letters(1);
    bench.set(&[("RedrivePolicy", "")]);
    assert!(!bench.queue(QUEUE).attributes.contains_key("RedrivePolicy"));
}

#[test]
fn a_file_of_another_version_is_refused_in_words() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE queue (name TEXT)").unwrap();
    assert!(schema::prepare(connection, false).unwrap_err().to_string().contains("another version"));
}
