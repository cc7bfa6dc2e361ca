//! Keeps a gateway that does not answer from holding up the messages of others: it is left alone for a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::util::clock::after;

/// The state of one gateway as this process has seen it.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    failures: u32,
    closed_until: Option<Timestamp>,
    /// The attempts that wait for an answer, with when they began.
    waiting: BTreeMap<u64, Instant>,
    next: u64,
}

/// Whether a gateway may be tried.
#[derive(Debug)]
pub(crate) enum Permit<'a> {
    /// Go ahead, and say what came of it.
    Try(Attempt<'a>),
    /// Not before then.
    Wait(Timestamp),
}

/// One attempt at work.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    guard: &'a CircuitBreaker,
    number: u64,
}

impl CircuitBreaker {
    /// So many attempts without an answer, in a row or at once, leave the gateway alone.
    const LIMIT: u32 = 3;
    /// An attempt that waits for so long, or has failed after so long, is one without an answer.
    const HANG: Duration = Duration::from_secs(2);
    const FIRST_PAUSE: Duration = Duration::from_secs(10);
    const LONGEST_PAUSE: Duration = Duration::from_secs(60);

    /// Asks whether the gateway may be tried. When a pause is over one caller gets through, and the others wait
    /// for what comes of it.
    pub(crate) fn permit(&self, now: Timestamp, probe_takes: Duration) -> Permit<'_> {
        let mut seen = self.lock();
        let hanging = seen.waiting.values().filter(|begun| begun.elapsed() >= Self::HANG).count();
        match seen.closed_until {
            Some(until) if until > now => return Permit::Wait(until),
            Some(_) => seen.closed_until = Some(after(now, probe_takes)),
            None if hanging >= Self::LIMIT as usize => return Permit::Wait(after(now, Self::FIRST_PAUSE)),
            None => {}
        }
        let number = seen.next;
        seen.next += 1;
        seen.waiting.insert(number, Instant::now());
        Permit::Try(Attempt { guard: self, number })
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The gateway took the message, or refused it.
    pub(crate) fn answered(self) {
        let mut seen = self.guard.lock();
        (seen.failures, seen.closed_until) = (0, None);
    }

    /// It did neither. That counts only if it took its time: who says at once that he cannot holds up nobody.
    pub(crate) fn failed(self, now: Timestamp) {
        let mut seen = self.guard.lock();
        if seen.waiting.get(&self.number).is_none_or(|begun| begun.elapsed() < CircuitBreaker::HANG) {
            (seen.failures, seen.closed_until) = (0, None);
            return;
        }
        seen.failures = seen.failures.saturating_add(1);
        if let Some(beyond) = seen.failures.checked_sub(CircuitBreaker::LIMIT) {
            let pause = CircuitBreaker::FIRST_PAUSE
                .saturating_mul(1 << beyond.min(8))
                .min(CircuitBreaker::LONGEST_PAUSE);
            seen.closed_until = Some(after(now, pause));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.guard.lock().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Duration = Duration::from_secs(15);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// When the gateway may be tried: `None` for now.
    fn wait(permit: &Permit<'_>) -> Option<Timestamp> {
        match permit {
            Permit::Try(_) => None,
            Permit::Wait(until) => Some(*until),
        }
    }

    async fn hang(guard: &CircuitBreaker, now: i64) {
        let Permit::Try(attempt) = guard.permit(at(now), PROBE) else { panic!("not permitted at {now}") };
        tokio::time::sleep(CircuitBreaker::HANG).await;
        attempt.failed(at(now));
    }

    #[tokio::test(start_paused = true)]
    async fn three_failures_pause_a_gateway_and_one_probe_ends_the_pause() {
        let guard = CircuitBreaker::default();
        hang(&guard, 0).await;
        hang(&guard, 1).await;
        hang(&guard, 2).await;
        assert_eq!(wait(&guard.permit(at(3), PROBE)), Some(at(12)));
        let Permit::Try(probe) = guard.permit(at(12), PROBE) else { panic!("the probe") };
        assert_eq!(wait(&guard.permit(at(12), PROBE)), Some(at(27)), "the others");
        tokio::time::sleep(CircuitBreaker::HANG).await;
        probe.failed(at(13));
        assert_eq!(wait(&guard.permit(at(14), PROBE)), Some(at(33)), "a longer pause");
        let Permit::Try(probe) = guard.permit(at(34), PROBE) else { panic!("the second probe") };
        probe.answered();
        assert_eq!(wait(&guard.permit(at(34), PROBE)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn three_that_hang_at_once_are_enough() {
        let guard = CircuitBreaker::default();
        let hanging: Vec<_> = (0..3).map(|_| guard.permit(at(0), PROBE)).collect();
        assert_eq!(wait(&guard.permit(at(0), PROBE)), None, "nobody knows yet");
        tokio::time::sleep(CircuitBreaker::HANG).await;
        assert_eq!(wait(&guard.permit(at(2), PROBE)), Some(at(12)));
        drop(hanging);
        assert_eq!(wait(&guard.permit(at(2), PROBE)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_at_once_is_not_left_alone() {
        let guard = CircuitBreaker::default();
        for now in 0..10 {
            let Permit::Try(attempt) = guard.permit(at(now), PROBE) else { panic!("not permitted") };
            attempt.failed(at(now));
        }
    }
}
