//! Promises 1 to 4 on the bench: nothing is lost, each message has one effect, sends keep their order, and doubt is
//! recorded.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::{App, AppError, Context, Handled, Router};

/// An app that counts messages in the session, and answers each with its number and its text, in two replies.
struct Counter;

impl App for Counter {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let count = cx.session().get::<u32>("count")?.unwrap_or(0) + 1;
        cx.session_mut().set("count", &count)?;
        let text = format!("{count} {}", cx.text());
        cx.reply(text.clone());
        cx.reply(format!("{text} again"));
        Ok(Handled::Yes)
    }
}

fn bench() -> Bench {
    Bench::new(Router::new().app(Counter))
}

async fn count(bench: &Bench) -> Option<u32> {
    bench.session("1").await.get("count").unwrap()
}

/// Removes repeated texts. The order is that of the first occurrences.
fn distinct(texts: Vec<String>) -> Vec<String> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

#[tokio::test]
async fn the_same_message_ten_times_is_one_message() {
    let bench = bench();
    for _ in 0..10 {
        bench.receive("1", "a", Some("mid-1")).await.unwrap();
    }
    assert_eq!(bench.gateway.texts(), ["1 a", "1 a again"]);
    assert_eq!(count(&bench).await, Some(1));
}

#[tokio::test]
async fn the_same_message_ten_times_at_once_is_one_message() {
    let bench = bench();
    let all = futures_util::future::join_all((0..10).map(|_| bench.receive("1", "a", Some("mid-1")))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(bench.gateway.texts(), ["1 a", "1 a again"]);
}

#[tokio::test]
async fn equal_texts_without_a_gateway_id_are_two_messages() {
    let bench = bench();
    bench.receive("1", "a", None).await.unwrap();
    bench.receive("1", "a", None).await.unwrap();
    assert_eq!(count(&bench).await, Some(2));
}

#[tokio::test]
async fn a_message_is_known_for_a_day_whatever_the_volume() {
    let bench = bench();
    bench.receive("1", "first", Some("mid-first")).await.unwrap();
    for nth in 0..100 {
        bench.clock.advance(Duration::from_secs(600));
        bench.receive("1", "x", Some(&format!("mid-{nth}"))).await.unwrap();
    }
    bench.receive("1", "first", Some("mid-first")).await.unwrap();
    assert_eq!(count(&bench).await, Some(101));
}

#[tokio::test]
async fn twenty_messages_of_one_sender_at_once_are_each_answered_once() {
    let bench = bench();
    let texts: Vec<String> = (0..20).map(|nth| format!("m{nth}")).collect();
    let all = texts.iter().map(|text| bench.receive("1", text, Some(text)));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    bench.minutes(2).await;
    let sent = bench.gateway.texts();
    assert_eq!((sent.len(), distinct(sent.clone()).len()), (40, 40), "{sent:?}");
    for (number, pair) in sent.chunks(2).enumerate() {
        assert!(pair[0].starts_with(&format!("{} m", number + 1)), "in the order of acceptance: {sent:?}");
        assert_eq!(format!("{} again", pair[0]), pair[1]);
    }
}

/// Makes the store calls go wrong, one after the other, until no call is left. Checks each time that the gateway's next
/// delivery and the sweeps repair everything.
async fn whatever_goes_wrong(fault: FaultKind, when: When) {
    for nth in 1.. {
        let bench = bench();
        bench.receive("1", "zero", Some("mid-0")).await.unwrap();
        bench.faults.plan(nth, fault, when);
        // With silence the process hangs there. It is killed, and its unfinished work with it.
        let first = bench.receive("1", "one", Some("mid-1"));
        let _ = tokio::time::timeout(Duration::from_secs(60), first).await;
        let met = bench.faults.met();
        bench.faults.clear();

        bench.receive("1", "one", Some("mid-1")).await.unwrap();
        bench.receive("1", "two", Some("mid-2")).await.unwrap();
        bench.minutes(3).await;

        let sent = bench.gateway.texts();
        let expected = ["1 zero", "1 zero again", "2 one", "2 one again", "3 two", "3 two again"];
        assert_eq!(distinct(sent.clone()), expected, "call {nth} {fault:?} {when:?}");
        assert_eq!(count(&bench).await, Some(3), "call {nth} {fault:?} {when:?}");
        assert!(bench.outbox("1").await.is_empty(), "call {nth} {fault:?} {when:?}");
        let doubts: u32 = bench.history("1").await.iter().map(|row| row.uncertain).sum();
        let doubles = sent.len() - expected.len();
        assert!(
            doubles <= doubts as usize,
            "call {nth} {fault:?} {when:?}: {doubles} doubles, {doubts} doubts"
        );
        assert!(doubles <= 1, "call {nth} {fault:?} {when:?}: {sent:?}");
        if met == 0 {
            assert!(nth > 5, "the faults were met");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_before_any_store_call_leaves_nothing_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_any_store_call_leaves_nothing_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::After).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_call_that_fails_leaves_nothing_undone() {
    whatever_goes_wrong(FaultKind::Error, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_call_whose_answer_is_lost_leaves_nothing_undone() {
    whatever_goes_wrong(FaultKind::Error, When::After).await;
}

#[tokio::test]
async fn what_cannot_be_made_durable_is_not_taken() {
    let bench = bench();
    bench.faults.plan(3, FaultKind::Error, When::Before);
    let request = http::Request::get("/bench/bench/?id=1&text=a&mid=m").body(bytes::Bytes::new()).unwrap();
    assert_eq!(bench.request(request.clone()).await.status(), 503);
    assert_eq!(count(&bench).await, None);
    assert_eq!(bench.request(request).await.status(), 200);
    assert_eq!(count(&bench).await, Some(1));
}

#[tokio::test]
async fn what_the_queue_does_not_take_is_not_taken_either() {
    let bench = Bench::with(Router::new().app(Counter)).queued().build();
    bench.faults.set_queue_down(true);
    let request = http::Request::get("/bench/bench/?id=1&text=a&mid=m").body(bytes::Bytes::new()).unwrap();
    assert_eq!(bench.request(request.clone()).await.status(), 503);
    bench.faults.set_queue_down(false);
    assert_eq!(bench.request(request).await.status(), 200);
    assert_eq!(bench.work_off().await, []);
    assert_eq!(bench.gateway.texts(), ["1 a", "1 a again"]);
}

#[tokio::test]
async fn a_deferred_reply_holds_up_those_behind_it_and_goes_out_first() {
    let bench = bench();
    bench.gateway.always(Behaviour::Defer);
    for text in ["a", "b", "c"] {
        bench.receive("1", text, None).await.unwrap();
    }
    assert_eq!((bench.gateway.taken().len(), bench.outbox("1").await.entries.len()), (0, 6));
    bench.gateway.always(Behaviour::Accept);
    bench.minutes(2).await;
    assert_eq!(bench.gateway.texts(), ["1 a", "1 a again", "2 b", "2 b again", "3 c", "3 c again"]);
    assert!(bench.history("1").await.iter().all(|row| row.uncertain == 0));
}

#[tokio::test]
async fn more_than_an_outbox_holds_is_kept_and_sent_in_order() {
    let bench = bench();
    bench.gateway.always(Behaviour::Defer);
    for nth in 0..60 {
        bench.receive("1", &nth.to_string(), None).await.unwrap();
    }
    assert!(bench.outbox("1").await.spilled > 0);
    bench.gateway.always(Behaviour::Accept);
    bench.minutes(12).await;
    let expected: Vec<String> =
        (0..60).flat_map(|nth| [format!("{} {nth}", nth + 1), format!("{} {nth} again", nth + 1)]).collect();
    assert_eq!(bench.gateway.texts(), expected);
    assert!(bench.outbox("1").await.is_empty());
}

#[tokio::test]
async fn a_refused_reply_is_given_up_and_the_next_goes_out() {
    let bench = bench();
    bench.gateway.next([Behaviour::Refuse]);
    bench.receive("1", "a", None).await.unwrap();
    assert_eq!(bench.gateway.texts(), ["1 a again"]);
    let states: Vec<&str> = bench.history("1").await.iter().map(|row| row.state.as_str()).collect();
    assert!(
        states.contains(&"failed") && states.contains(&"sent") && states.contains(&"handled"),
        "{states:?}"
    );
}

#[tokio::test]
async fn a_lost_answer_is_an_uncertain_send_that_is_repeated() {
    let bench = bench();
    bench.gateway.next([Behaviour::LoseAnswer]);
    bench.receive("1", "a", None).await.unwrap();
    bench.minutes(1).await;
    assert_eq!(bench.gateway.texts(), ["1 a", "1 a", "1 a again"]);
    let doubts: Vec<(String, u32)> = bench
        .history("1")
        .await
        .into_iter()
        .filter(|row| row.uncertain > 0)
        .map(|row| (row.text, row.uncertain))
        .collect();
    assert_eq!(doubts, [("1 a".to_owned(), 1)]);
}

#[tokio::test]
async fn what_the_gateway_does_not_take_in_a_day_has_failed() {
    let bench = bench();
    bench.gateway.always(Behaviour::Defer);
    bench.receive("1", "a", None).await.unwrap();
    bench.clock.advance(Duration::from_secs(24 * 3600));
    bench.minutes(2).await;
    assert!(bench.outbox("1").await.is_empty());
    let failed = bench.history("1").await.iter().filter(|row| row.state.as_str() == "failed").count();
    assert_eq!((failed, bench.gateway.taken().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_gateway_holds_up_an_inline_answer_for_five_seconds_at_most() {
    let bench = bench();
    bench.gateway.always(Behaviour::Hang);
    let started = tokio::time::Instant::now();
    bench.receive("1", "a", None).await.unwrap();
    assert!(started.elapsed() <= Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(bench.outbox("1").await.entries.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_hangs_is_left_alone_after_three_tries() {
    let bench = bench();
    bench.gateway.always(Behaviour::Hang);
    for sender in 0..20 {
        bench.receive(&sender.to_string(), "a", None).await.unwrap();
    }
    assert_eq!(bench.gateway.asked(), 3);
    bench.gateway.always(Behaviour::Accept);
    bench.minutes(5).await;
    assert_eq!(bench.gateway.taken().len(), 40, "and everything goes out when it is back");
}

#[tokio::test]
async fn queued_messages_are_accepted_whatever_the_gateway_does() {
    let bench = Bench::with(Router::new().app(Counter)).queued().build();
    bench.gateway.always(Behaviour::Defer);
    for text in ["a", "b"] {
        bench.receive("1", text, Some(text)).await.unwrap();
        bench.receive("1", text, Some(text)).await.unwrap();
    }
    assert_eq!(bench.work_off().await, []);
    bench.gateway.always(Behaviour::Accept);
    // This is beyond the five minutes in which the queue itself knows a message.
    bench.minutes(6).await;
    bench.receive("1", "a", Some("a")).await.unwrap();
    bench.work_off().await;
    assert_eq!(bench.gateway.texts(), ["1 a", "1 a again", "2 b", "2 b again"]);
}

#[tokio::test]
async fn the_time_of_arrival_is_the_endpoints_whenever_the_responder_comes_to_it() {
    let bench = Bench::with(Router::new().app(Counter)).queued().build();
    bench.receive("1", "a", None).await.unwrap();
    let arrived = threadless::Clock::now(&bench.clock);
    bench.clock.advance(Duration::from_secs(3600));
    bench.work_off().await;
    let row = bench.history("1").await.into_iter().find(|row| row.state.as_str() == "handled").unwrap();
    assert_eq!(row.at, arrived);
}
