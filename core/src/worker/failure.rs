//! The failure of a job.

use crate::pipeline::errors::ProcessError;
use crate::queue::QueueError;
use crate::store::StoreError;

/// The reason why a job is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobFailure {
    /// The store could not do the read or the write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue did not take the jobs that follow.
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
