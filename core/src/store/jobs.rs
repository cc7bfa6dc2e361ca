//! The port to the storage of scheduled jobs.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::broadcast_key::BroadcastKey;

/// The stored record of a scheduled job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// The number of times that the record was written; 0 for a job that is not stored yet.
    pub version: u64,
    /// The last due time for which the job was put on the queue.
    pub started: Timestamp,
    /// The last due time for which the job has run.
    pub done: Option<Timestamp>,
    /// The state that the job keeps between its runs, as JSON.
    pub state: Option<String>,
    /// The broadcasts of the job's last run that are stored and may not be due yet. The write that stores the run's new
    /// state also stores this list. It is empty once all of them are due.
    pub outgoing: Vec<BroadcastKey>,
}

impl JobRecord {
    /// Returns the record of a job that is started for the first time.
    pub fn new(started: Timestamp) -> Self {
        Self { version: 0, started, done: None, state: None, outgoing: Vec::new() }
    }
}

/// The port to the storage of [scheduled jobs](crate::Schedule).
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Reads a job.
    async fn job(&self, name: &str) -> Result<Option<JobRecord>, StoreError>;

    /// Writes a job with the version after that of `seen`, if the stored job is still as `seen`. Returns `false` if it
    /// is not.
    async fn put_job(
        &self,
        name: &str,
        seen: Option<&JobRecord>,
        record: &JobRecord,
    ) -> Result<bool, StoreError>;
}
