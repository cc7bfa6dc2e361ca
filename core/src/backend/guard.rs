//! A circuit breaker for each gateway: a gateway that does not answer gets no message for a while, so that it does not
//! hold up the messages of other gateways.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::util::clock::after;

/// The circuit breaker of one gateway: the state of the gateway as this process has seen it.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The number of failures in a row that count.
    failures: u32,
    /// The end of the pause, or `None` if the circuit breaker is closed. During the pause the gateway gets no message.
    open_until: Option<Timestamp>,
    /// The attempts that wait for an answer, each with its start time.
    waiting: BTreeMap<u64, Instant>,
    next: u64,
}

/// The permission to send to a gateway now, or the time of the next attempt.
#[derive(Debug)]
pub(crate) enum Permit<'a> {
    /// The caller may send now, and must then report the result to the attempt.
    Try(Attempt<'a>),
    /// The caller must wait until this time.
    Wait(Timestamp),
}

/// One attempt that is running.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    breaker: &'a CircuitBreaker,
    number: u64,
}

impl CircuitBreaker {
    /// The number of attempts without an answer that opens the circuit breaker, one after another or at the same time.
    const LIMIT: u32 = 3;
    /// The time after which an attempt counts as one without an answer, whether it still waits or has failed.
    const HANG: Duration = Duration::from_secs(2);
    const FIRST_PAUSE: Duration = Duration::from_secs(10);
    const LONGEST_PAUSE: Duration = Duration::from_secs(60);

    /// Asks whether the gateway may be tried. After a pause, one caller gets through to test the gateway; the other
    /// callers wait for the result of this test.
    pub(crate) fn permit(&self, now: Timestamp, probe_takes: Duration) -> Permit<'_> {
        let mut seen = self.lock();
        let hanging = seen.waiting.values().filter(|begun| begun.elapsed() >= Self::HANG).count();
        match seen.open_until {
            Some(until) if until > now => return Permit::Wait(until),
            Some(_) => seen.open_until = Some(after(now, probe_takes)),
            None if hanging >= Self::LIMIT as usize => return Permit::Wait(after(now, Self::FIRST_PAUSE)),
            None => {}
        }
        let number = seen.next;
        seen.next += 1;
        seen.waiting.insert(number, Instant::now());
        Permit::Try(Attempt { breaker: self, number })
    }

    /// Returns whether the gateway gets no message now.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.lock().open_until.is_some_and(|until| until > now)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Records that the gateway accepted or refused the message. This closes the circuit breaker.
    pub(crate) fn answered(self) {
        let mut seen = self.breaker.lock();
        (seen.failures, seen.open_until) = (0, None);
    }

    /// Records that the gateway neither accepted nor refused the message.
    ///
    /// If the attempt took less than [`CircuitBreaker::HANG`], the gateway failed at once, and such a failure delays no
    /// other message. So the circuit breaker closes and forgets all earlier failures, as if the gateway had answered.
    /// Otherwise the failure counts. From the third failure in a row, each failure opens the circuit breaker: for 10 s,
    /// then for 20 s, 40 s, and at most 60 s.
    pub(crate) fn failed(self, now: Timestamp) {
        let mut seen = self.breaker.lock();
        if seen.waiting.get(&self.number).is_none_or(|begun| begun.elapsed() < CircuitBreaker::HANG) {
            (seen.failures, seen.open_until) = (0, None);
            return;
        }
        seen.failures = seen.failures.saturating_add(1);
        if let Some(beyond) = seen.failures.checked_sub(CircuitBreaker::LIMIT) {
            let pause = CircuitBreaker::FIRST_PAUSE
                .saturating_mul(1 << beyond.min(8))
                .min(CircuitBreaker::LONGEST_PAUSE);
            seen.open_until = Some(after(now, pause));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.breaker.lock().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Duration = Duration::from_secs(15);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// Returns the time until which the gateway may not be tried; `None` if it may be tried now.
    fn wait(permit: &Permit<'_>) -> Option<Timestamp> {
        match permit {
            Permit::Try(_) => None,
            Permit::Wait(until) => Some(*until),
        }
    }

    async fn hang(breaker: &CircuitBreaker, now: i64) {
        let Permit::Try(attempt) = breaker.permit(at(now), PROBE) else { panic!("not permitted at {now}") };
        tokio::time::sleep(CircuitBreaker::HANG).await;
        attempt.failed(at(now));
    }

    #[tokio::test(start_paused = true)]
    async fn three_failures_pause_a_gateway_and_one_probe_ends_the_pause() {
        let breaker = CircuitBreaker::default();
        hang(&breaker, 0).await;
        hang(&breaker, 1).await;
        hang(&breaker, 2).await;
        assert_eq!(wait(&breaker.permit(at(3), PROBE)), Some(at(12)));
        let Permit::Try(probe) = breaker.permit(at(12), PROBE) else { panic!("the probe") };
        assert_eq!(wait(&breaker.permit(at(12), PROBE)), Some(at(27)), "the others");
        tokio::time::sleep(CircuitBreaker::HANG).await;
        probe.failed(at(13));
        assert_eq!(wait(&breaker.permit(at(14), PROBE)), Some(at(33)), "a longer pause");
        let Permit::Try(probe) = breaker.permit(at(34), PROBE) else { panic!("the second probe") };
        probe.answered();
        assert_eq!(wait(&breaker.permit(at(34), PROBE)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn three_that_hang_at_once_are_enough() {
        let breaker = CircuitBreaker::default();
        let hanging: Vec<_> = (0..3).map(|_| breaker.permit(at(0), PROBE)).collect();
        assert_eq!(wait(&breaker.permit(at(0), PROBE)), None, "nobody knows yet");
        tokio::time::sleep(CircuitBreaker::HANG).await;
        assert_eq!(wait(&breaker.permit(at(2), PROBE)), Some(at(12)));
        drop(hanging);
        assert_eq!(wait(&breaker.permit(at(2), PROBE)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_at_once_is_not_left_alone() {
        let breaker = CircuitBreaker::default();
        for now in 0..10 {
            let Permit::Try(attempt) = breaker.permit(at(now), PROBE) else { panic!("not permitted") };
            attempt.failed(at(now));
        }
    }
}
