//! The numbers that people use in the message tester.

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
