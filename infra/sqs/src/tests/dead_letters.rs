//! Tests of messages that were received too often or kept too long.

use super::{Bench, QUEUE, bodies};

#[test]
fn what_was_received_too_often_moves_with_its_group_and_in_order() {
    let mut bench = Bench::with_dead_letters(2);
    bench.send(&["g1", "g2", "h1"]);
    for _ in 0..2 {
        assert_eq!(bodies(&bench.receive(3)), ["g1", "g2", "h1"]);
        bench.pass(30);
    }
    bench.send(&["g3"]);
    assert_eq!(bench.counts("dead.fifo").visible, 0, "they move when they would be received once more");
    assert_eq!(bodies(&bench.receive(10)), ["g3"]);
    let dead = bench.receive_from("dead.fifo", 10);
    assert_eq!(bodies(&dead), ["g1", "g2", "h1"]);
    assert_eq!((dead[0].group.as_str(), dead[2].group.as_str()), ("g", "h"));
    assert_eq!(dead[0].received, 3, "the count goes on");
    assert_eq!(dead[0].dead_letter_of.as_deref(), Some("arn:aws:sqs:us-east-1:000000000000:q.fifo"));
}

#[test]
fn a_dead_letter_has_its_message_id_as_its_dedupe_id() {
    let mut bench = Bench::with_dead_letters(1);
    let sent = bench.send_as("g", "g1", "given");
    assert_eq!(bench.receive(1)[0].dedupe_id, "given");
    bench.pass(30);
    assert!(bench.receive(1).is_empty());
    let dead = bench.receive_from("dead.fifo", 1);
    assert_eq!((&dead[0].id, &dead[0].dedupe_id), (&sent.id, &sent.id));
}

#[test]
fn only_what_was_received_too_often_moves() {
    let mut bench = Bench::with_dead_letters(1);
    bench.send(&["g1", "g2"]);
    let held = bench.receive(1);
    bench.change_visibility(&held[0], 0).unwrap();
    assert_eq!(bodies(&bench.receive(1)), ["g2"]);
    assert_eq!(bodies(&bench.receive_from("dead.fifo", 10)), ["g1"]);
}

#[test]
fn dead_letters_are_kept_from_their_move_on() {
    let mut bench = Bench::with_dead_letters(1);
    bench.send(&["g1"]);
    bench.receive(1);
    bench.pass(100);
    assert!(bench.receive(1).is_empty());
    bench.pass(59);
    assert_eq!(bench.counts("dead.fifo").visible, 1);
    bench.pass(1);
    assert_eq!(bench.counts("dead.fifo").visible, 0);
}

#[test]
fn without_the_other_queue_messages_stay() {
    let mut bench = Bench::with_dead_letters(1);
    bench.send(&["g1"]);
    let dead = bench.queue("dead.fifo");
    bench.engine.delete_queue(&dead).unwrap();
    for _ in 0..3 {
        assert_eq!(bodies(&bench.receive(1)), ["g1"]);
        bench.pass(30);
    }
}

#[test]
fn messages_are_kept_for_four_days_unless_told_otherwise() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1"]);
    bench.pass(4 * 24 * 3600 - 1);
    assert_eq!(bench.counts(QUEUE).visible, 1);
    bench.pass(1);
    assert_eq!(bench.counts(QUEUE).visible, 0);
    assert!(bench.receive(1).is_empty());
}
