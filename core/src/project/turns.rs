//! Turns: within one process, the messages of one connection are processed one after the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::timeout;

use crate::model::message::ConnectionId;

/// The longest wait for a turn. A message that waited longer is processed all the same: the conditions of its commit keep
/// it correct, and an app that hangs holds up the other messages of its sender for no longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Turns that nobody uses are forgotten once there are more than this.
const MANY: usize = 1_024;

/// The turns of the connections at work. The waiting ones get them in the order in which they came.
///
/// Without turns, `n` messages of one sender at once would read the same record, and all but one would run their phases
/// and their commit again: about `n²` runs.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<ConnectionId, Weak<Turn<()>>>>);

impl Turns {
    /// Waits until no other message of the connection is at work in this process. Returns the turn, which ends when it is
    /// dropped; `None` after the longest wait.
    pub(crate) async fn take(&self, connection: &ConnectionId) -> Option<OwnedMutexGuard<()>> {
        timeout(LONGEST_WAIT, self.of(connection).lock_owned()).await.ok()
    }

    fn of(&self, connection: &ConnectionId) -> Arc<Turn<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(connection).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() > MANY {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Turn::new(()));
        turns.insert(connection.clone(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn connection(number: usize) -> ConnectionId {
        ConnectionId::new("k".parse().unwrap(), number.to_string().parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_has_one_turn_and_others_have_theirs() {
        let turns = Turns::default();
        let first = turns.take(&connection(1)).await.unwrap();
        assert!(turns.take(&connection(2)).await.is_some());
        let begun = Instant::now();
        assert!(turns.take(&connection(1)).await.is_none(), "it is taken");
        assert_eq!(begun.elapsed(), LONGEST_WAIT);
        drop(first);
        assert!(turns.take(&connection(1)).await.is_some());
    }

    #[tokio::test]
    async fn turns_that_nobody_uses_are_forgotten() {
        let turns = Turns::default();
        let kept = turns.take(&connection(0)).await;
        for number in 1..=3 * MANY {
            drop(turns.take(&connection(number)).await);
        }
        let known = turns.0.lock().unwrap();
        assert!(known.len() <= MANY + 1, "{}", known.len());
        assert!(known.contains_key(&connection(0)));
        drop(kept);
    }
}
