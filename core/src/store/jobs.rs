//! Where scheduled jobs are kept: the port.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::broadcast_key::BroadcastKey;

/// What is kept of a scheduled job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// How often it was written; 0 for one that is not stored yet.
    pub version: u64,
    /// The last due time for which it was put on the queue.
    pub started: Timestamp,
    /// The last due time for which it has run.
    pub done: Option<Timestamp>,
    /// What it remembers, as JSON.
    pub state: Option<String>,
    /// The broadcasts of its last run that are kept and may not be due yet: what the run sends, decided together with
    /// its state. Empty once all of them are due.
    pub outgoing: Vec<BroadcastKey>,
}

impl JobRecord {
    /// Of a job that is started for the first time.
    pub fn new(started: Timestamp) -> Self {
        Self { version: 0, started, done: None, state: None, outgoing: Vec::new() }
    }
}

/// The port to storage, as far as it is about [scheduled jobs](crate::Schedule).
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Reads a job.
    async fn job(&self, name: &str) -> Result<Option<JobRecord>, StoreError>;

    /// Writes a job, with the version after that of `seen`, if it is still as it was seen. `false`: it is not.
    async fn put_job(
        &self,
        name: &str,
        seen: Option<&JobRecord>,
        record: &JobRecord,
    ) -> Result<bool, StoreError>;
}
