//! A scheduled job whose list of recipients changes between a run that died and the run after it. One whole list goes
//! out, with the state of the same run.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use threadless::testing::{Bench, FaultKind, When};
use threadless::{App, JobContext, Recipient, Router, Schedule};

/// A job with another list in each run. The first list has `first` numbers that begin with 1, the second has `second`
/// numbers that begin with 2, and so on. The text and the state name their run.
#[derive(Clone, Default)]
struct Lists {
    sizes: Vec<usize>,
    /// The state that each run found.
    found: Arc<Mutex<Vec<Option<usize>>>>,
}

impl App for Lists {
    fn jobs(&self) -> Vec<Schedule> {
        let app = self.clone();
        vec![Schedule::every("lists", "1h", move |cx: JobContext| {
            let app = app.clone();
            async move {
                let run = {
                    let mut found = app.found.lock().unwrap();
                    found.push(cx.state::<usize>()?);
                    found.len()
                };
                cx.set_state(&run)?;
                cx.send(format!("run {run}"), numbers(run, app.sizes.get(run - 1).copied().unwrap_or(1)))?;
                Ok(())
            }
        })]
    }
}

fn numbers(run: usize, size: usize) -> Vec<Recipient> {
    (0..size).map(|nth| format!("bench:{run}{nth:06}").parse().unwrap()).collect()
}

/// Makes the `nth` call of the first minute go wrong for good, then lets time pass. Returns whether there was such a
/// call.
async fn one_list_goes_out(sizes: &[usize], nth: usize, fault: FaultKind, when: When) -> bool {
    let lists = Lists { sizes: sizes.to_vec(), ..Lists::default() };
    let bench = Bench::new(Router::new().app(lists.clone()));
    bench.minutes(46).await;
    bench.faults.plan(nth, fault, when);
    // With silence the process hangs there. It is killed, and its unfinished work with it.
    let _ = tokio::time::timeout(Duration::from_secs(60), bench.minutes(1)).await;
    let met = bench.faults.met() > 0;
    bench.faults.clear();
    bench.minutes(16).await;

    let what = format!("{sizes:?}: call {nth} {fault:?} {when:?}");
    let taken = bench.gateway.taken();
    let texts: BTreeSet<String> = taken.iter().map(|message| message.text.clone()).collect();
    assert_eq!(texts.len(), 1, "{what}: {texts:?}");
    let run: usize = texts.first().unwrap().strip_prefix("run ").unwrap().parse().unwrap();
    let got: BTreeSet<Recipient> = taken.iter().map(|message| message.connection.clone().into()).collect();
    let expected: BTreeSet<Recipient> = numbers(run, sizes[run - 1]).into_iter().collect();
    assert!(got == expected, "{what}: {} of {} of run {run}", got.len(), expected.len());

    // The next run finds the state of the run whose list went out.
    bench.minutes(60).await;
    assert_eq!(lists.found.lock().unwrap().last(), Some(&Some(run)), "{what}");
    met
}

/// The calls of the minute in which the job is due: calls 1 to 4 belong to the sweep and the tick, and the run begins
/// with call 5.
#[tokio::test(start_paused = true)]
async fn wherever_a_run_dies_the_list_of_one_run_goes_out_whole() {
    // Each list needs more than one broadcast: a broadcast holds at most 2,500 messages.
    for nth in 5..=13 {
        assert!(one_list_goes_out(&[2510, 2530], nth, FaultKind::Silence, When::After).await);
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_the_list_of_one_run_goes_out_whole() {
    for nth in [7, 9, 11] {
        assert!(one_list_goes_out(&[2520, 10], nth, FaultKind::Error, When::After).await);
        assert!(one_list_goes_out(&[10, 2520], nth, FaultKind::Error, When::Before).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_more_than_ten_thousand_is_not_mixed_either() {
    for nth in [9, 12] {
        assert!(one_list_goes_out(&[10_100, 10_400], nth, FaultKind::Silence, When::After).await);
    }
}
