//! Delivery when a part around it fails: the queue, a report, an answer of the gateway.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use threadless::store::State;
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::{App, AppError, ConnectionId, Context, FinalStatus, Handled, Recipient, Report, Router};

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
