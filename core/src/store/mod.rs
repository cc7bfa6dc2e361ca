//! Where backends, connections, outboxes and history are kept: the port, and what is behind it.
//!
//! The connection is the unit of consistency. What one message changes (session, the message's id, the outbox)
//! is in one record and changes in one conditional write: [`Store::commit`].

mod broadcasts;
mod connections;
mod due;
mod guesses;
mod history;
mod jobs;
mod memory;
mod numbers;
mod outboxes;
mod pace;
mod plan;
mod recent;
mod record;
mod unusable;

#[cfg(feature = "dynamodb")]
pub mod dynamodb;

pub use crate::model::message::State;
pub use broadcasts::{Broadcasts, Opened};
pub use connections::{Commit, Committed, Connections};
pub use due::{Due, DueCursor, DueIndex, DuePage, Waiting};
pub use guesses::{GuessLog, Guesses};
pub use history::{Advanced, Direction, History, HistoryRow, RowKey, StatusUpdate};
pub use jobs::{JobRecord, Jobs};
pub use memory::MemoryStore;
pub use numbers::{Number, Numbers};
pub use outboxes::{Outboxes, Settled, Settlement, Taken};
pub use pace::ReplyRate;
pub use recent::Recent;
pub use record::{Entry, Lease, Loaded, Outbox, Record};
pub use unusable::Unusable;

use jiff::{SignedDuration, Timestamp};

/// Why the store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or not now. Trying again may help.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// It answered that this cannot be done: no permission, no such table. Only an operator can help.
    #[error("the store refused: {0}")]
    Refused(String),
    /// What is stored is not what this program writes.
    #[error("the record of {what} cannot be read: {problem}")]
    Unreadable {
        /// Which record.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The port to storage: all its aspects together. Whatever implements them is a `Store`.
///
/// [`MemoryStore`] is for unit tests and transcripts, `dynamodb::DynamoStore` for everything else, local runs included.
/// One contract suite holds both.
pub trait Store:
    Connections + Outboxes + DueIndex + History + Numbers + Broadcasts + Jobs + GuessLog
{
}

impl<S> Store for S where
    S: Connections + Outboxes + DueIndex + History + Numbers + Broadcasts + Jobs + GuessLog + ?Sized
{
}

/// Returns whether the time is over for which something is kept: in whole seconds, as `DynamoDB` counts a time to live.
pub(crate) fn is_over(at: Timestamp, kept: SignedDuration, now: Timestamp) -> bool {
    at.as_second() + kept.as_secs() <= now.as_second()
}
