//! The queue between an endpoint and the Lambda function `responder`: the port, the job on the queue, and the
//! implementations.

mod job;
mod memory;

#[cfg(feature = "sqs")]
pub mod sqs;

pub use job::{Job, JobError, Ticket};
pub use memory::MemoryQueue;

use async_trait::async_trait;

/// The reason why the queue did not take a job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue does not answer at present. Another try may help.
    #[error("the queue is not available: {0}")]
    Unavailable(String),
    /// The queue answered that it cannot do this: no permission, no such queue, a job too large.
    #[error("the queue refused the call: {0}")]
    Refused(String),
}

/// The port to the queue. The queue hands out the jobs of one group in the order in which it took them, one batch at a
/// time. If it has seen the deduplication id of a job in the last five minutes, it takes the job but does not hand it
/// out again.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes a job durably.
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError>;

    /// Takes several jobs durably. The jobs of one group keep their order. An error means that some of the jobs may not
    /// have been taken. The caller need not know which, since it can give all of them again.
    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError>;

    /// Returns the approximate number of jobs that wait to be handed out, or `None` if the queue does not count them.
    /// The [sweep](crate::sweep()) adds only a few jobs to a queue that is already long.
    async fn waiting(&self) -> Result<Option<usize>, QueueError> {
        Ok(None)
    }
}

#[async_trait]
impl<Q: Queue + ?Sized> Queue for std::sync::Arc<Q> {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError> {
        (**self).enqueue(ticket).await
    }

    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError> {
        (**self).enqueue_all(tickets).await
    }

    async fn waiting(&self) -> Result<Option<usize>, QueueError> {
        (**self).waiting().await
    }
}
