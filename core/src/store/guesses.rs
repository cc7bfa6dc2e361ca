//! Where wrong passwords are counted: the port. Function environments share nothing but the table.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::message::BackendName;

/// A count of the wrong passwords that a message tester was given lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    /// Those of one client on this day (UTC).
    pub by_client: u32,
    /// When that client gave the last of them.
    pub last_at: Option<Timestamp>,
    /// Those of all clients in this hour.
    pub by_all: u32,
}

/// The port to storage, as far as it is about wrong passwords.
///
/// A client is a text of the caller's choice, without `#`. Days and hours are those of UTC; each begins with a count of 0.
#[async_trait]
pub trait GuessLog: Send + Sync {
    /// Reads the counts of a client and of all.
    async fn guesses(
        &self,
        backend: &BackendName,
        client: &str,
        now: Timestamp,
    ) -> Result<Guesses, StoreError>;

    /// Counts one more wrong password of a client.
    async fn note_guess(&self, backend: &BackendName, client: &str, now: Timestamp)
    -> Result<(), StoreError>;
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The number of the day.
pub(super) fn day(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY)
}

/// The number of the hour.
pub(super) fn hour(now: Timestamp) -> i64 {
    now.as_second().div_euclid(HOUR)
}

/// When the count of a day may be deleted, in seconds since 1970.
#[cfg(feature = "dynamodb")]
pub(super) fn day_expires(now: Timestamp) -> i64 {
    (day(now) + 2) * DAY
}

/// When the count of an hour may be deleted.
#[cfg(feature = "dynamodb")]
pub(super) fn hour_expires(now: Timestamp) -> i64 {
    (hour(now) + 2) * HOUR
}
