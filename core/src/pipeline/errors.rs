//! Why a message was not taken.

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
