//! A queue in memory, for unit tests and transcripts.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Queue, QueueError, Ticket};
use crate::util::clock::Clock;

/// A [`Queue`] from which a test takes the jobs by hand with [`MemoryQueue::take`].
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Ticket>,
    /// The groups and deduplication ids of the last five minutes.
    seen: HashSet<(String, String)>,
    /// The same pairs with their times, the oldest first.
    order: VecDeque<(Timestamp, (String, String))>,
}

impl MemoryQueue {
    /// The time for which a deduplication id is known, as in SQS.
    const DEDUPE: SignedDuration = SignedDuration::from_mins(5);

    /// Makes an empty queue.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, jobs: Mutex::default() }
    }

    /// Takes the first job off the queue, for good.
    pub fn take(&self) -> Option<Ticket> {
        self.lock().waiting.pop_front()
    }

    /// Returns the number of jobs on the queue.
    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Puts a job that was taken but is not done at the front of the queue.
    pub fn put_back(&self, ticket: Ticket) {
        self.lock().waiting.push_front(ticket);
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut jobs = self.lock();
        while let Some((_, old)) = jobs.order.pop_front_if(|(at, _)| *at + Self::DEDUPE <= now) {
            jobs.seen.remove(&old);
        }
        let key = (ticket.group.clone(), ticket.dedupe_id.clone());
        if jobs.seen.insert(key.clone()) {
            jobs.order.push_back((now, key));
            jobs.waiting.push_back(ticket);
        }
        Ok(())
    }

    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError> {
        for ticket in tickets {
            self.enqueue(ticket).await?;
        }
        Ok(())
    }
}
