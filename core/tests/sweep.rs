//! The sweep: every due entry is found, backends take turns, no entry is missed, and a long queue grows only as fast as
//! the workers take jobs.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use threadless::backend::{Engines, Fetched, Received, Transport, TransportError};
use threadless::project::Settings;
use threadless::queue::{Job, MemoryQueue, Queue, QueueError, Ticket};
use threadless::settings::Surroundings;
use threadless::store::MemoryStore;
use threadless::testing::{Behaviour, Bench, TestClock};
use threadless::worker::{Record, respond};
use threadless::{ConnectionId, Deadline, Ports, Project, Router, apps::Echo, incoming, sweep};

/// Backends `a`, `b` and `c`.
const SETTINGS: &str = r#"
    [project]
    name = "Sweep"
    [backends.a]
    engine = "kannel"
    sendsms_url = "http://127.0.0.1:1/"
    [backends.b]
    engine = "kannel"
    sendsms_url = "http://127.0.0.1:2/"
    [backends.c]
    engine = "kannel"
    sendsms_url = "http://127.0.0.1:3/"
"#;

/// A queue that records each of its calls.
#[derive(Default)]
struct Calls {
    calls: Mutex<Vec<Vec<Ticket>>>,
    /// The calls that it refuses, from 0; `None` for all of them.
    refused: Mutex<Option<BTreeSet<usize>>>,
    /// The number of jobs that the workers take between two questions for its length; `None` if it does not count.
    drain: Option<usize>,
    /// The number of jobs that were taken off it, and the maximum number that were on it.
    drained: Mutex<(usize, usize)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

#[async_trait]
impl Queue for Calls {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError> {
        self.enqueue_all(vec![ticket]).await
    }

    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError> {
        let mut calls = lock(&self.calls);
        let refused = lock(&self.refused).as_ref().is_none_or(|refused| refused.contains(&calls.len()));
        calls.push(tickets);
        if refused { Err(QueueError::Unavailable("as planned".to_owned())) } else { Ok(()) }
    }

    async fn waiting(&self) -> Result<Option<usize>, QueueError> {
        let Some(drain) = self.drain else { return Ok(None) };
        let taken: usize = lock(&self.calls).iter().map(Vec::len).sum();
        let mut drained = lock(&self.drained);
        let waiting = taken - drained.0;
        drained.1 = drained.1.max(waiting);
        drained.0 += drain.min(waiting);
        Ok(Some(waiting))
    }
}

impl Calls {
    fn taking_everything() -> Self {
        Self { refused: Mutex::new(Some(BTreeSet::new())), ..Self::default() }
    }

    /// Returns the jobs in order: for each, the backend and the identity of the outbox.
    fn delivers(&self) -> Vec<(String, String)> {
        let whose = |ticket: &Ticket| match &ticket.job {
            Job::Deliver { connection } => {
                (connection.backend.to_string(), connection.identity.as_str().to_owned())
            }
            other => panic!("{other:?}"),
        };
        lock(&self.calls).iter().flatten().map(whose).collect()
    }
}

/// A network on which no gateway can be reached.
struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        Err(TransportError::Unreached("as planned".to_owned()))
    }
}

/// A project with a queue of its own.
struct Rig {
    project: Project,
    clock: TestClock,
}

impl Rig {
    fn on(queue: Arc<dyn Queue>, clock: TestClock) -> Self {
        let settings = Settings::read(SETTINGS, &Engines::standard(), &Surroundings::local(&[])).unwrap();
        let ports =
            Ports::new(Arc::new(MemoryStore::new()), queue, Arc::new(Nowhere), Arc::new(clock.clone()));
        Self { project: Project::new(settings, Router::new().app(Echo), ports), clock }
    }

    /// Makes the gateway of a backend defer one reply to each of these senders. The replies are due a few seconds
    /// later.
    async fn leave_behind(&self, backend: &str, senders: usize) {
        for sender in 0..senders {
            let received = Received::new(format!("{sender:06}").parse().unwrap(), "echo hi");
            let deadline = Deadline::within(Duration::from_secs(29));
            incoming(&self.project, &backend.parse().unwrap(), received, deadline).await.unwrap();
        }
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn expected(backend: &str, senders: usize) -> impl Iterator<Item = (String, String)> {
    (0..senders).map(move |sender| (backend.to_owned(), format!("{sender:06}")))
}

#[tokio::test]
async fn all_that_is_due_goes_on_the_queue_at_once_each_once_and_backends_take_turns() {
    let queue = Arc::new(Calls::taking_everything());
    let rig = Rig::on(queue.clone(), TestClock::default());
    rig.leave_behind("a", 5000).await;
    rig.advance(3600);
    rig.leave_behind("b", 40).await;
    rig.leave_behind("c", 1500).await;
    rig.advance(3600);
    let swept = sweep(&rig.project).await.unwrap();
    assert_eq!((swept.due, swept.enqueued, swept.unreadable), (6540, 6540, 0));
    let found = queue.delivers();
    let all: BTreeSet<(String, String)> = found.iter().cloned().collect();
    assert_eq!(found.len(), all.len(), "each once");
    assert_eq!(all, expected("a", 5000).chain(expected("b", 40)).chain(expected("c", 1500)).collect());
    // A gateway with thousands of waiting messages, which waits for an hour longer, delays no other.
    let turns: BTreeSet<&str> = found[..120].iter().map(|(backend, _)| backend.as_str()).collect();
    assert_eq!(turns.len(), 3);
    assert_eq!(found[..120].iter().filter(|(backend, _)| backend == "b").count(), 40);
    assert_eq!(found[..4500].iter().filter(|(backend, _)| backend == "c").count(), 1500);
    // Within a backend, the entry that has been due longest comes first.
    let of_c: Vec<&str> =
        found.iter().filter(|(backend, _)| backend == "c").map(|(_, sender)| sender.as_str()).collect();
    assert_eq!(of_c.len(), 1500);
    let sizes: BTreeSet<usize> = lock(&queue.calls).iter().map(Vec::len).collect();
    assert_eq!(sizes.last(), Some(&10), "ten in a call: {sizes:?}");
    assert_eq!(lock(&queue.calls).len(), 654);
}

#[tokio::test]
async fn what_is_too_much_to_be_held_follows_in_the_same_sweep() {
    let queue = Arc::new(Calls::taking_everything());
    let rig = Rig::on(queue.clone(), TestClock::default());
    rig.leave_behind("a", 12_500).await;
    rig.advance(3600);
    rig.leave_behind("b", 11_500).await;
    rig.leave_behind("c", 5).await;
    rig.advance(3600);
    let swept = sweep(&rig.project).await.unwrap();
    assert_eq!((swept.due, swept.enqueued), (24_005, 24_005));
    let found = queue.delivers();
    let all: BTreeSet<(String, String)> = found.iter().cloned().collect();
    assert_eq!(found.len(), all.len(), "each once");
    assert_eq!(all, expected("a", 12_500).chain(expected("b", 11_500)).chain(expected("c", 5)).collect());
    assert!(found[..15].iter().filter(|(backend, _)| backend == "c").count() == 5);
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_is_fed_as_it_is_emptied() {
    let queue = Arc::new(Calls { drain: Some(900), ..Calls::taking_everything() });
    let rig = Rig::on(queue.clone(), TestClock::default());
    rig.leave_behind("a", 9000).await;
    rig.advance(60);
    let swept = sweep(&rig.project).await.unwrap();
    assert_eq!((swept.due, swept.enqueued), (9000, 9000));
    let most = lock(&queue.drained).1;
    assert!(most <= 2000, "so many waited there: {most}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_nobody_empties_gets_no_more_than_it_needs_and_the_sweep_ends_in_time() {
    let queue = Arc::new(Calls { drain: Some(0), ..Calls::taking_everything() });
    let rig = Rig::on(queue.clone(), TestClock::default());
    rig.leave_behind("a", 3000).await;
    rig.leave_behind("b", 3000).await;
    rig.advance(60);
    let begun = tokio::time::Instant::now();
    let swept = sweep(&rig.project).await.unwrap();
    assert_eq!((swept.due, swept.enqueued), (6000, 2000));
    assert!(begun.elapsed() <= Duration::from_secs(45), "{:?}", begun.elapsed());
    let of_b = queue.delivers().iter().filter(|(backend, _)| backend == "b").count();
    assert_eq!(of_b, 1000, "in turn");
}

#[tokio::test]
async fn a_call_that_fails_stops_no_other() {
    let queue = Arc::new(Calls { refused: Mutex::new(Some(BTreeSet::from([0, 17]))), ..Calls::default() });
    let rig = Rig::on(queue.clone(), TestClock::default());
    rig.leave_behind("a", 400).await;
    rig.advance(60);
    let swept = sweep(&rig.project).await.unwrap();
    assert_eq!((swept.due, swept.enqueued), (400, 380));
    // The next sweep finds them all again.
    *lock(&queue.refused) = Some(BTreeSet::new());
    rig.advance(60);
    assert_eq!(sweep(&rig.project).await.unwrap().enqueued, 400);
}

#[tokio::test]
async fn a_queue_that_takes_nothing_is_not_asked_for_each_of_thousands() {
    let queue = Arc::new(Calls::default());
    let rig = Rig::on(queue.clone(), TestClock::default());
    rig.leave_behind("a", 2500).await;
    rig.advance(60);
    let swept = sweep(&rig.project).await.unwrap();
    assert_eq!((swept.due, swept.enqueued), (2500, 0));
    assert_eq!(lock(&queue.calls).len(), 16);
}

#[tokio::test]
async fn what_was_looked_at_in_vain_is_looked_at_again_a_minute_later() {
    let clock = TestClock::default();
    let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
    let rig = Rig::on(queue.clone(), clock);
    rig.leave_behind("a", 1).await;
    rig.advance(3600);
    for minute in 0..6 {
        for _ in 0..3 {
            sweep(&rig.project).await.unwrap();
        }
        // The job is taken and has no effect, so the outbox is still due since the same moment.
        let job = queue.take().unwrap_or_else(|| panic!("in minute {minute} nobody looks")).job;
        assert!(matches!(job, Job::Deliver { .. }), "{job:?}");
        assert_eq!(queue.take(), None, "sweeps of one minute ask once: {minute}");
        rig.advance(60);
    }
}

#[tokio::test]
async fn after_an_outage_of_hours_thousands_at_two_backends_come_back_within_minutes() {
    let bench = Bench::with(Router::new().app(Echo)).backend("dead").backend("alive").build();
    bench.gateway.always(Behaviour::Defer);
    for sender in 0..5000 {
        let backend = if sender % 2 == 0 { "dead" } else { "alive" };
        let from: ConnectionId = bench.connection_at(backend, &format!("{sender:06}"));
        bench.receive_at(&from, "echo hi", None).await.unwrap();
    }
    // For six hours no gateway takes a message, and no attempt is made in between.
    bench.minutes(2).await;
    bench.clock.advance(Duration::from_secs(6 * 3600));
    bench.gateway.always_at("alive", Behaviour::Accept);
    bench.minutes(1).await;
    let taken = bench.gateway.taken();
    assert_eq!(taken.len(), 2500, "all of the gateway that is back, in one minute");
    assert!(taken.iter().all(|message| message.connection.backend.as_str() == "alive"));
    bench.gateway.always_at("dead", Behaviour::Accept);
    bench.minutes(11).await;
    let taken: BTreeSet<String> =
        bench.gateway.taken().iter().map(|message| message.id.to_string()).collect();
    assert_eq!((taken.len(), bench.gateway.taken().len()), (5000, 5000), "each once");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_hangs_with_hundreds_behind_it_is_left_alone_and_others_are_served() {
    let bench = Bench::with(Router::new().app(Echo)).backend("dead").backend("alive").build();
    bench.gateway.always(Behaviour::Defer);
    for backend in ["dead", "alive"] {
        for sender in 0..300 {
            bench
                .receive_at(&bench.connection_at(backend, &sender.to_string()), "echo hi", None)
                .await
                .unwrap();
        }
    }
    bench.gateway.always_at("dead", Behaviour::Hang);
    bench.gateway.always_at("alive", Behaviour::Accept);
    let asked = bench.gateway.asked();
    bench.minutes(1).await;
    assert_eq!(bench.gateway.taken().len(), 300);
    assert!(bench.gateway.asked() - asked - 300 <= 4, "three that hang, and a probe");
}

/// A worker of an earlier version that works off a job twice does no harm either.
#[tokio::test]
async fn a_job_for_an_outbox_that_is_empty_does_nothing() {
    let bench = Bench::new(Router::new().app(Echo));
    bench.receive("1", "echo hi", None).await.unwrap();
    let ticket = Ticket::deliver(bench.connection("1"), threadless::Clock::now(&bench.clock));
    for receive_count in 1..=3 {
        let body = ticket.job.to_json();
        let record = Record {
            id: "1".to_owned(),
            group: Some(ticket.group.clone()),
            body,
            receive_count,
            sent_at: None,
        };
        let failures = respond(&bench.project, vec![record], Deadline::within(Duration::from_secs(30))).await;
        assert_eq!(failures, []);
    }
    assert_eq!(bench.gateway.texts(), ["hi"]);
}
