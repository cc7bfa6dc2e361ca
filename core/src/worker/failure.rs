//! The failure of a job.

use crate::queue::QueueError;
use crate::store::StoreError;

/// The reason why a job is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobFailure {
    /// The store could not do the read or the write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue did not take the jobs that follow.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A scheduled job failed.
    #[error("the job failed: {0}")]
    Job(String),
}
