//! The scheduled jobs of a store that fails as planned.

use async_trait::async_trait;

use super::FaultyStore;
use crate::store::{JobRecord, Jobs, Store, StoreError};

#[async_trait]
impl<S: Store> Jobs for FaultyStore<S> {
    async fn job(&self, name: &str) -> Result<Option<JobRecord>, StoreError> {
        self.faults.around(self.inner.job(name)).await
    }

    async fn put_job(
        &self,
        name: &str,
        seen: Option<&JobRecord>,
        record: &JobRecord,
    ) -> Result<bool, StoreError> {
        self.faults.around(self.inner.put_job(name, seen, record)).await
    }
}
