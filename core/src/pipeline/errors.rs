//! The reasons why a message was not accepted, or an input was not processed.

use crate::model::message::BackendName;
use crate::queue::QueueError;
use crate::store::StoreError;

/// The reason why a message was not accepted. Nothing of the message was kept.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    /// The settings have no backend of this name.
    #[error("there is no backend {0}")]
    UnknownBackend(BackendName),
    /// The store did not accept the message. The gateway should keep it and try again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue did not accept the message. The gateway should keep it and try again.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// The reason why an input was not processed. Nothing of it is committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// The store could not do the read or the write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process changed the connection between the read and the commit, this many times in a row.
    #[error("{0} others changed the connection first")]
    Contended(u32),
}
