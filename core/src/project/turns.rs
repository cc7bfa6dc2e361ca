//! Turns: within one process, the messages of one connection are processed one after the other.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::model::message::ConnectionId;
use crate::util::clock::Deadline;

/// The longest time that one message may keep the others waiting. After it, the next message is processed all the same:
/// the conditions of the commit keep it correct. So an app that hangs delays the other messages of its sender by no more
/// than this.
const LONGEST_HOLD: Duration = Duration::from_secs(2);

/// The number of connections from which on the unused turns are forgotten.
const MANY: usize = 1_024;

/// The turns of the connections at work. The messages that wait get their turns in the order in which they came.
///
/// Without turns, `n` messages of one sender at once read the same record, and all but one run their phases and their
/// commit again: about `n²` runs.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    known: Mutex<HashMap<ConnectionId, Weak<Turn>>>,
    /// Whether nobody waits, as if each message had a process of its own.
    #[cfg(feature = "testing")]
    off: bool,
}

#[derive(Debug, Default)]
struct Turn {
    lock: Arc<FairMutex<()>>,
    /// The number of messages that had this turn.
    ended: AtomicU64,
}

/// A turn. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    _guard: OwnedMutexGuard<()>,
    turn: Arc<Turn>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.turn.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Turns {
    /// Returns turns for which nobody waits: tests race as the processes of AWS Lambda do, which have one message each.
    #[cfg(feature = "testing")]
    pub(crate) fn off() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// Waits until no other message of the connection is at work in this process. Returns `None` when one message has
    /// held the turn for too long, or when the time is over.
    pub(crate) async fn take(&self, connection: &ConnectionId, deadline: Deadline) -> Option<Held> {
        #[cfg(feature = "testing")]
        if self.off {
            return None;
        }
        let turn = self.of(connection);
        let mut lock = pin!(Arc::clone(&turn.lock).lock_owned());
        loop {
            let ended = turn.ended.load(Ordering::SeqCst);
            let wait = LONGEST_HOLD.min(deadline.remaining());
            if let Ok(guard) = timeout(wait, lock.as_mut()).await {
                return Some(Held { _guard: guard, turn });
            }
            if turn.ended.load(Ordering::SeqCst) == ended || deadline.remaining().is_zero() {
                return None;
            }
        }
    }

    fn of(&self, connection: &ConnectionId) -> Arc<Turn> {
        let mut turns = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(connection).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() > MANY {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Turn::default());
        turns.insert(connection.clone(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    fn connection(number: usize) -> ConnectionId {
        ConnectionId::new("k".parse().unwrap(), number.to_string().parse().unwrap())
    }

    fn later() -> Deadline {
        Deadline::within(Duration::from_secs(600))
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_has_one_turn_and_others_have_theirs() {
        let turns = Turns::default();
        let first = turns.take(&connection(1), later()).await.unwrap();
        let _second = turns.take(&connection(2), later()).await.unwrap();
        let begun = Instant::now();
        assert!(turns.take(&connection(1), later()).await.is_none(), "one message holds it");
        assert_eq!(begun.elapsed(), LONGEST_HOLD);
        let soon = Deadline::within(Duration::from_millis(300));
        assert!(turns.take(&connection(1), soon).await.is_none(), "the time is over");
        assert_eq!(begun.elapsed(), LONGEST_HOLD + Duration::from_millis(300));
        drop(first);
        turns.take(&connection(1), later()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_behind_many_gets_a_turn_in_order() {
        let turns = Turns::default();
        let order = Mutex::new(Vec::new());
        let one = |number: usize| {
            let (turns, order) = (&turns, &order);
            async move {
                let held = turns.take(&connection(1), later()).await.unwrap();
                order.lock().unwrap().push(number);
                sleep(Duration::from_secs(1)).await;
                drop(held);
            }
        };
        futures_util::future::join_all((0..20).map(one)).await;
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn turns_that_nobody_uses_are_forgotten() {
        let turns = Turns::default();
        let kept = turns.take(&connection(0), later()).await;
        for number in 1..=3 * MANY {
            drop(turns.take(&connection(number), later()).await);
        }
        let known = turns.known.lock().unwrap();
        assert!(known.len() <= MANY + 1, "{}", known.len());
        assert!(known.contains_key(&connection(0)));
        drop(kept);
    }
}
