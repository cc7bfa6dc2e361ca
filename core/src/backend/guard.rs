//! Keeps a gateway that does not answer from holding up the messages of others: after some failures in a row it
//! is left alone for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::after;

/// The state of one gateway as this process has seen it.
#[derive(Debug, Default)]
pub(crate) struct Guard(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    failures: u32,
    closed_until: Option<Timestamp>,
}

/// Whether a gateway may be tried.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Go ahead.
    Try,
    /// Not before then.
    Wait(Timestamp),
}

impl Guard {
    /// So many failures in a row leave the gateway alone.
    const LIMIT: u32 = 3;
    const FIRST_PAUSE: Duration = Duration::from_secs(10);
    const LONGEST_PAUSE: Duration = Duration::from_secs(60);

    /// Asks whether the gateway may be tried. When a pause is over one caller gets through, and the others wait
    /// for what comes of it.
    pub(crate) fn permit(&self, now: Timestamp, probe_takes: Duration) -> Permit {
        let mut seen = self.lock();
        match seen.closed_until {
            Some(until) if until > now => Permit::Wait(until),
            Some(_) => {
                seen.closed_until = Some(after(now, probe_takes));
                Permit::Try
            }
            None => Permit::Try,
        }
    }

    /// The gateway answered, whatever it said.
    pub(crate) fn answered(&self) {
        *self.lock() = Seen::default();
    }

    /// The gateway did not answer.
    pub(crate) fn failed(&self, now: Timestamp) {
        let mut seen = self.lock();
        seen.failures = seen.failures.saturating_add(1);
        if let Some(beyond) = seen.failures.checked_sub(Self::LIMIT) {
            let pause = Self::FIRST_PAUSE.saturating_mul(1 << beyond.min(8)).min(Self::LONGEST_PAUSE);
            seen.closed_until = Some(after(now, pause));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_pause_a_gateway_and_one_probe_ends_the_pause() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let probe = Duration::from_secs(15);
        let guard = Guard::default();
        guard.failed(at(0));
        guard.failed(at(1));
        assert_eq!(guard.permit(at(2), probe), Permit::Try);
        guard.failed(at(2));
        assert_eq!(guard.permit(at(3), probe), Permit::Wait(at(12)));
        assert_eq!(guard.permit(at(12), probe), Permit::Try, "the probe");
        assert_eq!(guard.permit(at(12), probe), Permit::Wait(at(27)), "the others");
        guard.failed(at(13));
        assert_eq!(guard.permit(at(14), probe), Permit::Wait(at(33)), "a longer pause");
        guard.answered();
        assert_eq!(guard.permit(at(34), probe), Permit::Try);
    }
}
