//! The time budget of one input (a message, a notice or a report), and how its phases share the time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::{COMMIT_TIME, LEFT_BEHIND};
use crate::util::clock::Deadline;

/// If the phases begin later than this after the start of their input, they begin late.
const LATE: Duration = Duration::from_secs(1);

/// The shortest time for a call. A call with less time does not begin.
const SHORTEST_CALL: Duration = Duration::from_millis(10);

/// The shortest time for the phases of an input. With less time they do not begin.
const SHORTEST_RUN: Duration = Duration::from_millis(100);

/// The time budget of one input. All clones are the same budget.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    /// The time by which all work on the input must be done or left to another invocation.
    pub(crate) deadline: Deadline,
    phases: Deadline,
    /// The time that the phases had when the work on the input began.
    whole: Duration,
    /// Whether a call was cut short, or did not begin, because little time was left.
    cut_short: Arc<AtomicBool>,
    strikes: Strikes,
}

/// The number of times that each app ran into its limit. The key is the app's place in the order of installation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strikes(Arc<Mutex<BTreeMap<usize, u32>>>);

impl Budget {
    /// Creates a budget of all the time until a deadline.
    pub(crate) fn until(deadline: Deadline) -> Self {
        Self::of(deadline, phases_end(deadline), Strikes::default())
    }

    fn of(deadline: Deadline, phases: Deadline, strikes: Strikes) -> Self {
        Self { deadline, phases, whole: phases.remaining(), cut_short: Arc::default(), strikes }
    }

    /// Begins a run of the phases. Returns whether the run begins late. The cause is then a slow store, lost write
    /// races, or another message of the same sender in this process, never an app of this input.
    pub(crate) fn begin_run(&self) -> bool {
        self.cut_short.store(false, Ordering::SeqCst);
        self.whole.saturating_sub(self.phases.remaining()) > LATE
    }

    /// Returns whether an app of this run had less time than a phase may take, and needed more.
    pub(crate) fn was_cut_short(&self) -> bool {
        self.cut_short.load(Ordering::SeqCst)
    }

    /// Records that an app had less time than a phase may take, and needed more.
    pub(crate) fn cut_short(&self) {
        self.cut_short.store(true, Ordering::SeqCst);
    }

    /// Returns whether the remaining time is too short to begin the phases.
    pub(crate) fn is_spent(&self) -> bool {
        self.phases.remaining() < SHORTEST_RUN
    }

    /// Returns the time that the call of the app at place `at` may take. `behind` are the places of the apps that are
    /// still to come in this phase. Returns `None` if no time is left for the call.
    ///
    /// While there is enough time, a call may take as long as a phase may. When time grows short, the call shares it
    /// with the apps behind. An app that has run into its limit before gets only a little of it.
    pub(crate) fn share(
        &self,
        longest: Duration,
        at: usize,
        behind: impl Iterator<Item = usize>,
    ) -> Option<Duration> {
        let left = self.phases.remaining();
        let strikes = self.strikes.lock();
        let share = match strikes.get(&at) {
            None if left >= 2 * LEFT_BEHIND => left.saturating_sub(LEFT_BEHIND),
            None => {
                let behind = behind.filter(|at| !strikes.contains_key(at)).count();
                left / (2 + u32::try_from(behind).unwrap_or(u32::MAX - 2))
            }
            Some(count) => left / (2 << (2 * count.min(&12))),
        };
        let limit = longest.min(share);
        (limit >= SHORTEST_CALL).then_some(limit)
    }

    /// Counts that the app at this place ran into its limit.
    pub(crate) fn strike(&self, at: usize) {
        *self.strikes.lock().entry(at).or_default() += 1;
    }
}

/// The time that the responder has for the inputs of one message group, which it processes one after the other.
#[derive(Debug)]
pub(crate) struct Shift {
    deadline: Deadline,
    longest_phase: Duration,
    /// The time below which no further input begins. With less time its apps might not get the full time of a phase.
    enough: Duration,
    strikes: Strikes,
    is_first: bool,
}

impl Shift {
    pub(crate) fn until(deadline: Deadline, longest_phase: Duration) -> Self {
        let most = phases_end(deadline).remaining() / 4 * 3;
        let enough = most.min(longest_phase + LEFT_BEHIND);
        Self { deadline, longest_phase, enough, strikes: Strikes::default(), is_first: true }
    }

    /// Returns the budget of the next input; `behind` is the number of inputs after it. Returns `None` if another
    /// invocation should process the input, because too little time is left here.
    ///
    /// If the apps of one input hang, each input after it still has one second, and together they also have the time of
    /// one whole phase.
    pub(crate) fn next(&mut self, behind: usize) -> Option<Budget> {
        let end = phases_end(self.deadline);
        if !std::mem::take(&mut self.is_first) && end.remaining() < self.enough {
            return None;
        }
        self.strikes.forgive();
        let whole = self.longest_phase + LEFT_BEHIND;
        let others = Duration::from_secs(u64::try_from(behind).unwrap_or(u64::MAX));
        let kept = if behind == 0 { Duration::ZERO } else { whole.saturating_add(others) };
        let own = end.remaining().saturating_sub(kept).max(whole);
        Some(Budget::of(self.deadline, end.at_most(own), self.strikes.clone()))
    }
}

impl Strikes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reduces the strikes of each app to one, because the app may be able to handle the next message.
    fn forgive(&self) {
        self.lock().values_mut().for_each(|count| *count = 1);
    }
}

/// Returns the time by which the phases must end. If there is little time, the phases get half of it.
fn phases_end(deadline: Deadline) -> Deadline {
    let left = deadline.remaining();
    Deadline::within(left.saturating_sub(COMMIT_TIME).max(left / 2))
}

#[cfg(test)]
mod tests {
    use std::iter::empty;

    use super::*;
    use crate::limits::LONGEST_PHASE;

    const SECOND: Duration = Duration::from_secs(1);
    const FIVE: Duration = Duration::from_secs(5);

    /// Returns a budget with this number of seconds for the phases.
    fn of(seconds: u32) -> Budget {
        Budget::until(Deadline::within(SECOND * seconds + COMMIT_TIME))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_has_its_whole_limit_until_time_grows_short() {
        for (left, behind, share) in
            [(22, 0, 5_000), (22, 9, 5_000), (9, 9, 5_000), (8, 9, 4_000), (7, 0, 3_500), (7, 5, 1_000)]
        {
            let limit = of(left).share(FIVE, 9, 0..behind).unwrap();
            assert_eq!(limit.as_millis(), share, "{left} {behind}");
        }
        assert_eq!(of(22).share(LONGEST_PHASE, 0, 1..9), Some(LONGEST_PHASE));
        assert_eq!(Budget::until(Deadline::within(Duration::ZERO)).share(FIVE, 0, empty()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_knows_whether_it_began_late_and_whether_an_app_was_cut_short() {
        let budget = of(22);
        assert!(!budget.begin_run() && !budget.was_cut_short());
        budget.clone().cut_short();
        assert!(budget.was_cut_short());
        tokio::time::advance(SECOND).await;
        assert!(!budget.begin_run() && !budget.was_cut_short(), "in time still, and a run of its own");
        tokio::time::advance(SECOND).await;
        assert!(budget.begin_run());
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_that_ran_into_its_limit_gets_little_and_takes_nothing_from_others() {
        let budget = of(16);
        let share = |at| budget.share(FIVE, at, empty()).map(|limit| limit.as_millis());
        let shares: Vec<_> = (0..6)
            .map(|_| {
                let given = share(0);
                budget.strike(0);
                given
            })
            .collect();
        assert_eq!(shares, [Some(5_000), Some(2_000), Some(500), Some(125), Some(31), None]);
        assert_eq!(share(1), Some(5_000));
        // The apps behind that have run into their limit before do not count.
        let short = of(6);
        (1..4).for_each(|at| short.strike(at));
        assert_eq!(short.share(FIVE, 0, 1..4), Some(3 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn an_occasion_leaves_time_to_those_behind_it() {
        let phases = |behind| {
            let mut shift = Shift::until(Deadline::within(SECOND * 27), FIVE);
            shift.next(behind).unwrap().phases.remaining().as_secs()
        };
        assert_eq!([0, 1, 3, 9].map(phases), [22, 12, 10, 9]);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_begun_that_would_be_cut_short() {
        for (longest, spent, begun) in [(5, 12, true), (5, 14, false), (18, 5, true), (18, 6, false)] {
            let mut shift = Shift::until(Deadline::within(SECOND * 27), SECOND * longest);
            assert!(shift.next(2).is_some());
            tokio::time::advance(SECOND * spent).await;
            assert_eq!(shift.next(1).is_some(), begun, "{longest} {spent}");
        }
        let mut shift = Shift::until(Deadline::within(SECOND * 2), FIVE);
        assert!(shift.next(9).is_some(), "one is begun always");
    }
}
