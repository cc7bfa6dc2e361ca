//! Calls for numbers that fail as planned.

use async_trait::async_trait;
use jiff::Timestamp;

use super::FaultyStore;
use crate::model::message::{BackendName, ConnectionId};
use crate::store::{Number, Numbers, Store, StoreError};

#[async_trait]
impl<S: Store> Numbers for FaultyStore<S> {
    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        self.faults.around(self.inner.note_number(connection, at)).await
    }

    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError> {
        self.faults.around(self.inner.numbers(backend, now, limit)).await
    }

    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        self.faults.around(self.inner.forget(connection)).await
    }
}
