//! The port to storage for backends, connections, outboxes and history, and its implementations.
//!
//! The connection is the unit of consistency. The changes that one message causes (session, message id, outbox) are in
//! one record, and one conditional write makes them: [`Connections::commit`].

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

/// The reason why the store could not do a call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store does not answer at present. Another try may help.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The store answered that it cannot do this: no permission, no such table. Only an operator can help.
    #[error("the store refused: {0}")]
    Refused(String),
    /// The stored data is not in the form that this program writes.
    #[error("the record of {what} cannot be read: {problem}")]
    Unreadable {
        /// The record.
        what: String,
        /// The fault in the record.
        problem: String,
    },
}

/// The port to storage with all its aspects. A type that implements all of them is a `Store`.
///
/// [`MemoryStore`] is for unit tests and transcripts. `dynamodb::DynamoStore` is for everything else, including local
/// runs. One suite of contract tests checks both.
pub trait Store:
    Connections + Outboxes + DueIndex + History + Numbers + Broadcasts + Jobs + GuessLog
{
}

impl<S> Store for S where
    S: Connections + Outboxes + DueIndex + History + Numbers + Broadcasts + Jobs + GuessLog + ?Sized
{
}

/// Returns whether the storage time of an item is over. Counts in whole seconds, as `DynamoDB` counts a time to live.
pub(crate) fn is_over(at: Timestamp, kept: SignedDuration, now: Timestamp) -> bool {
    at.as_second() + kept.as_secs() <= now.as_second()
}
