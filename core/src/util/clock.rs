//! Where the time comes from, so that tests can set it, and how much of it is left.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, TimestampArithmetic};
use tokio::time::Instant;

/// A source of the present moment.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// When work must be finished or left to others, by a clock that nobody sets.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn within(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// The earlier of this one and so long from now.
    #[must_use]
    pub fn at_most(self, span: Duration) -> Self {
        Self(self.0.min(Instant::now() + span))
    }

    /// The same, so much earlier; now if that has passed.
    #[must_use]
    pub fn less(self, span: Duration) -> Self {
        Self::within(self.remaining().saturating_sub(span))
    }

    /// What is left, zero if it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Returns `span` after `at`; the end of time if that is later than time goes.
pub(crate) fn after(at: Timestamp, span: impl Into<TimestampArithmetic>) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// The most that a gateway's clock may be ahead of ours. A message cannot arrive in the future; two clocks can differ.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The longest that a gateway may keep a message before it brings it. A spool survives an outage over a long weekend.
const BEHIND: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Returns the time that a gateway gave, if its clock can be right: at most seven days ago, and at most five minutes
/// ahead of `now`. What depends on it (how long a row of history and a conversation last, in which order rows stand)
/// would otherwise follow a clock that nobody has set.
pub(crate) fn plausible(told: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let age = now.duration_since(told);
    (-AHEAD..=BEHIND).contains(&age).then_some(told)
}

/// Returns a time that a job carries, unless it is ahead of `now` by more than a clock can be: an earlier version of this
/// program believed every gateway. What is long ago stays, since a job may have waited among the dead letters.
pub(crate) fn not_ahead(told: Timestamp, now: Timestamp) -> Timestamp {
    if told > after(now, AHEAD) { now } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_believed_from_a_week_ago_to_five_minutes_ahead() {
        let now: Timestamp = "2026-11-24T11:25:33Z".parse().unwrap();
        let table = [
            ("2026-11-24T11:25:33Z", true),
            ("2026-11-24T11:30:33Z", true),
            ("2026-11-24T11:30:34Z", false),
            ("2036-11-24T11:25:33Z", false),
            ("9999-12-30T22:00:00Z", false),
            ("2026-11-17T11:25:33Z", true),
            ("2026-11-17T11:25:32Z", false),
            ("2026-10-24T11:25:33Z", false),
            ("1970-01-01T00:00:00Z", false),
            ("-009999-01-02T01:59:59Z", false),
        ];
        for (told, believed) in table {
            let told = told.parse().unwrap();
            assert_eq!(plausible(told, now), believed.then_some(told), "{told}");
        }
        assert_eq!(plausible(Timestamp::MIN, Timestamp::MAX), None);
        assert_eq!(plausible(Timestamp::MAX, Timestamp::MIN), None);
    }

    #[test]
    fn time_ends_and_does_not_overflow() {
        assert_eq!(after(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(after(Timestamp::UNIX_EPOCH, BEHIND), Timestamp::from_second(604_800).unwrap());
    }
}
