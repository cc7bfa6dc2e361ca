//! Tests of visibility time-outs and receipt handles.

use threadless::Clock as _;

use super::{Bench, Counts, QUEUE, bodies};

#[test]
fn visibility_ends_to_the_second() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1"]);
    assert_eq!(bench.receive(1)[0].received, 1);
    bench.pass(29);
    assert!(bench.receive(1).is_empty());
    bench.pass(1);
    let again = bench.receive(1);
    assert_eq!(again[0].received, 2);
    assert_eq!(again[0].first_received_at, again[0].sent_at);
}

#[test]
fn a_stale_receipt_handle_deletes_nothing_and_says_so() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1"]);
    let first = bench.receive(1);
    bench.pass(30);
    let late = bench.delete(&first[0]).unwrap_err();
    assert_eq!(late.code, "InvalidParameterValue");
    assert!(late.message.ends_with("Reason: The receipt handle has expired."), "{}", late.message);
    let second = bench.receive(1);
    assert_eq!(bench.delete(&first[0]).unwrap_err().code, "InvalidParameterValue", "somebody else has it");
    bench.delete(&second[0]).unwrap();
    bench.delete(&second[0]).unwrap();
    bench.delete(&first[0]).unwrap();
}

#[test]
fn visibility_is_changed_only_by_who_has_the_message() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1"]);
    let first = bench.receive(1);
    bench.change_visibility(&first[0], 100).unwrap();
    bench.pass(99);
    assert!(bench.receive(1).is_empty());
    bench.pass(1);
    assert_eq!(bench.change_visibility(&first[0], 10).unwrap_err().shape, "MessageNotInflight");
    let second = bench.receive(1);
    assert_eq!(bench.change_visibility(&first[0], 0).unwrap_err().code, "InvalidParameterValue");
    bench.delete(&second[0]).unwrap();
    assert_eq!(bench.change_visibility(&second[0], 0).unwrap_err().code, "InvalidParameterValue");
}

#[test]
fn nothing_is_in_flight_for_more_than_twelve_hours() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1"]);
    let held = bench.receive(1);
    bench.pass(10);
    assert_eq!(bench.change_visibility(&held[0], 43_200).unwrap_err().code, "InvalidParameterValue");
    bench.change_visibility(&held[0], 43_190).unwrap();
    assert_eq!(bench.change_visibility(&held[0], 43_201).unwrap_err().code, "InvalidParameterValue");
}

#[test]
fn a_handle_is_of_one_queue() {
    let mut bench = Bench::new(&[]);
    bench.make("other.fifo", &[]);
    bench.send(&["g1"]);
    let held = bench.receive(1);
    let other = bench.queue("other.fifo");
    for handle in [&held[0].receipt.to_string(), "made up", "", "AAAA"] {
        let problem = bench.engine.delete(&other, handle).unwrap_err();
        assert_eq!(problem.shape, "ReceiptHandleIsInvalid", "{handle}");
    }
    bench.delete(&held[0]).unwrap();
}

#[test]
fn a_restart_can_end_all_visibility_timeouts() {
    let mut bench = Bench::new(&[]);
    bench.send(&["g1", "g2", "h1"]);
    let held = bench.receive(2);
    assert_eq!(bench.counts(QUEUE), Counts { visible: 1, in_flight: 2, delayed: 0 });
    assert_eq!(bench.engine.release_in_flight().unwrap(), 2);
    assert_eq!(bench.engine.release_in_flight().unwrap(), 0);
    assert!(bench.delete(&held[0]).is_err());
    assert_eq!(bodies(&bench.receive(10)), ["g1", "g2", "h1"]);
}

/// The clock goes back by an hour, as if an operator or the firmware set it back.
#[test]
fn a_clock_that_is_set_back_has_no_message_wait_for_the_hour_again() {
    let mut bench = Bench::new(&[]);
    bench.send(&["a1", "b1"]);
    let held = bench.receive(1);
    bench.pass(10);
    // A call that polls the queue notices the time before the clock goes back.
    assert_eq!(bench.counts(QUEUE), Counts { visible: 1, in_flight: 1, delayed: 0 });
    let back = |bench: &Bench, seconds: i64| {
        let now = bench.clock.now();
        bench.clock.set(now - jiff::SignedDuration::from_secs(seconds));
    };
    back(&bench, 3600);
    assert_eq!(bodies(&bench.receive(10)), ["b1"], "one that nobody has can be received at once");
    bench.pass(19);
    assert!(bench.receive(10).is_empty(), "and one in flight stays so for as long as it would have");
    bench.delete(&held[0]).unwrap();
    bench.pass(11);
    let again = bench.receive(10);
    assert_eq!(bodies(&again), ["b1"]);
    // A message that is sent again within five minutes counts as the same one, even if the clock changes in between.
    bench.delete(&again[0]).unwrap();
    back(&bench, 1800);
    bench.send(&["b1"]);
    assert_eq!(bench.counts(QUEUE), Counts { visible: 0, in_flight: 0, delayed: 0 });
    bench.pass(300);
    bench.send(&["b1"]);
    assert_eq!(bodies(&bench.receive(10)), ["b1"]);
}

/// The clock goes back while the stack is off.
#[test]
fn a_clock_that_was_set_back_between_two_starts_is_noticed() {
    let mut bench = Bench::new(&[("DelaySeconds", "5")]);
    bench.send(&["a1"]);
    bench.clock.set(bench.clock.now() - jiff::SignedDuration::from_secs(3600));
    let Bench { engine, clock } = bench;
    let engine = super::Engine::new(engine.connection, std::sync::Arc::new(clock.clone()));
    let mut bench = Bench { engine, clock };
    assert!(bench.receive(1).is_empty());
    bench.pass(5);
    assert_eq!(bodies(&bench.receive(1)), ["a1"]);
}
