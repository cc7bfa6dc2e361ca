//! The figures that the pipeline and the worker record.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use threadless::metrics::{Event, Figures, Tally};
use threadless::testing::{Behaviour, Bench};
use threadless::{App, AppError, Context, FinalStatus, Handled, Router};

/// An app that answers, or fails as the text asks.
struct Moody;

impl App for Moody {
    fn name(&self) -> &'static str {
        "Moody"
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        match cx.text() {
            "error" => return Err("as planned".into()),
            "panic" => panic!("as planned"),
            _ => cx.reply("yes"),
        }
        Ok(Handled::Yes)
    }
}

fn bench() -> Bench {
    Bench::new(Router::new().app(Moody))
}

/// Returns everything that was recorded about the backend since the last call.
fn figures(bench: &Bench) -> Figures {
    let mut tally: Tally = bench.project.metrics().take();
    let figures = tally.backends.remove("bench").unwrap_or_default();
    assert_eq!(tally.backends, BTreeMap::new());
    figures
}

fn counts(counts: &[(Event, u64)]) -> BTreeMap<Event, u64> {
    counts.iter().copied().collect()
}

#[tokio::test]
async fn a_message_and_its_reply_are_counted_from_end_to_end() {
    let bench = bench();
    bench.receive("1", "hello", Some("a")).await.unwrap();
    let seen = figures(&bench);
    let all = [(Event::Received, 1), (Event::Handled, 1), (Event::Replied, 1), (Event::Sent, 1)];
    assert_eq!(seen.counts, counts(&all));
    let timings: Vec<_> = seen.timings.iter().map(|(timing, values)| (timing.name(), values.len())).collect();
    assert_eq!(timings, [("HandlingTime", 1), ("GatewayTime", 1)]);
    assert_eq!((seen.waiting, seen.oldest, seen.overdue), (None, None, None));

    bench.receive("1", "hello", Some("a")).await.unwrap();
    assert_eq!(figures(&bench).counts, counts(&[(Event::Received, 1)]), "the same message again");
    let sent = bench.gateway.taken().remove(0);
    for expected in [counts(&[(Event::Delivered, 1)]), counts(&[])] {
        bench.report(&sent, Some(FinalStatus::Delivered)).await.unwrap();
        assert_eq!(figures(&bench).counts, expected);
    }
    bench.receive("2", "stop", None).await.unwrap();
    assert_eq!(figures(&bench).count(Event::OptedOut), 1);
    bench.receive("2", "stop", None).await.unwrap();
    assert_eq!(figures(&bench).count(Event::OptedOut), 0, "the person has opted out already");
}

#[tokio::test]
async fn each_attempt_at_a_gateway_is_counted_and_the_age_of_what_waits() {
    let bench = bench();
    bench.gateway.next([Behaviour::Defer, Behaviour::LoseAnswer, Behaviour::Refuse]);
    bench.receive("1", "hello", None).await.unwrap();
    let seen = figures(&bench);
    assert_eq!((seen.count(Event::Deferred), seen.count(Event::Sent), seen.oldest), (1, 0, Some(0)));
    for (event, oldest) in [(Event::Uncertain, Some(60)), (Event::Failed, Some(60))] {
        bench.minutes(1).await;
        let seen = figures(&bench);
        assert_eq!((seen.count(event), seen.waiting), (1, Some(1)), "{event:?}");
        assert!(
            seen.oldest >= oldest.filter(|_| event == Event::Uncertain) && seen.overdue <= Some(60),
            "{seen:?}"
        );
    }
    bench.minutes(1).await;
    let seen = figures(&bench);
    assert_eq!((seen.waiting, seen.oldest, seen.overdue), (Some(0), Some(0), Some(0)));
}

#[tokio::test]
async fn a_message_that_waits_for_its_next_attempt_counts_as_waiting_and_expires_after_a_day() {
    let bench = bench();
    bench.gateway.always(Behaviour::Defer);
    bench.receive("1", "hello", None).await.unwrap();
    bench.minutes(30).await;
    figures(&bench);
    for _ in 0..5 {
        bench.minutes(1).await;
        assert_eq!(figures(&bench).waiting, Some(1));
    }
    bench.clock.advance(Duration::from_hours(24));
    bench.tick().await;
    let seen = figures(&bench);
    assert_eq!(seen.counts, counts(&[(Event::Failed, 1), (Event::Expired, 1)]));
    assert!(seen.overdue > Some(80_000), "{seen:?}");
}

#[tokio::test]
async fn failures_of_apps_are_counted_by_app_and_phase() {
    let bench = bench();
    for text in ["error", "panic", "hello"] {
        bench.receive("1", text, None).await.unwrap();
    }
    let tally = bench.project.metrics().take();
    let failed: Vec<_> = tally
        .app_errors
        .iter()
        .map(|(failed, number)| (failed.app.as_str(), failed.phase, *number))
        .collect();
    assert_eq!(failed, [("Moody", "handle", 2)]);
    assert!(bench.project.metrics().take().is_empty(), "each figure is taken out once");
}
