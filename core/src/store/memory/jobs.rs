//! Scheduled jobs in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::planted::{self, Plant};
use crate::store::{JobRecord, Jobs, StoreError};

#[async_trait]
impl Jobs for MemoryStore {
    async fn job(&self, name: &str) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.lock().jobs.get(name).cloned())
    }

    async fn put_job(
        &self,
        name: &str,
        seen: Option<&JobRecord>,
        record: &JobRecord,
    ) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let version = |record: Option<&JobRecord>| record.map_or(0, |record| record.version);
        if version(tables.jobs.get(name)) != version(seen) && !planted::is(Plant::JobUnchecked) {
            return Ok(false);
        }
        let record = JobRecord { version: version(seen) + 1, ..record.clone() };
        tables.jobs.insert(name.to_owned(), record);
        Ok(true)
    }
}
