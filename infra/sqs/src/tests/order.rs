//! Tests of which messages are handed out, and in which order.

use super::{Bench, Counts, QUEUE, bodies};

#[test]
fn groups_come_one_after_the_other_each_in_its_order() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1", "h1", "g2", "g3"]);
    assert_eq!(bodies(&bench.receive(10)), ["g1", "g2", "g3", "h1"]);
}

#[test]
fn a_group_is_locked_while_its_first_message_is_in_flight() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1", "g2", "h1"]);
    let held = bench.receive(1);
    assert_eq!(bodies(&held), ["g1"]);
    assert_eq!(bodies(&bench.receive(10)), ["h1"]);
    bench.send(&["g3"]);
    assert!(bench.receive(10).is_empty());
    bench.delete(&held[0]).unwrap();
    assert_eq!(bodies(&bench.receive(10)), ["g2", "g3"]);
}

/// Real queues were recorded with this behaviour.
#[test]
fn what_lies_before_the_first_in_flight_can_be_had_and_nothing_behind_it() {
    for (prolonged, expected) in [(0, vec![]), (1, vec!["g1"]), (2, vec!["g1", "g2"])] {
        let mut bench = Bench::new(&[]);
        bench.send(&["g1", "g2", "g3", "g4"]);
        let held = bench.receive(3);
        bench.change_visibility(&held[prolonged], 60).unwrap();
        bench.pass(30);
        assert_eq!(bodies(&bench.receive(10)), expected, "{prolonged}");
    }
}

#[test]
fn a_group_that_comes_back_waits_behind_those_that_were_free_before() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1", "h1"]);
    let held = bench.receive(1);
    bench.pass(1);
    bench.change_visibility(&held[0], 0).unwrap();
    assert_eq!(bodies(&bench.receive(10)), ["h1", "g1"]);
}

#[test]
fn a_delay_holds_for_what_is_in_the_queue_already_and_can_be_taken_away() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1"]);
    bench.pass(5);
    bench.set(&[("DelaySeconds", "10")]);
    bench.send(&["g2"]);
    assert!(bench.receive(10).is_empty());
    bench.pass(5);
    let counts = bench.counts(QUEUE);
    assert_eq!((counts.visible, counts.delayed), (1, 1));
    assert_eq!(bodies(&bench.receive(10)), ["g1"], "what is delayed keeps nothing before it");
    bench.set(&[("DelaySeconds", "900")]);
    assert_eq!(bench.counts(QUEUE), Counts { visible: 0, in_flight: 1, delayed: 1 });
    bench.pass(30);
    assert!(bench.receive(10).is_empty());
    bench.set(&[("DelaySeconds", "0")]);
    assert_eq!(bodies(&bench.receive(10)), ["g1", "g2"]);
}
