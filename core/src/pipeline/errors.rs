//! The reasons why a message was not accepted.

use crate::model::message::BackendName;
use crate::queue::QueueError;
use crate::store::StoreError;

/// The reason why a message was not accepted. Nothing of the message was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
