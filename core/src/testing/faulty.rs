//! A store and a queue that fail on demand. A planned call fails with an error, or never answers, as if the process
//! died at this point.

mod broadcasts;
mod connections;
mod due;
mod guesses;
mod history;
mod jobs;
mod numbers;
mod outboxes;

use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::queue::{Queue, QueueError, Ticket};
use crate::store::{Store, StoreError};

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The call returns an error.
    Error,
    /// The call never answers.
    Silence,
}

/// The time of a failure within a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The call fails before it did anything.
    Before,
    /// The call fails after it did everything: only the answer is lost.
    After,
}

/// A plan of the calls that fail. Clones are the same plan.
#[derive(Clone, Default)]
pub struct Faults(Arc<Plan>);

#[derive(Default)]
struct Plan {
    calls: AtomicUsize,
    planned: Mutex<Vec<(usize, FaultKind, When)>>,
    met: AtomicUsize,
    queue_is_down: AtomicBool,
}

impl Faults {
    /// Plans that the `nth` call from now fails. 1 is the next call.
    pub fn plan(&self, nth: usize, fault: FaultKind, when: When) {
        let at = self.0.calls.load(Ordering::SeqCst) + nth;
        self.0.planned.lock().unwrap_or_else(PoisonError::into_inner).push((at, fault, when));
    }

    /// Removes all planned failures.
    pub fn clear(&self) {
        self.0.planned.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Sets whether every call that enqueues fails. Calls of the store go on.
    pub fn set_queue_down(&self, down: bool) {
        self.0.queue_is_down.store(down, Ordering::SeqCst);
    }

    fn ask_queue(&self) -> Result<(), QueueError> {
        if self.0.queue_is_down.load(Ordering::SeqCst) {
            return Err(QueueError::planned("the queue is down".to_owned()));
        }
        Ok(())
    }

    /// Returns how many calls were made.
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Returns how many calls failed as planned.
    pub fn met(&self) -> usize {
        self.0.met.load(Ordering::SeqCst)
    }

    async fn around<T, E: Planned>(&self, call: impl Future<Output = Result<T, E>> + Send) -> Result<T, E> {
        let number = self.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let planned = {
            let planned = self.0.planned.lock().unwrap_or_else(PoisonError::into_inner);
            planned.iter().find(|(at, ..)| *at == number).copied()
        };
        let Some((_, fault, when)) = planned else { return call.await };
        self.0.met.fetch_add(1, Ordering::SeqCst);
        if when == When::After {
            call.await?;
        }
        match fault {
            FaultKind::Error => Err(E::planned("a planned fault".to_owned())),
            FaultKind::Silence => pending().await,
        }
    }
}

/// An error type that a plan can produce.
trait Planned {
    fn planned(problem: String) -> Self;
}

impl Planned for StoreError {
    fn planned(problem: String) -> Self {
        Self::Unavailable(problem)
    }
}

impl Planned for QueueError {
    fn planned(problem: String) -> Self {
        Self::Unavailable(problem)
    }
}

/// A queue that fails as planned, and otherwise passes each call to the inner queue.
pub struct FaultyQueue<Q> {
    inner: Q,
    faults: Faults,
}

impl<Q: Queue> FaultyQueue<Q> {
    /// Puts the planned faults in front of a queue.
    pub fn new(inner: Q, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

#[async_trait]
impl<Q: Queue> Queue for FaultyQueue<Q> {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError> {
        self.faults.ask_queue()?;
        self.faults.around(self.inner.enqueue(ticket)).await
    }

    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError> {
        self.faults.ask_queue()?;
        self.faults.around(self.inner.enqueue_all(tickets)).await
    }

    async fn waiting(&self) -> Result<Option<usize>, QueueError> {
        self.faults.around(self.inner.waiting()).await
    }
}

/// A store that fails as planned, and otherwise passes each call to the inner store.
pub struct FaultyStore<S> {
    inner: S,
    faults: Faults,
}

impl<S: Store> FaultyStore<S> {
    /// Puts the planned faults in front of a store.
    pub fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }
}
