//! Gateways with wrong clocks. Their times decide nothing.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use threadless::apps::{Conversation, Said, Turn, conversation};
use threadless::backend::{Received, Reference, Reported};
use threadless::queue::Ticket;
use threadless::testing::Bench;
use threadless::worker::{Record, respond};
use threadless::{
    App, AppError, Context, Deadline, FinalStatus, Handled, Incoming, MessageId, Report, Router, incoming,
    report,
};

/// An app that records the messages that it sees, and answers.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<Arrival>>>, Arc<Mutex<Vec<Timestamp>>>);

/// The arrival time of a message, with its details.
type Arrival = (Timestamp, BTreeMap<String, String>);

impl App for Witness {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Incoming { received_at, details, .. } = cx.message().clone();
        self.0.lock().unwrap().push((received_at, details));
        cx.reply("hello");
        Ok(Handled::Yes)
    }

    async fn report(&self, _: &mut Context, report: &Report) -> Result<(), AppError> {
        self.1.lock().unwrap().push(report.at);
        Ok(())
    }
}

fn received(text: &str, received_at: Option<Timestamp>) -> Received {
    let mut received = Received::new("251911".parse().unwrap(), text);
    received.received_at = received_at;
    received.details = BTreeMap::from([("smsc".to_owned(), "usb0".to_owned())]);
    received
}

async fn bring(bench: &Bench, text: &str, received_at: Option<Timestamp>) {
    let deadline = Deadline::within(Duration::from_secs(29));
    incoming(&bench.project, bench.default_backend(), received(text, received_at), deadline).await.unwrap();
    assert!(bench.work_off().await.is_empty());
}

/// Returns times that no working clock can give, and the two limits of possible times.
fn times(now: Timestamp) -> Vec<(Timestamp, bool)> {
    let hours = |hours: i64| now + SignedDuration::from_hours(hours);
    vec![
        (now, true),
        (now + SignedDuration::from_mins(5), true),
        (now + SignedDuration::from_mins(6), false),
        (hours(10 * 365 * 24), false),
        (Timestamp::from_second(i64::from(i32::MAX)).unwrap(), false),
        (Timestamp::from_second(i64::from(u32::MAX)).unwrap(), false),
        (Timestamp::MAX, false),
        (hours(-1), true),
        (hours(-7 * 24), true),
        (hours(-8 * 24), false),
        (hours(-31 * 24), false),
        (Timestamp::UNIX_EPOCH, false),
        (Timestamp::from_second(-1).unwrap(), false),
        (Timestamp::MIN, false),
    ]
}

#[tokio::test]
async fn a_time_that_cannot_be_right_is_ours_and_the_gateways_stays_among_the_details() {
    for queued in [false, true] {
        let witness = Witness::default();
        let router = Router::new().app(witness.clone());
        let bench = if queued { Bench::with(router).queued().build() } else { Bench::new(router) };
        for (told, believed) in times(threadless::Clock::now(&bench.clock)) {
            let now = threadless::Clock::now(&bench.clock);
            bring(&bench, "x", Some(told)).await;
            let (at, details) = witness.0.lock().unwrap().pop().unwrap();
            assert_eq!(at, if believed { told } else { now }, "{told}");
            let kept = details.get("gateway_time").cloned();
            assert_eq!(kept, (!believed).then(|| told.to_string()), "{told}");
            assert_eq!(details["smsc"], "usb0");
        }
        // Messages go in and out. None of them expires, panics or takes the place of another.
        assert_eq!(bench.history("251911").await.len(), 2 * times(Timestamp::UNIX_EPOCH).len());
    }
}

#[tokio::test]
async fn a_detail_of_that_name_is_the_gateways_own() {
    let witness = Witness::default();
    let bench = Bench::new(Router::new().app(witness.clone()));
    let mut message = received("x", Some(Timestamp::MAX));
    message.details.insert("gateway_time".to_owned(), "its own".to_owned());
    let deadline = Deadline::within(Duration::from_secs(29));
    incoming(&bench.project, bench.default_backend(), message, deadline).await.unwrap();
    assert_eq!(witness.0.lock().unwrap()[0].1["gateway_time"], "its own");
}

/// An app that asks for a name, and waits for it for an hour.
struct Asks;

#[derive(Default, Serialize, Deserialize)]
enum Asked {
    #[default]
    Nothing,
    Name,
}

impl Conversation for Asks {
    const NAME: &'static str = "asks";
    const TIMEOUT: Duration = Duration::from_secs(3600);
    type State = Asked;

    async fn turn(&self, asked: Asked, said: Said) -> Result<Turn<Asked>, AppError> {
        Ok(match asked {
            Asked::Nothing => Turn::to(Asked::Name, "Name?"),
            Asked::Name => Turn::done(format!("Hello {}", said.text())),
        })
    }
}

#[tokio::test]
async fn a_clock_that_is_ten_years_ahead_keeps_no_conversation_open() {
    let router = Router::new().app(conversation("ask", Asks)).app(Witness::default());
    let bench = Bench::new(router);
    let ahead = threadless::Clock::now(&bench.clock) + SignedDuration::from_hours(10 * 365 * 24);
    bring(&bench, "ask", Some(ahead)).await;
    bring(&bench, "Eden", None).await;
    bring(&bench, "ask", Some(ahead)).await;
    bench.clock.advance(Duration::from_secs(3601));
    bring(&bench, "Abel", None).await;
    assert_eq!(bench.gateway.texts(), ["Name?", "Hello Eden", "Name?", "hello"]);
}

#[tokio::test]
async fn a_report_of_another_century_happened_when_it_came() {
    for told in [Some(Timestamp::MAX), Some(Timestamp::MIN), Some(Timestamp::UNIX_EPOCH), None] {
        let witness = Witness::default();
        let bench = Bench::new(Router::new().app(witness.clone()));
        bring(&bench, "x", None).await;
        let reference = Reference::of(&bench.gateway.taken()[0]);
        let mut reported = Reported::new(reference, Some(FinalStatus::Delivered));
        reported.reported_at = told;
        report(&bench.project, reported).await.unwrap();
        bench.work_off().await;
        assert_eq!(*witness.1.lock().unwrap(), [threadless::Clock::now(&bench.clock)], "{told:?}");
    }
}

#[tokio::test]
async fn a_job_of_a_version_that_believed_every_clock_is_no_exception() {
    let witness = Witness::default();
    let bench = Bench::new(Router::new().app(witness.clone()));
    let now = threadless::Clock::now(&bench.clock);
    let fortnight = now - SignedDuration::from_hours(14 * 24);
    for (told, expected) in [(Timestamp::MAX, now), (now, now), (fortnight, fortnight)] {
        let message = Incoming::new(MessageId::random(), bench.connection("251911"), "x", told);
        let Ticket { job, group, .. } = Ticket::incoming(message);
        let record = Record {
            id: "r".to_owned(),
            group: Some(group),
            body: job.to_json(),
            receive_count: 1,
            sent_at: None,
        };
        let deadline = Deadline::within(Duration::from_secs(29));
        assert_eq!(respond(&bench.project, vec![record], deadline).await.len(), 0);
        assert_eq!(witness.0.lock().unwrap().pop().unwrap().0, expected, "{told}");
    }
    assert_eq!(bench.history("251911").await.len(), 6);
}
