//! Scheduled jobs on the bench: each due time runs once, whatever goes wrong, and one run replaces all runs that an
//! outage missed.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use threadless::testing::{Bench, FaultKind, When};
use threadless::{App, JobContext, Recipient, Router, Schedule};

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
