//! One message is one row of history, however often its gateway delivers it and wherever the first try ended. The row
//! of a waiting message shows the number of attempts, the number of uncertain attempts, and the last result.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use serde_json::Value;
use threadless::backend::{Engines, Fetched, Transport, TransportError};
use threadless::project::Settings;
use threadless::queue::MemoryQueue;
use threadless::settings::Surroundings;
use threadless::store::{Direction, History as _, HistoryRow, MemoryStore, State};
use threadless::testing::{Behaviour, Bench, FaultKind, TestClock, When};
use threadless::{Clock as _, ConnectionId, Deadline, Ports, Project, Router, apps::Echo, endpoint};

async fn incoming_rows(bench: &Bench) -> Vec<HistoryRow> {
    let mut rows = bench.history("1").await;
    rows.retain(|row| row.direction == Direction::In);
    rows
}

fn bench(queued: bool) -> Bench {
    let builder = Bench::with(Router::new().app(Echo));
    if queued { builder.queued().build() } else { builder.build() }
}

#[tokio::test]
async fn a_message_that_comes_again_without_a_time_of_its_own_is_one_row() {
    for queued in [false, true] {
        let bench = bench(queued);
        let first = bench.clock.now();
        // Repeat it within the five minutes in which the queue knows it, beyond them, and after forty other messages.
        for again in 0..5 {
            bench.receive("1", "echo a", Some("a1")).await.unwrap();
            bench.work_off().await;
            let rows = incoming_rows(&bench).await;
            assert_eq!(rows.len(), 1, "queued {queued}, time {again}: {rows:?}");
            assert_eq!((rows[0].at, rows[0].state, rows[0].text.as_str()), (first, State::Handled, "echo a"));
            bench.clock.advance(Duration::from_millis(100_123));
        }
        for nth in 0..40 {
            bench.receive("1", "echo b", Some(&format!("b{nth}"))).await.unwrap();
            bench.clock.advance(Duration::from_millis(1_001));
        }
        bench.clock.advance(Duration::from_secs(3600));
        bench.receive("1", "echo a", Some("a1")).await.unwrap();
        bench.work_off().await;
        let rows = incoming_rows(&bench).await;
        let of_a: Vec<&HistoryRow> = rows.iter().filter(|row| row.text == "echo a").collect();
        assert_eq!((rows.len(), of_a.len(), of_a[0].at), (41, 1, first), "queued {queued}");
        assert_eq!(bench.gateway.texts().iter().filter(|text| *text == "a").count(), 1);
    }
}

/// Makes the calls go wrong, one after the other, until no call is left. Each time the gateway then repeats the
/// message.
async fn one_row_whatever_goes_wrong(queued: bool, fault: FaultKind, when: When) {
    for nth in 1.. {
        let bench = bench(queued);
        bench.receive("2", "echo warm", None).await.unwrap();
        bench.work_off().await;
        bench.faults.plan(nth, fault, when);
        let first = async {
            let _ = bench.receive("1", "echo a", Some("a1")).await;
            bench.work_off().await;
        };
        let _ = tokio::time::timeout(Duration::from_secs(60), first).await;
        let met = bench.faults.met();
        bench.faults.clear();
        for _ in 0..3 {
            bench.clock.advance(Duration::from_millis(400_321));
            bench.receive("1", "echo a", Some("a1")).await.unwrap();
            bench.minutes(2).await;
        }
        let rows = incoming_rows(&bench).await;
        let states: Vec<State> = rows.iter().map(|row| row.state).collect();
        assert_eq!(states, [State::Handled], "queued {queued}, call {nth} {fault:?} {when:?}: {rows:?}");
        if met == 0 {
            assert!(nth > 5, "the faults were met: {nth}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_the_first_try_ends_a_message_that_comes_again_is_one_row() {
    for queued in [false, true] {
        for fault in [FaultKind::Silence, FaultKind::Error] {
            for when in [When::Before, When::After] {
                one_row_whatever_goes_wrong(queued, fault, when).await;
            }
        }
    }
}

#[tokio::test]
async fn ten_deliveries_at_once_are_one_row() {
    let bench = bench(false);
    let all = (0..10).map(|_| async {
        bench.clock.advance(Duration::from_millis(7));
        bench.receive("1", "echo a", Some("a1")).await
    });
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(incoming_rows(&bench).await.len(), 1);
}

/// A network on which no gateway can be reached.
struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        Err(TransportError::Unreached("as planned".to_owned()))
    }
}

#[tokio::test]
async fn a_repeat_of_kannel_without_a_time_is_one_row() {
    let text =
        "[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\nsendsms_url = \"http://127.0.0.1:1/\"";
    let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::default());
    let ports = Ports::new(
        store.clone(),
        Arc::new(MemoryQueue::new(Arc::new(clock.clone()))),
        Arc::new(Nowhere),
        Arc::new(clock.clone()),
    );
    let project = Project::new(settings, Router::new().app(Echo), ports);
    for _ in 0..3 {
        let request = Request::get("/backend/k/?id=701&text=ping&mid=a1").body(Bytes::new()).unwrap();
        let deadline = Deadline::within(Duration::from_secs(29));
        let answer = endpoint::serve(&project, "kannel", request, deadline).await;
        assert_eq!(answer.status(), 200);
        clock.advance(Duration::from_millis(10_500));
    }
    let connection = ConnectionId::new("k".parse().unwrap(), "701".parse().unwrap());
    let rows = store.history(&connection, clock.now(), 100).await.unwrap();
    let rows: Vec<&HistoryRow> = rows.iter().filter(|row| row.direction == Direction::In).collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
}

#[tokio::test]
async fn the_row_of_a_message_that_waits_tells_of_its_last_attempt() {
    let bench = bench(false);
    bench.gateway.next([Behaviour::Defer, Behaviour::LoseAnswer, Behaviour::Defer]);
    bench.receive("1", "echo a", None).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let row = bench.history("1").await.into_iter().find(|row| row.direction == Direction::Out).unwrap();
        let entry = bench.outbox("1").await.entries.front().cloned();
        if let Some(entry) = entry {
            assert_eq!((row.attempts, row.uncertain), (entry.attempts, entry.uncertain));
        }
        assert!(row.detail.is_some(), "{row:?}");
        seen.push((row.state, row.attempts, row.uncertain));
        bench.minutes(1).await;
    }
    let expected = [(State::Queued, 1, 0), (State::Queued, 2, 1), (State::Queued, 3, 1), (State::Sent, 4, 1)];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn progress_shows_what_was_tried_with_a_message_that_waits() {
    let bench = bench(false);
    bench.gateway.always(Behaviour::Defer);
    bench.broadcast("flood", "Go to high ground.", &["1", "2"]).await.unwrap();
    bench.minutes(3).await;
    let request = Request::get("/send/flood?recipients").body(Bytes::new()).unwrap();
    let answer = bench.request_send(request).await;
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    for recipient in answer["recipients"].as_array().unwrap() {
        assert_eq!(recipient["state"], "queued", "{recipient}");
        assert!(recipient["attempts"].as_u64().unwrap() >= 2, "{recipient}");
        assert!(recipient["detail"].is_string(), "{recipient}");
    }
}
