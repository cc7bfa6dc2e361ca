//! The sums of the figures of all invocations since the start of the stack.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use threadless::metrics::{AppPhase, Event, Figures, Meter, Tally, Timing};

/// The time for which the age of a waiting message is remembered. The longest wait between two attempts is as long.
const AGES_KEPT: SignedDuration = SignedDuration::from_mins(10);

/// The time over which recent failures are counted.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// The sums of all figures.
#[derive(Debug, Default)]
pub(crate) struct Totals(Mutex<Sums>);

/// The sums at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) backends: BTreeMap<String, Sum>,
    pub(crate) app_errors: BTreeMap<AppPhase, u64>,
}

/// The sums of one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) counts: BTreeMap<Event, u64>,
    /// The number and the total milliseconds of the durations of each kind.
    pub(crate) times: BTreeMap<Timing, (u64, u64)>,
    pub(crate) waiting: u64,
    pub(crate) overdue: u64,
    pub(crate) last_received: Option<Timestamp>,
    pub(crate) last_sent: Option<Timestamp>,
    /// The ages of waiting messages, in seconds, with the time of each report.
    ages: VecDeque<(Timestamp, u64)>,
    /// The failures, with their time.
    failures: VecDeque<(Timestamp, u64)>,
}

impl Totals {
    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the sums at this moment.
    pub(crate) fn now(&self) -> Sums {
        self.lock().clone()
    }
}

impl Meter for Totals {
    fn take(&self, tally: &Tally, at: Timestamp) {
        let mut sums = self.lock();
        for (backend, figures) in &tally.backends {
            sums.backends.entry(backend.clone()).or_default().add(figures, at);
        }
        for (failed, number) in &tally.app_errors {
            *sums.app_errors.entry(failed.clone()).or_default() += number;
        }
    }
}

impl Sum {
    fn add(&mut self, figures: &Figures, at: Timestamp) {
        for (event, number) in &figures.counts {
            *self.counts.entry(*event).or_default() += number;
        }
        for (timing, values) in &figures.timings {
            let (count, total) = self.times.entry(*timing).or_default();
            *count += values.len() as u64;
            *total = values.iter().fold(*total, |total, value| total.saturating_add(*value));
        }
        if figures.count(Event::Received) > 0 {
            self.last_received = Some(at);
        }
        if figures.count(Event::Sent) > 0 {
            self.last_sent = Some(at);
        }
        self.ages.extend(figures.oldest.map(|age| (at, age)));
        if let Some(waiting) = figures.waiting {
            self.waiting = waiting;
            self.overdue = figures.overdue.unwrap_or_default();
            if waiting == 0 {
                self.ages.clear();
            }
        }
        match figures.count(Event::Failed) {
            0 => {}
            number => self.failures.push_back((at, number)),
        }
        drop_before(&mut self.ages, at, AGES_KEPT);
        drop_before(&mut self.failures, at, RECENT);
    }

    /// Returns the largest age of a waiting message that was reported lately, in seconds.
    pub(crate) fn oldest(&self, now: Timestamp) -> u64 {
        let lately = self.ages.iter().filter(|(at, _)| now.duration_since(*at) <= AGES_KEPT);
        lately.map(|(_, age)| *age).max().unwrap_or_default()
    }

    /// Returns the number of messages that failed in the last hour.
    pub(crate) fn failed_lately(&self, now: Timestamp) -> u64 {
        let lately = self.failures.iter().filter(|(at, _)| now.duration_since(*at) <= RECENT);
        lately.map(|(_, number)| *number).sum()
    }
}

fn drop_before(entries: &mut VecDeque<(Timestamp, u64)>, now: Timestamp, kept: SignedDuration) {
    while entries.front().is_some_and(|(at, _)| now.duration_since(*at) > kept) {
        entries.pop_front();
    }
}
