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
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The store answered that it cannot do this: no permission, no such table. Only an operator can help.
    #[error("the store refused the call: {0}")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::broadcast::Broadcast;

    #[test]
    fn everything_is_kept_for_as_many_days_as_the_pages_say() {
        let days = |count: i64| SignedDuration::from_secs(count * 86_400);
        assert_eq!(Recent::HORIZON, days(15));
        assert_eq!(
            [HistoryRow::KEPT, Number::KEPT, Broadcast::KEPT, Unusable::KEPT],
            [30, 30, 30, 90].map(days)
        );
    }

    #[test]
    fn an_item_is_over_at_the_second_in_which_its_time_ends() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let (written, kept) = (at(1_700_000_000_900), SignedDuration::from_secs(60));
        for (now, over) in [
            (1_700_000_000_900, false),
            (1_700_000_059_999, false),
            (1_700_000_060_000, true),
            (1_700_000_061_000, true),
        ] {
            assert_eq!(is_over(written, kept, at(now)), over, "{now}");
        }
    }
}
