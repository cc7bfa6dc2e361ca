//! Why a job is not done.

use crate::queue::QueueError;
use crate::store::StoreError;

/// Why a job is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobFailure {
    /// The store did not do what was asked of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nor did the queue.
    #[error("{0}")]
    Queue(String),
    /// A scheduled job failed.
    #[error("the job failed: {0}")]
    Job(String),
}

impl From<QueueError> for JobFailure {
    fn from(problem: QueueError) -> Self {
        Self::Queue(problem.to_string())
    }
}
