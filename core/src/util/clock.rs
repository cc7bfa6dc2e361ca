//! The source of the time, which tests can set, and the time that is left until a deadline.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, TimestampArithmetic};
use tokio::time::Instant;

/// A source of the present time.
pub trait Clock: Send + Sync {
    /// Returns the present time, in UTC.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The time by which work must be finished or left to others. It uses a monotonic clock, which nobody can set.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// Creates a deadline this far in the future.
    pub fn within(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// Returns the earlier of this deadline and one that is `span` from now.
    #[must_use]
    pub fn at_most(self, span: Duration) -> Self {
        Self(self.0.min(Instant::now() + span))
    }

    /// Returns a deadline that is earlier by `span`, or the present time if that has passed.
    #[must_use]
    pub fn less(self, span: Duration) -> Self {
        Self::within(self.remaining().saturating_sub(span))
    }

    /// Returns the time that is left; zero if the deadline has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Returns the time that is `span` after `at`, or the latest possible time if the result would be later than that.
pub(crate) fn after(at: Timestamp, span: impl Into<TimestampArithmetic>) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// The most that a gateway's clock may be ahead of ours. A message cannot come from the future, but two clocks can
/// differ.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The longest time that a gateway may keep a message before delivery. Seven days are enough for an outage over a long
/// weekend.
const BEHIND: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Returns the time that a gateway gave, if its clock can be right: at most seven days ago, and at most five minutes
/// ahead of `now`. The life of history rows and conversations depends on this time, and so does the order of the rows.
/// They should not depend on a clock that nobody has set.
pub(crate) fn plausible(told: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let age = now.duration_since(told);
    (-AHEAD..=BEHIND).contains(&age).then_some(told)
}

/// Returns the time that a job carries, or `now` if that time is further ahead than a clock can be. An earlier version
/// of this program accepted the time of every gateway. A time long ago stays, because a job may have waited among the
/// dead letters.
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
