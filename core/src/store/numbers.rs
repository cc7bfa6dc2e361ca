//! The numbers that people use in the message tester.

use super::StoreError;
use crate::model::message::{BackendName, ConnectionId};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::model::message::Identity;
use crate::store::HistoryRow;

/// A number that somebody used in the message tester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number, or the other identity that the person chose.
    pub identity: Identity,
    /// The time when the number last sent a message.
    pub used_at: Timestamp,
}

impl Number {
    /// The time for which a number is kept after its last use: 30 days, as long as its messages.
    pub const KEPT: SignedDuration = HistoryRow::KEPT;
}

/// Returns the numbers in the order in which a list shows them, at most `limit`.
pub(super) fn last_used_first(mut numbers: Vec<Number>, limit: usize) -> Vec<Number> {
    numbers.sort_by(|a, b| (b.used_at, &a.identity).cmp(&(a.used_at, &b.identity)));
    numbers.truncate(limit);
    numbers
}

/// The port to the storage of the numbers that the message tester used.
#[async_trait]
pub trait Numbers: Send + Sync {
    /// Records that the message tester used this number. If the stored time of use is later than `at`, the call changes
    /// nothing.
    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError>;

    /// Returns the numbers of a backend that the message tester used, as far as they are [kept](Number::KEPT), at most
    /// `limit`. The last used number comes first.
    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError>;

    /// Deletes a connection's history, then its number. Its session and its outbox stay.
    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError>;
}
