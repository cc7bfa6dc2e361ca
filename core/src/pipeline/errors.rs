//! Why a message was not taken, or not processed.

use crate::model::message::BackendName;
use crate::queue::QueueError;
use crate::store::StoreError;

/// Why a message was not taken. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    /// The settings have no backend of this name.
    #[error("there is no backend {0}")]
    UnknownBackend(BackendName),
    /// The store did not take it. The gateway should keep it and try again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue did not take it. The gateway should keep it and try again.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Why an input was not processed. Nothing of it is committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// The store did not do what was asked of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// So many times in a row, another process changed the connection between the read and the commit.
    #[error("{0} others changed the connection first")]
    Contended(u32),
}
