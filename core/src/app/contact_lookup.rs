//! Lookups of contacts other than the one behind the current message.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::contact::{Contact, ContactId};
use crate::model::message::ConnectionId;
use crate::store::{Store, StoreError};

/// The place where apps look up contacts. It is empty if there is no store, as in a test that runs a `Router` directly.
#[derive(Clone, Default)]
pub struct Directory(Option<Lookups>);

#[derive(Clone)]
struct Lookups {
    store: Arc<dyn Store>,
    /// The number of lookups without an answer: the store did not answer, or the phase was given up while it waited.
    unanswered: Arc<AtomicUsize>,
}

impl Directory {
    /// Returns the directory of a store. All clones share one count of lookups.
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

    /// Returns an error if a lookup had no answer. In that case the phases ran with incomplete data and must run again.
    /// Otherwise the message would lose its effect, because an app got no answer to a lookup and failed.
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
