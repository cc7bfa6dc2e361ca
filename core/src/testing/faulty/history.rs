//! Calls for the history that fail as planned.

use async_trait::async_trait;
use jiff::Timestamp;

use super::FaultyStore;
use crate::model::message::{BackendName, ConnectionId, State};
use crate::store::{Advanced, History, HistoryRow, RowKey, StatusUpdate, Store, StoreError, Unusable};

#[async_trait]
impl<S: Store> History for FaultyStore<S> {
    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError> {
        self.faults.around(self.inner.record(row)).await
    }

    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError> {
        self.faults.around(self.inner.report(step, now)).await
    }

    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        self.faults.around(self.inner.history(connection, now, limit)).await
    }

    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError> {
        self.faults.around(self.inner.keep_unusable(unusable)).await
    }

    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError> {
        self.faults.around(self.inner.unusable(backend, now, limit)).await
    }

    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        self.faults.around(self.inner.history_from(connection, from, now, limit)).await
    }

    async fn rows(&self, wanted: &[RowKey]) -> Result<Vec<Option<HistoryRow>>, StoreError> {
        self.faults.around(self.inner.rows(wanted)).await
    }

    async fn states(&self, wanted: &[RowKey]) -> Result<Vec<Option<State>>, StoreError> {
        self.faults.around(self.inner.states(wanted)).await
    }
}
