//! Delivery when a part around it fails: the queue, a report, an answer of the gateway.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use threadless::backend::Received;
use threadless::store::{Direction, HistoryRow, State};
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::{
    App, AppError, Clock as _, ConnectionId, Context, Deadline, FinalStatus, Handled, Recipient, Report,
    Router, incoming,
};

/// An app that answers `echo <text>`, and sends the text behind `tell` to 2 and 3.
struct Talk;

impl App for Talk {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let text = cx.text().to_owned();
        if let Some(text) = text.strip_prefix("tell ") {
            cx.send(text, ["bench:2".parse::<Recipient>()?, "bench:3".parse()?])?;
            return Ok(Handled::Yes);
        }
        cx.reply(text);
        Ok(Handled::Yes)
    }
}

/// An app that records the reports on messages.
#[derive(Clone, Default)]
struct Learned(Arc<Mutex<Vec<(String, FinalStatus)>>>);

impl Learned {
    fn all(&self) -> Vec<(String, FinalStatus)> {
        self.0.lock().unwrap().clone()
    }
}

impl App for Learned {
    async fn report(&self, _cx: &mut Context, report: &Report) -> Result<(), AppError> {
        self.0.lock().unwrap().push((report.message.as_str().to_owned(), report.final_status));
        Ok(())
    }
}

/// Returns the identity and the text of every message that the gateway took, in order.
fn taken(bench: &Bench) -> Vec<(String, String)> {
    let taken = bench.gateway.taken().into_iter();
    taken.map(|message| (message.connection.identity.as_str().to_owned(), message.text)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(number, text)| ((*number).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn replies_do_not_wait_for_a_queue_that_is_down() {
    let bench = Bench::new(Router::new().app(Talk));
    bench.faults.set_queue_down(true);
    for (number, text) in ["tell a", "one", "tell b", "two"].into_iter().enumerate() {
        bench.receive("1", text, Some(&number.to_string())).await.unwrap();
    }
    assert_eq!(taken(&bench), pairs(&[("1", "one"), ("1", "two")]));

    bench.minutes(5).await;
    bench.receive("1", "three", Some("5")).await.unwrap();
    assert_eq!(taken(&bench).len(), 3, "although nothing is due yet");

    bench.faults.set_queue_down(false);
    bench.minutes(15).await;
    let expected = [("2", "a"), ("2", "b"), ("3", "a"), ("3", "b")];
    let mut sent_on = taken(&bench).split_off(3);
    sent_on.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(sent_on, pairs(&expected), "each of them once, and in order for each recipient");
    assert!(bench.outbox("1").await.is_empty());
}

#[tokio::test]
async fn a_send_waits_longer_for_the_queue_each_time() {
    let bench = Bench::new(Router::new().app(Talk));
    bench.faults.set_queue_down(true);
    bench.receive("1", "tell a", None).await.unwrap();
    for longest in [5, 10, 20, 40, 80, 160, 320, 600, 600] {
        let next = bench.outbox("1").await.entries[0].next_attempt.unwrap();
        let wait = next.duration_since(bench.clock.now()).unsigned_abs();
        assert!((longest * 750..=longest * 1000).contains(&wait.as_millis()), "{longest}: {wait:?}");
        bench.clock.advance(wait);
        bench.receive("1", "hello", None).await.unwrap();
    }
}

#[tokio::test]
async fn replies_that_waited_for_the_gateway_pass_a_send_that_waits_for_the_queue() {
    let bench = Bench::new(Router::new().app(Talk));
    bench.faults.set_queue_down(true);
    bench.gateway.next([Behaviour::Defer]);
    bench.receive("1", "one", Some("1")).await.unwrap();
    bench.receive("1", "tell a", Some("2")).await.unwrap();
    bench.receive("1", "two", Some("3")).await.unwrap();
    assert_eq!(taken(&bench), [], "the gateway is to be left alone for some seconds");
    bench.clock.advance(Duration::from_secs(60));
    bench.receive("1", "three", Some("4")).await.unwrap();
    assert_eq!(taken(&bench), pairs(&[("1", "one"), ("1", "two"), ("1", "three")]));
}

/// A gateway that refused a message is not asked again, even if the steps that follow must be repeated.
#[tokio::test]
async fn a_gateway_that_refused_is_not_asked_again() {
    let learned = Learned::default();
    let bench = Bench::with(Router::new().app(learned.clone())).backend("first").backend("second").build();
    bench.gateway.always_at("first", Behaviour::Refuse);
    let connections = [bench.connection_at("first", "1"), bench.connection_at("second", "1")];
    bench.notify_by(&connections, "hello", "n1").await.unwrap();
    bench.notify_by(&connections[..1], "no other connection", "n2").await.unwrap();
    // The notices leave the queue, and then the queue is down.
    bench.faults.set_queue_down(true);
    bench.work_off().await;
    assert_eq!(bench.gateway.asked(), 1, "the second one waits behind the first");
    bench.minutes(60).await;
    assert_eq!(bench.gateway.asked(), 1);
    assert_eq!((taken(&bench), learned.all()), (vec![], vec![]));

    bench.faults.set_queue_down(false);
    bench.minutes(30).await;
    assert_eq!(taken(&bench), pairs(&[("1", "hello")]));
    assert_eq!(
        bench.gateway.asked(),
        3,
        "each connection once for the first, the only connection once for the second"
    );
    let mut statuses = learned.all();
    statuses.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(statuses, [("n1".to_owned(), FinalStatus::Failed), ("n2".to_owned(), FinalStatus::Failed)]);
    for connection in &connections {
        let rows = bench.history_of(connection).await;
        assert!(rows.iter().all(|row| row.attempts == 1), "{rows:?}");
    }
}

/// The gateway has answered, so the message was not sent, even if a process dies while it passes the message on.
#[tokio::test(start_paused = true)]
async fn a_message_that_a_gateway_refused_is_never_in_doubt() {
    for nth in 1.. {
        let bench = Bench::with(Router::new().app(Learned::default())).backend("first").backend("second");
        let bench = bench.build();
        bench.gateway.always_at("first", Behaviour::Refuse);
        let ways = [bench.connection_at("first", "1"), bench.connection_at("second", "1")];
        bench.notify_by(&ways, "hello", "n1").await.unwrap();
        bench.faults.set_queue_down(true);
        bench.work_off().await;
        bench.faults.set_queue_down(false);
        bench.clock.advance(Duration::from_secs(60));

        bench.faults.plan(nth, FaultKind::Silence, When::Before);
        let _ = tokio::time::timeout(Duration::from_secs(60), bench.tick()).await;
        let met = bench.faults.met();
        bench.faults.clear();
        bench.minutes(5).await;
        assert_eq!((taken(&bench), bench.gateway.asked()), (pairs(&[("1", "hello")]), 2), "call {nth}");
        let rows = bench.history_of(&ways[0]).await;
        let of_rows: Vec<_> = rows.iter().map(|row| (row.state, row.uncertain)).collect();
        assert_eq!(of_rows, [(State::Failed, 0)], "call {nth}");
        if met == 0 {
            assert!(nth > 5, "{nth} calls can fail");
            break;
        }
    }
}

#[tokio::test]
async fn a_report_ends_the_doubt_and_the_message_is_not_sent_again() {
    let table = [
        (Some(Some(FinalStatus::Delivered)), 1, State::Delivered),
        (Some(None), 1, State::Sent),
        (Some(Some(FinalStatus::Failed)), 1, State::Failed),
        (None, 2, State::Sent),
    ];
    for (reported, sent, state) in table {
        let bench = Bench::new(Router::new().app(Talk));
        bench.gateway.next([Behaviour::LoseAnswer]);
        bench.receive("1", "one", Some("1")).await.unwrap();
        bench.receive("1", "two", Some("2")).await.unwrap();
        assert_eq!(taken(&bench), pairs(&[("1", "one")]), "its answer is lost, and two waits behind it");
        if let Some(final_status) = reported {
            bench.report(&bench.gateway.taken()[0], final_status).await.unwrap();
        }
        bench.minutes(3).await;
        let texts: Vec<String> = bench.gateway.texts();
        assert_eq!(texts, [vec!["one"; sent], vec!["two"]].concat(), "{reported:?}");
        let rows = bench.history("1").await;
        let row = rows.iter().find(|row| row.text == "one" && row.in_reply_to.is_some()).unwrap();
        assert_eq!((row.state, row.uncertain), (state, 1), "the doubt stays on record: {reported:?}");
        assert!(bench.outbox("1").await.is_empty(), "{reported:?}");
    }
}

/// If the gateway has the message, neither expiry nor an opt-out makes it a failure.
#[tokio::test]
async fn a_message_in_doubt_that_was_reported_does_not_fail_later() {
    for opts_out in [true, false] {
        let bench = Bench::new(Router::new().app(Talk));
        bench.gateway.next([Behaviour::LoseAnswer]);
        bench.receive("1", "one", Some("1")).await.unwrap();
        bench.report(&bench.gateway.taken()[0], None).await.unwrap();
        if opts_out {
            bench.receive("1", "stop", Some("2")).await.unwrap();
        } else {
            bench.clock.advance(Duration::from_secs(25 * 3600));
        }
        bench.minutes(2).await;
        let rows = bench.history("1").await;
        let row = rows.iter().find(|row| row.text == "one" && row.in_reply_to.is_some()).unwrap();
        assert_eq!(row.state, State::Sent, "opts out: {opts_out}");
        assert_eq!(bench.gateway.texts().iter().filter(|text| *text == "one").count(), 1);
    }
}

/// The row of history is written beside the settlement. If one of the two writes is lost, the other one still tells
/// what happened.
#[tokio::test(start_paused = true)]
async fn no_single_call_that_fails_has_a_message_sent_twice() {
    for fault in [FaultKind::Error, FaultKind::Silence] {
        for when in [When::Before, When::After] {
            for nth in 1.. {
                let bench = Bench::new(Router::new().app(Talk));
                bench.faults.plan(nth, fault, when);
                let first = bench.receive("1", "one", Some("1"));
                let _ = tokio::time::timeout(Duration::from_secs(60), first).await;
                let met = bench.faults.met();
                bench.faults.clear();
                bench.receive("1", "one", Some("1")).await.unwrap();
                bench.minutes(3).await;
                assert_eq!(taken(&bench), pairs(&[("1", "one")]), "call {nth} {fault:?} {when:?}");
                if met == 0 {
                    assert!(nth > 5, "{nth} calls can fail");
                    break;
                }
            }
        }
    }
}

/// Three holders die one after the other. Each of them has sent the message and recorded nothing.
#[tokio::test(start_paused = true)]
async fn each_holder_that_dies_with_a_message_leaves_its_own_doubt() {
    let bench = Bench::new(Router::new().app(Talk));
    bench.gateway.next([Behaviour::TakeAndHang, Behaviour::TakeAndHang, Behaviour::TakeAndHang]);
    for _ in 0..3 {
        let attempt = bench.receive("1", "one", Some("1"));
        let died = tokio::time::timeout(Duration::from_millis(100), attempt).await;
        assert!(died.is_err(), "the gateway hangs");
        bench.clock.advance(Duration::from_secs(120));
    }
    bench.receive("1", "one", Some("1")).await.unwrap();
    assert_eq!(bench.gateway.texts(), ["one"; 4]);
    let rows = bench.history("1").await;
    let row = rows.iter().find(|row| row.in_reply_to.is_some()).unwrap();
    assert_eq!((row.state, row.uncertain), (State::Sent, 3));
}

/// The history knows the failure already, but the apps do not.
#[tokio::test]
async fn the_apps_learn_of_a_failure_in_spite_of_a_queue_that_was_down() {
    let learned = Learned::default();
    let bench = Bench::new(Router::new().app(Talk).app(learned.clone()));
    bench.gateway.next([Behaviour::LoseAnswer]);
    bench.receive("1", "one", Some("1")).await.unwrap();
    bench.clock.advance(Duration::from_secs(25 * 3600));
    bench.faults.set_queue_down(true);
    bench.receive("1", "two", Some("2")).await.unwrap();
    let states = |rows: &[HistoryRow]| -> Vec<(String, State)> {
        let out = rows.iter().filter(|row| row.direction == Direction::Out);
        out.map(|row| (row.text.clone(), row.state)).collect()
    };
    let expected = [("two".to_owned(), State::Queued), ("one".to_owned(), State::Failed)];
    assert_eq!(states(&bench.history("1").await), expected, "two waits behind one");
    assert_eq!(learned.all(), []);

    bench.faults.set_queue_down(false);
    bench.minutes(2).await;
    let of_one = bench.history("1").await.into_iter().find(|row| row.text == "one" && row.attempts == 1);
    assert_eq!(learned.all(), [(of_one.unwrap().id.as_str().to_owned(), FinalStatus::Failed)]);
    assert_eq!(taken(&bench), pairs(&[("1", "one"), ("1", "two")]));
}

#[tokio::test]
async fn a_message_that_must_wait_goes_out_at_the_moment_of_its_next_attempt() {
    let bench = Bench::new(Router::new().app(Talk));
    bench.gateway.next([Behaviour::Defer]);
    bench.receive("1", "one", None).await.unwrap();
    let next = bench.outbox("1").await.entries[0].next_attempt.unwrap();
    let wait = next.duration_since(bench.clock.now()).unsigned_abs();
    assert!((3750..=5000).contains(&wait.as_millis()), "{wait:?}");
    bench.clock.advance(wait.saturating_sub(Duration::from_micros(1)));
    bench.tick().await;
    assert_eq!(bench.gateway.asked(), 1, "a moment too early");
    bench.clock.advance(Duration::from_micros(1));
    bench.tick().await;
    assert_eq!(bench.gateway.texts(), ["one"]);
}

#[tokio::test]
async fn a_message_expires_after_more_than_a_day() {
    for (age, sent) in [(24 * 3600, true), (24 * 3600 + 1, false)] {
        let bench = Bench::new(Router::new().app(Talk));
        bench.gateway.next([Behaviour::Defer]);
        bench.receive("1", "one", None).await.unwrap();
        bench.clock.advance(Duration::from_secs(age));
        bench.tick().await;
        assert_eq!(bench.gateway.texts(), vec!["one"; usize::from(sent)], "{age}");
        assert!(bench.outbox("1").await.is_empty(), "{age}");
    }
}

#[tokio::test]
async fn a_message_takes_no_more_calls_of_the_store_and_the_queue_than_it_needs() {
    let bench = Bench::new(Router::new().app(Talk));
    bench.receive("1", "one", Some("1")).await.unwrap();
    let calls = async |text: &str, id: &str| {
        let before = bench.faults.calls();
        bench.receive("1", text, Some(id)).await.unwrap();
        bench.faults.calls() - before
    };
    // The claim, the commit, the row of the message; the row and the settlement of the reply.
    assert_eq!(calls("two", "2").await, 5);
    assert_eq!(calls("two", "2").await, 2, "the claim and the row");
    // The notice to 3 is put on the queue by one call, and settled by another one.
    assert_eq!(calls("tell x", "3").await, 5);
}

/// An app that answers each line of a message.
struct Lines;

impl App for Lines {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let lines: Vec<String> = cx.text().lines().map(str::to_owned).collect();
        for line in lines {
            cx.reply(line);
        }
        Ok(Handled::Yes)
    }
}

/// A reply that is sent at once needs no row that says that it waits.
#[tokio::test]
async fn a_reply_that_the_gateway_did_not_see_yet_is_in_the_history() {
    let bench = Bench::new(Router::new().app(Lines));
    let replies = async || {
        let rows = bench.history("1").await.into_iter().filter(|row| row.direction == Direction::Out);
        let mut replies: Vec<_> = rows.map(|row| (row.text, row.state, row.attempts)).collect();
        replies.sort_by(|one, other| one.0.cmp(&other.0));
        replies
    };
    let row = |text: &str, state: State, attempts: u32| (text.to_owned(), state, attempts);
    bench.gateway.next([Behaviour::Defer]);
    bench.receive("1", "a\nb", Some("1")).await.unwrap();
    bench.receive("1", "c", Some("2")).await.unwrap();
    let waiting = [row("a", State::Queued, 1), row("b", State::Queued, 0), row("c", State::Queued, 0)];
    assert_eq!(replies().await, waiting);
    bench.minutes(1).await;
    let sent = [row("a", State::Sent, 2), row("b", State::Sent, 1), row("c", State::Sent, 1)];
    assert_eq!(replies().await, sent);
}

/// The settings may bring the backend back within a day.
#[tokio::test]
async fn a_message_to_a_backend_that_is_gone_waits_for_it_for_a_day() {
    let bench = Bench::new(Router::new());
    let gone = bench.connection_at("gone", "1");
    bench.notify_by(std::slice::from_ref(&gone), "hello", "n1").await.unwrap();
    assert_eq!(bench.work_off().await, []);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let rows = bench.history_of(&gone).await;
        seen.extend(rows.into_iter().map(|row| (row.state, row.attempts, row.uncertain, row.detail)));
        bench.minutes(1).await;
    }
    let detail = Some("the backend is not in the settings".to_owned());
    assert_eq!(seen, [1, 2, 3].map(|attempts| (State::Queued, attempts, 0, detail.clone())));
    bench.clock.advance(Duration::from_secs(24 * 3600));
    bench.minutes(1).await;
    let rows = bench.history_of(&gone).await;
    let last: Vec<_> = rows.iter().map(|row| (row.state, row.detail.as_deref())).collect();
    assert_eq!(last, [(State::Failed, Some("expired"))]);
    assert_eq!((bench.gateway.asked(), bench.waiting()), (0, 0));
}

/// An app that answers after some time.
struct Late(Duration);

impl App for Late {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        tokio::time::sleep(self.0).await;
        cx.reply("at last");
        Ok(Handled::Yes)
    }
}

#[tokio::test(start_paused = true)]
async fn no_send_begins_in_the_last_half_second() {
    for (takes, sent) in [(95, 1), (105, 0)] {
        let bench = Bench::new(Router::new().app(Late(Duration::from_millis(takes))));
        let received = Received::new("1".parse().unwrap(), "hello");
        let deadline = Deadline::within(Duration::from_millis(600));
        incoming(&bench.project, bench.default_backend(), received, deadline).await.unwrap();
        assert_eq!((bench.gateway.asked(), bench.outbox("1").await.entries.len()), (sent, 1 - sent));
        bench.minutes(1).await;
        assert_eq!(bench.gateway.texts(), ["at last"], "{takes} ms");
    }
}

/// An app that answers with the name of the contact behind the number in the text.
struct WhoIs;

impl App for WhoIs {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let number = cx.text().to_owned();
        let found = cx.find_contact_of(&ConnectionId::new("bench".parse()?, number.parse()?)).await?;
        cx.reply(found.map_or("nobody".to_owned(), |contact| contact.name().to_owned()));
        Ok(Handled::Yes)
    }
}

#[tokio::test(start_paused = true)]
async fn a_lookup_without_an_answer_has_the_message_come_again() {
    for fault in [FaultKind::Error, FaultKind::Silence] {
        let mut refused = 0;
        for nth in 1..=8 {
            let bench = Bench::new(Router::new().app(WhoIs));
            bench.receive("1", "2", Some("0")).await.unwrap();
            bench.faults.plan(nth, fault, When::Before);
            let first =
                tokio::time::timeout(Duration::from_secs(60), bench.receive("1", "2", Some("1"))).await;
            bench.faults.clear();
            refused += usize::from(!matches!(first, Ok(Ok(_))));
            bench.receive("1", "2", Some("1")).await.unwrap();
            bench.minutes(3).await;
            assert_eq!(bench.gateway.texts(), ["nobody", "nobody"], "call {nth} {fault:?}");
        }
        assert!(refused >= 3, "read, lookup and commit, {fault:?}: {refused}");
    }
}
