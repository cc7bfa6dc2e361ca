//! The recorder of a process. The work of an invocation feeds it, and the end of the invocation empties it.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::figures::{AppPhase, Event, Figures, Tally, Timing};
use crate::model::message::BackendName;

/// The name under which the figures of a backend stand that is not in the settings any more. So the number of names is
/// bounded by the settings.
pub const OTHER_BACKEND: &str = "other";

/// The figures of a process since they were last taken out.
///
/// A Lambda function handles one event at a time, so the figures that it takes out are those of one invocation. In the
/// local stack several invocations share a recorder; each figure is then taken out once, by the first that ends.
#[derive(Debug, Default)]
pub struct Recorder {
    known: BTreeSet<BackendName>,
    tally: Mutex<Tally>,
}

impl Recorder {
    /// Creates a recorder for the backends of these names.
    pub(crate) fn of(known: impl IntoIterator<Item = BackendName>) -> Self {
        Self { known: known.into_iter().collect(), tally: Mutex::default() }
    }

    /// Takes out everything that was recorded.
    pub fn take(&self) -> Tally {
        mem::take(&mut *self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with(&self, backend: &BackendName, change: impl FnOnce(&mut Figures)) {
        let name = if self.known.contains(backend) { backend.as_str() } else { OTHER_BACKEND };
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(figures) = tally.backends.get_mut(name) {
            change(figures);
        } else {
            change(tally.backends.entry(name.to_owned()).or_default());
        }
    }

    /// Counts events of one kind.
    pub(crate) fn count(&self, backend: &BackendName, event: Event, number: usize) {
        if number > 0 {
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            self.with(backend, |figures| *figures.counts.entry(event).or_default() += number);
        }
    }

    /// Records a duration.
    pub(crate) fn time(&self, backend: &BackendName, timing: Timing, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.with(backend, |figures| figures.timings.entry(timing).or_default().push(took));
    }

    /// Records the age of a message that waits.
    pub(crate) fn waits(&self, backend: &BackendName, seconds: i64) {
        let seconds = u64::try_from(seconds).unwrap_or_default();
        self.with(backend, |figures| figures.oldest = figures.oldest.max(Some(seconds)));
    }

    /// Records the result of a sweep: the number of conversations that wait, and the longest time since which one of them
    /// is due.
    pub(crate) fn swept(&self, backend: &BackendName, waiting: u64, overdue: i64) {
        let overdue = u64::try_from(overdue).unwrap_or_default();
        self.with(backend, |figures| {
            figures.waiting = Some(figures.waiting.unwrap_or_default().saturating_add(waiting));
            figures.overdue = figures.overdue.max(Some(overdue));
            figures.oldest = figures.oldest.max(Some(overdue));
        });
    }

    /// Counts a failure of an app.
    pub(crate) fn app_failed(&self, app: &str, phase: &'static str) {
        let failed = AppPhase { app: app.to_owned(), phase };
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        *tally.app_errors.entry(failed).or_default() += 1;
    }
}
