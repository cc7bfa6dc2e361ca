//! Why a job is not done.

use crate::pipeline::errors::ProcessError;
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

impl From<ProcessError> for JobFailure {
    fn from(problem: ProcessError) -> Self {
        match problem {
            ProcessError::Store(problem) => Self::Store(problem),
            ProcessError::Contended(_) => Self::Store(StoreError::Unavailable(problem.to_string())),
        }
    }
}

impl From<QueueError> for JobFailure {
    fn from(problem: QueueError) -> Self {
        Self::Queue(problem.to_string())
    }
}
