//! Where the time comes from, so that tests can set it, and how much of it is left.

use std::time::Duration;

use jiff::Timestamp;
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

/// `span` after `at`; the end of time if that is later than time goes.
pub(crate) fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
