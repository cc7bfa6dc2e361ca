//! Calls for connections that fail as planned.

use async_trait::async_trait;
use jiff::Timestamp;

use super::FaultyStore;
use crate::model::contact::{Contact, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::store::{Commit, Committed, Connections, Loaded, Record, Store, StoreError};

#[async_trait]
impl<S: Store> Connections for FaultyStore<S> {
    async fn open_backend(&self, backend: &BackendName, now: Timestamp) -> Result<(), StoreError> {
        self.faults.around(self.inner.open_backend(backend, now)).await
    }

    async fn load(
        &self,
        connection: &ConnectionId,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<Loaded, StoreError> {
        self.faults.around(self.inner.load(connection, message, now)).await
    }

    async fn records(&self, connections: &[ConnectionId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.faults.around(self.inner.records(connections)).await
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError> {
        self.faults.around(self.inner.commit(commit)).await
    }

    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.faults.around(self.inner.contact(id)).await
    }

    async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        self.faults.around(self.inner.contact_of(connection)).await
    }
}
