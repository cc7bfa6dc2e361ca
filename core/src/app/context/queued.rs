//! Replies and sends that a phase queues.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A list of everything that was queued so far. All copies of a context share it, so that an entry that a phase queued
/// before it failed is not lost with the phase.
#[derive(Debug)]
pub(super) struct Queued<T>(Arc<Mutex<Vec<T>>>);

impl<T> Queued<T> {
    /// Locks the list. A phase that panics cannot leave the list half changed: a `push` either happened or did not.
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Queued<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Queued<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone> Queued<T> {
    /// Returns a copy that belongs to this context alone.
    pub(super) fn apart(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }
}
