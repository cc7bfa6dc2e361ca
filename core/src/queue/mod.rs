//! The queue between an endpoint and the responder: the port, the job that travels on it, and what is behind it.

mod job;
mod memory;

#[cfg(feature = "sqs")]
pub mod sqs;

pub use job::{Job, JobError, Ticket};
pub use memory::MemoryQueue;

use async_trait::async_trait;

/// Why the queue did not take a job.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// It does not answer, or not now. Trying again may help.
    #[error("the queue does not answer: {0}")]
    Unavailable(String),
    /// It answered that this cannot be done: no permission, no such queue, a job too large.
    #[error("the queue refused: {0}")]
    Refused(String),
}

/// The port to the queue. Jobs of one group are handed out in the order in which they were taken, one batch at a
/// time; a job whose dedupe id was seen in the last five minutes is taken but not handed out again.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes a job durably.
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError>;

    /// Takes several jobs durably, those of one group in their order. An error says that some of them may not have
    /// been taken: which, nobody needs to know, since all of them can be given again.
    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError>;

    /// Returns about how many jobs wait to be handed out, or `None` where the queue does not count them. The
    /// [sweep](crate::worker::sweep) adds few to a queue that is long already.
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
