//! Looking up contacts other than the one behind a message.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::contact::{Contact, ContactId};
use crate::model::message::ConnectionId;
use crate::store::{Store, StoreError};

/// Where apps look up contacts. Empty where there is no store, as with a router by hand.
#[derive(Clone, Default)]
pub struct Directory(Option<Lookups>);

#[derive(Clone)]
struct Lookups {
    store: Arc<dyn Store>,
    /// How many lookups have no answer: the store did not answer, or the phase was given up while it waited.
    unanswered: Arc<AtomicUsize>,
}

impl Directory {
    /// The contacts of a store. Clones count their lookups together.
    pub fn of(store: Arc<dyn Store>) -> Self {
        Self(Some(Lookups { store, unanswered: Arc::default() }))
    }

    pub(crate) async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        match &self.0 {
            Some(lookups) => lookups.count(lookups.store.contact(id)).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        match &self.0 {
            Some(lookups) => lookups.count(lookups.store.contact_of(connection)).await,
            None => Ok(None),
        }
    }

    /// Returns an error if a lookup had no answer. The phases then ran on less than there is to know, and must run
    /// again: an app that fails for want of an answer would lose the effect of its message.
    pub(crate) fn all_answered(&self) -> Result<(), StoreError> {
        let unanswered = self.0.as_ref().map_or(0, |lookups| lookups.unanswered.load(Ordering::SeqCst));
        if unanswered == 0 {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!("{unanswered} lookups of contacts had no answer")))
    }
}

impl Lookups {
    async fn count<T>(&self, lookup: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        let found = lookup.await;
        if !matches!(found, Err(StoreError::Unavailable(_))) {
            self.unanswered.fetch_sub(1, Ordering::SeqCst);
        }
        found
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Directory" } else { "Directory (empty)" })
    }
}
