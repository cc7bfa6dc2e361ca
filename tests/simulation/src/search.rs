//! Many histories, on several threads.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{plan_of, run};

/// A history that broke a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The seed of the history.
    pub seed: u64,
    /// The broken promise.
    pub promise: &'static str,
    /// The description of the failure.
    pub how: String,
}

/// Runs the histories of these seeds on several threads, and returns those that broke a promise, in the order of their
/// seeds. With `first`, it ends after the first one.
///
/// Calls `progress` from time to time with the number of finished histories and the number of those that broke a
/// promise.
pub fn search(
    seeds: Range<u64>,
    threads: usize,
    first: bool,
    mut progress: impl FnMut(u64, usize),
) -> Vec<Found> {
    let (next, end) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let found = Mutex::new(Vec::new());
    let done = AtomicU64::new(0);
    let work = || {
        loop {
            // Threads take seeds in order, and finish each seed that they take. So the first failure in order is really
            // the first.
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || end.load(Ordering::Relaxed) {
                return;
            }
            if let Some((promise, how)) = run(&plan_of(seed), false).broken.into_iter().next() {
                found.lock().unwrap_or_else(PoisonError::into_inner).push(Found { seed, promise, how });
                end.fetch_or(first, Ordering::Relaxed);
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(200));
            let broken = found.lock().unwrap_or_else(PoisonError::into_inner).len();
            progress(done.load(Ordering::Relaxed), broken);
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|found| found.seed);
    if first {
        found.truncate(1);
    }
    found
}

/// Returns a line for each kind of failure: its number of occurrences, and its first seeds.
pub fn kinds(found: &[Found]) -> Vec<String> {
    let mut kinds: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for Found { seed, promise, how } in found {
        let how: String = how.chars().filter(|c| !c.is_ascii_hexdigit()).take(60).collect();
        kinds.entry(format!("{promise}: {how}")).or_default().push(*seed);
    }
    let line = |(kind, seeds): (String, Vec<u64>)| {
        format!("{} x {kind}, seeds {:?}", seeds.len(), &seeds[..seeds.len().min(8)])
    };
    kinds.into_iter().map(line).collect()
}
