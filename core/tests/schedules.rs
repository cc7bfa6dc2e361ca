//! Scheduled jobs on the bench: each due time runs once, whatever goes wrong, and one run replaces all runs that an
//! outage missed.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use threadless::backend::{Fetched, Transport, TransportError};
use threadless::project::Settings;
use threadless::queue::MemoryQueue;
use threadless::store::MemoryStore;
use threadless::testing::{Behaviour, Bench, FaultKind, TestClock, When};
use threadless::{App, Clock as _, JobContext, Ports, Project, Recipient, Router, Schedule, next_due, tick};

/// A job that counts its runs, sends two numbers the count and then its due time, and fails as often as the test asks.
#[derive(Clone, Default)]
struct Remind {
    failures: Arc<AtomicUsize>,
    runs: Arc<AtomicUsize>,
}

impl App for Remind {
    fn jobs(&self) -> Vec<Schedule> {
        let app = self.clone();
        vec![Schedule::every("hourly", "1h", move |cx: JobContext| {
            let app = app.clone();
            async move {
                app.runs.fetch_add(1, Ordering::SeqCst);
                let count = cx.state::<u32>()?.unwrap_or(0) + 1;
                cx.set_state(&count)?;
                let to = |number: &str| format!("bench:{number}").parse::<Recipient>();
                cx.send(format!("run {count}"), [to("1")?, to("2")?])?;
                cx.send(format!("due {}", cx.due().strftime("%H:%M")), [to("1")?])?;
                match app.failures.load(Ordering::SeqCst) {
                    0 => Ok(()),
                    left => {
                        app.failures.store(left - 1, Ordering::SeqCst);
                        if left % 2 == 0 { panic!("as asked for") } else { Err("as asked for".into()) }
                    }
                }
            }
        })]
    }
}

fn bench() -> (Bench, Remind) {
    let remind = Remind::default();
    (Bench::new(Router::new().app(remind.clone())), remind)
}

/// A network on which no gateway can be reached.
struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        Err(TransportError::Unreached("as planned".to_owned()))
    }
}

/// Returns the texts that one number got, in any order.
fn texts(bench: &Bench, number: &str) -> Vec<String> {
    let taken = bench.gateway.taken().into_iter();
    let theirs = taken.filter(|message| message.connection.identity.as_str() == number);
    let mut texts: Vec<String> = theirs.map(|message| message.text).collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn a_job_runs_once_for_each_time_that_it_is_due() {
    // The bench's clock begins at 22:13:20.
    let (bench, remind) = bench();
    bench.minutes(46).await;
    assert_eq!(remind.runs.load(Ordering::SeqCst), 0);
    bench.minutes(1).await;
    assert_eq!(texts(&bench, "1"), ["due 23:00", "run 1"]);
    bench.tick().await;
    bench.minutes(60).await;
    bench.tick().await;
    assert_eq!(remind.runs.load(Ordering::SeqCst), 2);
    assert_eq!(texts(&bench, "1"), ["due 00:00", "due 23:00", "run 1", "run 2"]);
    assert_eq!(texts(&bench, "2"), ["run 1", "run 2"]);
}

#[tokio::test]
async fn a_new_job_runs_for_a_due_time_of_the_last_minute_only() {
    let due_at = |clock: &str| format!("2023-11-14T{clock}Z").parse::<Timestamp>().unwrap();
    for (clock, started) in [("23:00:00", 1), ("23:00:59", 1), ("23:01:00", 0), ("23:20:00", 0)] {
        let (bench, _) = bench();
        bench.clock.set(due_at(clock));
        assert_eq!(tick(&bench.project).await.unwrap().jobs, started, "{clock}");
    }
}

#[tokio::test]
async fn a_process_that_just_started_does_not_start_a_job_again_for_the_same_due_time() {
    let clock = TestClock::at("2023-11-14T23:00:30Z".parse().unwrap());
    let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
    let ports = Ports::new(Arc::new(MemoryStore::new()), queue, Arc::new(Nowhere), Arc::new(clock.clone()));
    let process = || Project::new(Settings::named("T"), Router::new().app(Remind::default()), ports.clone());
    let first = process();
    for (project, started) in [(&first, 1), (&first, 0), (&process(), 0)] {
        assert_eq!(tick(project).await.unwrap().jobs, started);
    }
    clock.advance(Duration::from_secs(3600));
    for started in [1, 0] {
        assert_eq!(tick(&process()).await.unwrap().jobs, started);
    }
}

#[tokio::test]
async fn a_job_that_the_queue_delivers_twice_does_not_call_the_app_again() {
    let (bench, remind) = bench();
    bench.minutes(47).await;
    assert_eq!(bench.hand_out_again().await, []);
    assert_eq!(remind.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_state_of_64_kb_is_kept_and_a_larger_one_makes_the_run_fail() {
    /// A job whose state is a text of this length, which two quotes surround.
    struct Large(usize);
    impl App for Large {
        fn jobs(&self) -> Vec<Schedule> {
            let size = self.0;
            vec![Schedule::every("hourly", "1h", move |cx: JobContext| async move {
                cx.send("done", ["bench:1".parse::<Recipient>()?])?;
                Ok(cx.set_state(&"x".repeat(size))?)
            })]
        }
    }
    for (size, sent) in [(65_534, &["done"][..]), (65_535, &[])] {
        let bench = Bench::new(Router::new().app(Large(size)));
        bench.minutes(48).await;
        assert_eq!(texts(&bench, "1"), sent, "{size}");
    }
}

#[tokio::test]
async fn the_next_work_is_a_due_job_or_a_message_that_waits_whichever_comes_first() {
    let (bench, _) = bench();
    let now = bench.clock.now();
    let eleven: Timestamp = "2023-11-14T23:00:00Z".parse().unwrap();
    let in_an_hour = now + Duration::from_secs(3600);
    assert_eq!(next_due(&bench.project, in_an_hour).await.unwrap(), Some(eleven));
    assert_eq!(next_due(&bench.project, now + Duration::from_secs(60)).await.unwrap(), None);
    bench.gateway.always(Behaviour::Defer);
    bench.notify("1", "hello", "id").await.unwrap();
    bench.work_off().await;
    let outbox = bench.outbox("1").await;
    let retry = outbox.entries[0].next_attempt.unwrap();
    assert_eq!(next_due(&bench.project, in_an_hour).await.unwrap(), Some(retry));
}

#[tokio::test]
async fn after_an_outage_it_runs_once_for_the_last_time_that_was_missed() {
    let (bench, remind) = bench();
    bench.minutes(1).await;
    bench.clock.advance(Duration::from_secs(10 * 3600));
    bench.minutes(2).await;
    assert_eq!(remind.runs.load(Ordering::SeqCst), 1);
    assert_eq!(texts(&bench, "1"), ["due 08:00", "run 1"]);
}

#[tokio::test]
async fn a_run_that_failed_is_tried_again_and_what_it_did_counts_once() {
    let (bench, remind) = bench();
    remind.failures.store(2, Ordering::SeqCst);
    bench.minutes(50).await;
    assert_eq!(remind.runs.load(Ordering::SeqCst), 3);
    assert_eq!(texts(&bench, "1"), ["due 23:00", "run 1"]);
}

#[tokio::test]
async fn faulty_schedules_stop_the_start() {
    struct Faulty;
    impl App for Faulty {
        fn jobs(&self) -> Vec<Schedule> {
            let work = |_: JobContext| async { Ok(()) };
            vec![
                Schedule::every("a", "soon", work),
                Schedule::cron("b", "0 8 * *", "UTC", work),
                Schedule::every("c", "1h", work),
                Schedule::every("c", "2h", work),
            ]
        }
    }
    let faults = Router::new().app(Faulty).check().unwrap_err().to_string();
    for expected in
        ["Faulty.a", "\"soon\" is not a time span", "Faulty.b", "has 4 fields", "Faulty.c", "two jobs"]
    {
        assert!(faults.contains(expected), "{expected}: {faults}");
    }
}

/// Makes the calls of the store or the queue go wrong, one after the other, until no call is left. Checks each time
/// that the queue and the ticks repair everything.
async fn whatever_goes_wrong(fault: FaultKind, when: When) {
    for nth in 1.. {
        let (bench, _) = bench();
        bench.minutes(46).await;
        bench.faults.plan(nth, fault, when);
        // With silence the process hangs there. It is killed, and its unfinished work with it.
        let _ = tokio::time::timeout(Duration::from_secs(60), bench.minutes(1)).await;
        let met = bench.faults.met();
        bench.faults.clear();
        bench.minutes(15).await;
        let doubts: u32 = bench.history("1").await.iter().map(|row| row.uncertain).sum();
        for (number, expected) in [("1", vec!["due 23:00", "run 1"]), ("2", vec!["run 1"])] {
            let mut distinct = texts(&bench, number);
            let all = distinct.len();
            distinct.dedup();
            assert_eq!(distinct, expected, "call {nth} {fault:?} {when:?}: {number}");
            assert!(all - distinct.len() <= 1 && doubts <= 1, "call {nth} {fault:?} {when:?}: {number}");
        }
        if met == 0 {
            assert!(nth > 20, "the faults were met: {nth}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_before_any_call_leaves_no_job_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_any_call_leaves_no_job_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::After).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_leaves_no_job_undone() {
    whatever_goes_wrong(FaultKind::Error, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_leaves_no_job_undone() {
    whatever_goes_wrong(FaultKind::Error, When::After).await;
}
