//! The port to the counts of wrong passwords. The counts are in the table, because function environments share nothing
//! else.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::message::BackendName;

/// The recent counts of wrong passwords at a message tester.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    /// The wrong passwords of one client on this day (UTC).
    pub by_client: u32,
    /// The time of that client's last wrong password.
    pub last_at: Option<Timestamp>,
    /// The wrong passwords of all clients in this hour.
    pub by_all: u32,
}

/// The port to the storage of the counts of wrong passwords.
///
/// A client is a text of the caller's choice, without `#`. Days and hours are those of UTC. Each of them begins with a
/// count of 0.
#[async_trait]
pub trait GuessLog: Send + Sync {
    /// Reads the counts of one client and of all clients.
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

/// Returns the number of the day.
pub(super) fn day(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY)
}

/// Returns the number of the hour.
pub(super) fn hour(now: Timestamp) -> i64 {
    now.as_second().div_euclid(HOUR)
}

/// Returns the second since 1970 from which the count of a day may be deleted.
#[cfg(feature = "dynamodb")]
pub(super) fn day_expires(now: Timestamp) -> i64 {
    (day(now) + 2) * DAY
}

/// Returns the second since 1970 from which the count of an hour may be deleted.
#[cfg(feature = "dynamodb")]
pub(super) fn hour_expires(now: Timestamp) -> i64 {
    (hour(now) + 2) * HOUR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_lasts_until_its_day_or_hour_is_over() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, of_day, of_hour) in [
            (0, 0, 0),
            (HOUR - 1, 0, 0),
            (HOUR, 0, 1),
            (24 * HOUR - 1, 0, 23),
            (24 * HOUR, 1, 24),
            (-1, -1, -1),
        ] {
            assert_eq!((day(at(second)), hour(at(second))), (of_day, of_hour), "{second}");
        }
    }

    /// The clocks of two functions may differ, so a count stays for one more day or hour.
    #[cfg(feature = "dynamodb")]
    #[test]
    fn the_table_keeps_a_count_until_the_end_of_the_next_day_or_hour() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, end_of_day, end_of_hour) in [
            (0, 48 * HOUR, 2 * HOUR),
            (24 * HOUR - 1, 48 * HOUR, 25 * HOUR),
            (24 * HOUR, 72 * HOUR, 26 * HOUR),
        ] {
            assert_eq!((day_expires(at(second)), hour_expires(at(second))), (end_of_day, end_of_hour));
        }
    }
}
