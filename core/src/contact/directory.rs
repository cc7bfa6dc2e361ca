//! Looking up contacts other than the one behind a message.

use std::fmt;
use std::sync::Arc;

use super::{Contact, ContactId};
use crate::message::ConnectionId;
use crate::store::{Store, StoreError};

/// Where apps look up contacts. Empty where there is no store, as with a router by hand.
#[derive(Clone, Default)]
pub struct Directory(Option<Arc<dyn Store>>);

impl Directory {
    /// The contacts of a store.
    pub fn of(store: Arc<dyn Store>) -> Self {
        Self(Some(store))
    }

    pub(crate) async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        match &self.0 {
            Some(store) => store.contact(id).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        match &self.0 {
            Some(store) => store.contact_of(connection).await,
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Directory" } else { "Directory (empty)" })
    }
}
