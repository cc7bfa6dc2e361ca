//! Tests of the five minutes of a deduplication id.

use super::{Bench, QUEUE, bodies, message};

#[test]
fn a_dedupe_id_is_known_for_five_minutes_and_no_longer() {
    let mut bench = Bench::new(&[]);
    let first = bench.send_as("g", "a", "d");
    bench.pass(299);
    assert_eq!(bench.send_as("g", "a", "d"), first);
    bench.pass(1);
    let second = bench.send_as("g", "a", "d");
    assert_ne!(second.id, first.id, "being sent again did not prolong it");
    assert!(second.sequence > first.sequence);
    bench.pass(301);
    assert_ne!(bench.send_as("g", "a", "d").id, second.id);
    assert_eq!(bodies(&bench.receive(10)), ["a", "a", "a"]);
}

#[test]
fn a_dedupe_id_outlives_its_message() {
    let mut bench = Bench::new(&[]);
    let first = bench.send_as("g", "a", "d");
    let messages = bench.receive(1);
    bench.delete(&messages[0]).unwrap();
    assert_eq!(bench.send_as("g", "b", "d"), first);
    assert!(bench.receive(1).is_empty());
}

#[test]
fn the_whole_queue_shares_dedupe_ids_unless_the_scope_is_the_group() {
    let mut shared = Bench::new(&[]);
    assert_eq!(shared.send_as("g", "a", "d"), shared.send_as("h", "b", "d"));
    let mut own = Bench::new(&[("DeduplicationScope", "messageGroup")]);
    assert_ne!(own.send_as("g", "a", "d"), own.send_as("h", "b", "d"));
}

#[test]
fn queues_do_not_share_dedupe_ids() {
    let mut bench = Bench::new(&[]);
    bench.make("other.fifo", &[]);
    let first = bench.send_as("g", "a", "d");
    let other = bench.queue("other.fifo");
    assert_ne!(bench.engine.send(&other, &message("g", "a", "d")).unwrap(), first);
}

#[test]
fn a_purge_takes_the_dedupe_ids_too() {
    let mut bench = Bench::new(&[]);
    bench.send_as("g", "a", "d");
    let queue = bench.queue(QUEUE);
    bench.engine.purge(&queue).unwrap();
    bench.send_as("g", "b", "d");
    assert_eq!(bodies(&bench.receive(10)), ["b"]);
}
