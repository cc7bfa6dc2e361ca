//! Delivery reports on the bench: the history moves only forward, and apps learn each final status once.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use threadless::backend::ReportKey;
use threadless::store::{Advanced, Direction, HistoryRow, State};
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::{App, AppError, Context, FinalStatus, Outgoing, Report, Router, apps};

/// An app that records its reports in the session.
struct Learns;

impl App for Learns {
    async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
        let mut learnt = cx.session().get::<Vec<String>>("learnt")?.unwrap_or_default();
        learnt.push(format!("{} {}", report.message, report.final_status.as_str()));
        cx.session_mut().set("learnt", &learnt)?;
        Ok(())
    }
}

fn router() -> Router {
    Router::new().app(apps::Echo).app(Learns)
}

const WHO: &str = "1112223333";

/// Returns the reports that the app received, without the ids of the messages.
async fn learnt(bench: &Bench) -> Vec<String> {
    let learnt = bench.session(WHO).await.get::<Vec<String>>("learnt").unwrap().unwrap_or_default();
    learnt.iter().map(|told| told.rsplit(' ').next().unwrap().to_owned()).collect()
}

/// Makes the app answer a message, and returns the answer.
async fn answered(bench: &Bench, text: &str) -> Outgoing {
    bench.receive(WHO, &format!("echo {text}"), None).await.unwrap();
    bench.work_off().await;
    bench.gateway.taken().pop().unwrap()
}

async fn row(bench: &Bench, message: &Outgoing) -> HistoryRow {
    let history = bench.history(WHO).await;
    history.into_iter().find(|row| row.id == message.id).unwrap()
}

/// Reports a status, works off the queue, and returns the result and the state of the row.
async fn reported(bench: &Bench, message: &Outgoing, final_status: Option<FinalStatus>) -> (Advanced, State) {
    let moved = bench.report(message, final_status).await.unwrap();
    assert_eq!(bench.work_off().await, []);
    (moved, row(bench, message).await.state)
}

#[tokio::test]
async fn a_report_moves_the_row_and_the_apps_learn_of_the_end() {
    for bench in [Bench::new(router()), Bench::with(router()).queued().build()] {
        let reply = answered(&bench, "one").await;
        assert_eq!(reported(&bench, &reply, None).await, (Advanced::No, State::Sent));
        assert_eq!(learnt(&bench).await, Vec::<String>::new(), "that it is on its way is no end");
        assert_eq!(
            reported(&bench, &reply, Some(FinalStatus::Delivered)).await,
            (Advanced::Forward, State::Delivered)
        );
        assert_eq!(learnt(&bench).await, ["delivered"]);
        let message = bench.session(WHO).await.get::<Vec<String>>("learnt").unwrap().unwrap().remove(0);
        assert_eq!(message, format!("{} delivered", reply.id));
    }
}

#[tokio::test]
async fn a_double_report_is_one_however_long_after() {
    let bench = Bench::new(router());
    let reply = answered(&bench, "one").await;
    // The times are within the queue's five minutes, beyond them, and beyond the 12 hours of `Advanced::LATELY`.
    for seconds in [0, 1, 400, 11 * 3600, 13 * 3600, 5 * 24 * 3600] {
        bench.clock.advance(Duration::from_secs(seconds));
        assert_eq!(reported(&bench, &reply, Some(FinalStatus::Delivered)).await.1, State::Delivered);
    }
    assert_eq!(learnt(&bench).await, ["delivered"]);
}

#[tokio::test]
async fn reports_out_of_order_come_to_the_same_and_failed_never_follows_delivered() {
    let (on_its_way, failed, delivered) = (None, Some(FinalStatus::Failed), Some(FinalStatus::Delivered));
    let table = [
        ([on_its_way, failed, delivered], vec!["failed", "delivered"]),
        ([on_its_way, delivered, failed], vec!["delivered"]),
        ([failed, on_its_way, delivered], vec!["failed", "delivered"]),
        ([failed, delivered, on_its_way], vec!["failed", "delivered"]),
        ([delivered, on_its_way, failed], vec!["delivered"]),
        ([delivered, failed, on_its_way], vec!["delivered"]),
    ];
    for (order, expected) in table {
        let bench = Bench::new(router());
        let reply = answered(&bench, "one").await;
        for final_status in order {
            bench.report(&reply, final_status).await.unwrap();
            bench.work_off().await;
        }
        assert_eq!(row(&bench, &reply).await.state, State::Delivered, "{order:?}");
        assert_eq!(learnt(&bench).await, expected, "{order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_report_is_not_undone_by_the_answer_that_it_overtook() {
    let bench = Bench::new(router());
    bench.gateway.next([Behaviour::TakeAndHang]);
    let report = async {
        while bench.gateway.taken().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let reply = bench.gateway.taken().remove(0);
        assert_eq!(bench.report(&reply, Some(FinalStatus::Delivered)).await.unwrap(), Advanced::Forward);
        reply
    };
    let (received, reply) = tokio::join!(bench.receive(WHO, "echo one", None), report);
    received.unwrap();
    bench.minutes(2).await;
    let row = row(&bench, &reply).await;
    assert_eq!((row.state, row.text.as_str(), row.direction), (State::Delivered, "one", Direction::Out));
    assert_eq!((row.attempts, row.uncertain), (1, 1), "the report ended the doubt: it was not sent again");
    assert_eq!(bench.gateway.texts(), ["one"]);
    assert_eq!(learnt(&bench).await, ["delivered"]);
}

#[tokio::test]
async fn a_late_report_of_a_message_that_is_no_longer_kept_writes_nothing() {
    let bench = Bench::new(router());
    let reply = answered(&bench, "one").await;
    bench.clock.advance(Duration::from_secs(30 * 24 * 3600 - 1));
    assert_eq!(bench.report(&reply, None).await.unwrap(), Advanced::No, "it is sent");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.report(&reply, Some(FinalStatus::Delivered)).await.unwrap(), Advanced::No);
    bench.work_off().await;
    assert_eq!(bench.history(WHO).await, []);
    assert_eq!(learnt(&bench).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_the_gateway_refuses_or_does_not_take_in_a_day_is_reported_too() {
    let bench = Bench::new(router());
    bench.gateway.next([Behaviour::Refuse]);
    bench.receive(WHO, "echo one", None).await.unwrap();
    bench.work_off().await;
    assert_eq!(learnt(&bench).await, ["failed"]);
    bench.gateway.always(Behaviour::Defer);
    bench.receive(WHO, "echo two", None).await.unwrap();
    bench.clock.advance(Duration::from_secs(25 * 3600));
    bench.minutes(1).await;
    assert_eq!(learnt(&bench).await, ["failed", "failed"]);
    assert!(bench.outbox(WHO).await.is_empty());
}

#[tokio::test]
async fn where_no_app_wants_to_know_nothing_goes_on_the_queue() {
    let bench = Bench::new(Router::new().app(apps::Echo));
    let reply = answered(&bench, "one").await;
    bench.report(&reply, Some(FinalStatus::Delivered)).await.unwrap();
    bench.gateway.next([Behaviour::Refuse]);
    bench.receive(WHO, "echo two", None).await.unwrap();
    assert_eq!(bench.waiting(), 0);
    assert_eq!(row(&bench, &reply).await.state, State::Delivered, "the history knows");
}

/// An app that answers every report, and fails at every other one.
struct Chatters;

impl App for Chatters {
    async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
        cx.reply(format!("so it was {}", report.final_status.as_str()));
        cx.session_mut().set("undone", &true)?;
        Err("as planned".into())
    }
}

#[tokio::test]
async fn a_reply_to_a_report_goes_out_and_is_not_reported_in_turn() {
    let bench = Bench::new(Router::new().app(apps::Echo).app(Chatters).app(Learns));
    answered(&bench, "one").await;
    for _ in 0..5 {
        for message in bench.gateway.taken() {
            bench.report(&message, Some(FinalStatus::Delivered)).await.unwrap();
        }
        bench.work_off().await;
    }
    assert_eq!(bench.gateway.texts(), ["one", "so it was delivered"]);
    assert!(
        bench
            .history(WHO)
            .await
            .iter()
            .filter(|row| row.direction == Direction::Out)
            .all(|row| { row.state == State::Delivered })
    );
    assert_eq!(learnt(&bench).await, ["delivered"], "an app that fails harms only itself");
    assert_eq!(bench.session(WHO).await.get::<bool>("undone").unwrap(), None);
}

#[tokio::test]
async fn who_opted_out_gets_no_reply_to_a_report() {
    let bench = Bench::new(Router::new().app(apps::Echo).app(Chatters));
    let reply = answered(&bench, "one").await;
    bench.receive(WHO, "stop", None).await.unwrap();
    let sent = bench.gateway.taken().len();
    bench.report(&reply, Some(FinalStatus::Delivered)).await.unwrap();
    bench.work_off().await;
    assert_eq!(bench.gateway.taken().len(), sent);
}

/// Makes the store calls go wrong, one after the other, while one message is refused and another is reported. Checks
/// each time that the apps learn of both once.
async fn whatever_goes_wrong(fault: FaultKind, when: When) {
    for nth in 1.. {
        let bench = Bench::new(router());
        bench.faults.plan(nth, fault, when);
        let at_work = async {
            bench.receive(WHO, "echo taken", Some("mid-1")).await.ok();
            bench.minutes(1).await;
            bench.gateway.next([Behaviour::Refuse]);
            bench.receive(WHO, "echo refused", Some("mid-2")).await.ok();
            bench.work_off().await;
            if let Some(reply) = bench.gateway.taken().iter().find(|message| message.text == "taken") {
                bench.report(reply, Some(FinalStatus::Delivered)).await.ok();
            }
            bench.work_off().await;
        };
        // With silence the process hangs there. It is killed, and its unfinished work with it.
        let _ = tokio::time::timeout(Duration::from_secs(60), at_work).await;
        let met = bench.faults.met();
        bench.faults.clear();
        // The gateway and the queue deliver everything again.
        bench.receive(WHO, "echo taken", Some("mid-1")).await.unwrap();
        bench.receive(WHO, "echo refused", Some("mid-2")).await.unwrap();
        bench.minutes(3).await;
        let taken = bench.gateway.taken();
        let reply = taken.iter().find(|message| message.text == "taken").unwrap();
        for _ in 0..2 {
            bench.report(reply, Some(FinalStatus::Delivered)).await.unwrap();
            bench.minutes(6).await;
        }
        let mut learnt = learnt(&bench).await;
        learnt.sort();
        // If a process dies before it records the refusal, the next one asks again, and this gateway takes the message
        // the second time.
        let refused = !taken.iter().any(|message| message.text == "refused");
        let expected: &[&str] = if refused { &["delivered", "failed"] } else { &["delivered"] };
        let doubled = learnt == ["delivered", "failed"];
        assert!(learnt == expected || doubled, "call {nth} {fault:?} {when:?}: {learnt:?}");
        assert!(bench.outbox(WHO).await.is_empty(), "call {nth} {fault:?} {when:?}");
        if met == 0 {
            assert!(nth > 8, "the faults were met");
            assert!(refused && doubled);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_before_any_store_call_loses_no_report() {
    whatever_goes_wrong(FaultKind::Silence, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_any_store_call_loses_no_report() {
    whatever_goes_wrong(FaultKind::Silence, When::After).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_call_that_fails_loses_no_report() {
    whatever_goes_wrong(FaultKind::Error, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_call_whose_answer_is_lost_loses_no_report() {
    whatever_goes_wrong(FaultKind::Error, When::After).await;
}

async fn ask(bench: &Bench, target: &str) -> StatusCode {
    bench.request(Request::get(target).body(Bytes::new()).unwrap()).await.status()
}

#[tokio::test]
async fn an_unsigned_report_is_refused_and_writes_nothing() {
    let bench = Bench::new(router());
    let reply = answered(&bench, "one").await;
    let signed = ReportKey::new(None).sign(&reply);
    let mut stranger = reply.clone();
    stranger.connection = bench.connection("999");
    let foreign = ReportKey::new(Some(&threadless::settings::Secret::new("x"))).sign(&stranger);
    for reference in ["", "x", &signed[1..], &foreign, reply.id.as_str()] {
        let target = format!("/bench/bench/report/?for={reference}&status=delivered");
        assert_eq!(ask(&bench, &target).await, StatusCode::FORBIDDEN, "{reference}");
    }
    assert_eq!(row(&bench, &reply).await.state, State::Sent);
    assert_eq!(bench.history("999").await, []);
    assert_eq!(bench.waiting(), 0);
    assert_eq!(
        ask(&bench, &format!("/bench/bench/report/?for={signed}&status=delivered")).await,
        StatusCode::OK
    );
    assert_eq!(row(&bench, &reply).await.state, State::Delivered);
}

#[tokio::test]
async fn a_report_that_cannot_be_made_durable_is_not_taken() {
    let bench = Bench::new(router());
    let reply = answered(&bench, "one").await;
    let target = format!("/bench/bench/report/?for={}&status=failed", ReportKey::new(None).sign(&reply));
    bench.faults.plan(1, FaultKind::Error, When::Before);
    assert_eq!(ask(&bench, &target).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&bench, &target).await, StatusCode::OK);
    bench.work_off().await;
    assert_eq!(
        (row(&bench, &reply).await.state, learnt(&bench).await),
        (State::Failed, vec!["failed".to_owned()])
    );
}

#[tokio::test]
async fn what_comes_to_any_other_path_is_a_message() {
    let bench = Bench::new(router());
    for path in ["/bench/bench", "/bench/bench/", "/bench/bench/dlr", "/bench/bench/x/report/"] {
        assert_eq!(ask(&bench, &format!("{path}?id={WHO}&text=x")).await, StatusCode::OK, "{path}");
    }
    assert_eq!(bench.history(WHO).await.len(), 4);
    let target = format!("/bench/bench/report?id={WHO}&text=x");
    assert_eq!(ask(&bench, &target).await, StatusCode::FORBIDDEN, "never taken for one");
    assert_eq!(bench.history(WHO).await.len(), 4);
}

#[tokio::test]
async fn a_signed_report_that_cannot_be_read_is_kept_and_not_asked_for_again() {
    let bench = Bench::new(router());
    let reply = answered(&bench, "one").await;
    let target = format!("/bench/bench/report/?for={}&status=lost", ReportKey::new(None).sign(&reply));
    assert_eq!(ask(&bench, &target).await, StatusCode::OK);
    assert_eq!(bench.unusable().await[0].problems, ["status: is not known"]);
    assert_eq!(row(&bench, &reply).await.state, State::Sent);
}
