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
    /// The number, or what else stands in its place.
    pub identity: Identity,
    /// When it last sent something.
    pub used_at: Timestamp,
}

impl Number {
    /// For how long it is kept after its last use: as long as what it sent, 30 days.
    pub const KEPT: SignedDuration = HistoryRow::KEPT;
}

/// In the order in which a list shows them, cut to `limit`.
pub(super) fn last_used_first(mut numbers: Vec<Number>, limit: usize) -> Vec<Number> {
    numbers.sort_by(|a, b| (b.used_at, &a.identity).cmp(&(a.used_at, &b.identity)));
    numbers.truncate(limit);
    numbers
}

/// The port to storage for the numbers that the message tester used.
#[async_trait]
pub trait Numbers: Send + Sync {
    /// Notes that the message tester used this number. An earlier use changes nothing.
    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError>;

    /// The numbers of a backend that the message tester used, as far as they are [kept](Number::KEPT), the last used
    /// first, at most `limit`.
    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError>;

    /// Deletes a connection's history, then its number. What it has in its session and its outbox stays.
    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError>;
}
