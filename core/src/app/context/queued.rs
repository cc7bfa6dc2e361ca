//! What a phase queues.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was queued so far. Shared by all copies of a context, so that what a phase queued before it failed is not
/// lost with it.
#[derive(Debug)]
pub(super) struct Queued<T>(Arc<Mutex<Vec<T>>>);

impl<T> Queued<T> {
    /// A panicking phase cannot leave the list half-changed: a `push` either happened or did not.
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
    /// The same, for this context alone.
    pub(super) fn apart(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }
}
