//! The keys of the table. `core/ARCHITECTURE.md` lists them with the reads and writes that use them.

use jiff::Timestamp;

use crate::model::broadcast_key::BroadcastKey;
use crate::model::contact::ContactId;
use crate::model::message::{BackendName, ConnectionId, Identity, MessageId};
use crate::store::{HistoryRow, Waiting};

/// The attribute of the partition key.
pub(super) const PK: &str = "pk";
/// The attribute of the sort key.
pub(super) const SK: &str = "sk";
/// The sort key of a connection's own item.
pub(super) const CONNECTION: &str = "connection";
/// The sort key of a contact's own item.
pub(super) const CONTACT: &str = "contact";
/// The sort key of a scheduled job's own item.
pub(super) const JOB: &str = "job";
/// The sort key of a broadcast's own item.
pub(super) const BROADCAST: &str = "broadcast";
/// The sort key of a backend's own item.
pub(super) const BACKEND: &str = "backend";
/// The prefix of the sort keys of outbox chunks.
pub(super) const OUTBOX: &str = "O#";
/// The prefix of the sort keys of history.
pub(super) const MESSAGE: &str = "M#";
/// The prefix of the sort keys of unusable messages.
pub(super) const UNUSABLE: &str = "U#";
/// The prefix of the sort keys of the numbers that the message tester used.
pub(super) const NUMBER: &str = "N#";
/// The prefix of the sort keys of counts of wrong passwords.
const GUESSES: &str = "G#";
/// The index of waiting outboxes and broadcasts.
pub(super) const DUE_INDEX: &str = "due";
/// The number of partitions of that index.
pub(super) const SHARDS: u8 = 4;

/// Returns the partition key of all items of one connection.
pub(super) fn of_connection(connection: &ConnectionId) -> String {
    format!("C#{}#{}", connection.backend, connection.identity.as_str())
}

/// Returns the connection from which [`of_connection`] made the key. A backend's name has no `#`, so the second `#`
/// ends the name.
pub(super) fn to_connection(pk: &str) -> Option<ConnectionId> {
    let (backend, identity) = pk.strip_prefix("C#")?.split_once('#')?;
    Some(ConnectionId::new(backend.parse().ok()?, identity.parse::<Identity>().ok()?))
}

/// Returns a key in the form in which it may be logged: a person's number is masked.
pub(super) fn shown(key: &str) -> String {
    if let Some(connection) = to_connection(key) {
        return format!("C#{}#{}", connection.backend, connection.identity.masked());
    }
    match key.strip_prefix(NUMBER).and_then(|identity| identity.parse::<Identity>().ok()) {
        Some(identity) => format!("{NUMBER}{}", identity.masked()),
        None => key.to_owned(),
    }
}

/// Returns the partition key of all items of one broadcast.
pub(super) fn of_broadcast(key: &BroadcastKey) -> String {
    format!("S#{key}")
}

/// Returns the partition key of a scheduled job.
pub(super) fn of_job(name: &str) -> String {
    format!("J#{name}")
}

/// Returns the sort key of one part of a broadcast.
pub(super) fn of_part(part: u32) -> String {
    format!("P#{part:04}")
}

/// Returns the outbox or the broadcast that waits in the index under this key.
pub(super) fn to_waiting(pk: &str) -> Option<Waiting> {
    match pk.strip_prefix("S#") {
        Some(key) => Some(Waiting::Broadcast(BroadcastKey::stored(key).ok()?)),
        None => to_connection(pk).map(Waiting::Outbox),
    }
}

/// Returns the sort key of the count of wrong passwords of all clients in one hour.
pub(super) fn of_guesses(hour: i64) -> String {
    format!("{GUESSES}{hour}")
}

/// Returns the sort key of the count of wrong passwords of one client on one day.
pub(super) fn of_guesses_by(client: &str, day: i64) -> String {
    format!("{GUESSES}{client}#{day}")
}

/// Returns the partition key of all items of one backend.
pub(super) fn of_backend(backend: &BackendName) -> String {
    format!("B#{backend}")
}

/// Returns the partition key of all items of one contact.
pub(super) fn of_contact(id: &ContactId) -> String {
    format!("P#{id}")
}

/// Returns the sort key of a message id that no longer fits in the connection's own item.
pub(super) fn of_seen(hash: u64) -> String {
    format!("R#{hash:016x}")
}

/// Returns the sort key of chunk number `at` of the outbox that moved out with this version.
pub(super) fn of_chunk(version: u64, at: usize) -> String {
    format!("{OUTBOX}{version:020}#{at:03}")
}

/// Returns the sort key of a number that the message tester used, under its backend.
pub(super) fn of_number(identity: &Identity) -> String {
    format!("{NUMBER}{}", identity.as_str())
}

/// Returns the sort key of a row of history. Its order is the order of time.
pub(super) fn of_row(at: Timestamp, id: &MessageId) -> String {
    format!("{}#{id}", of_rows_from(at))
}

/// Returns the lower bound of the keys of all rows from a moment on.
pub(super) fn of_rows_from(at: Timestamp) -> String {
    format!("{MESSAGE}{:014}", HistoryRow::place(at))
}

/// The upper bound of the keys of all rows.
pub(super) const AFTER_ROWS: &str = "M$";

/// Returns the time and the message from which [`of_row`] made the key.
pub(super) fn to_row(sk: &str) -> Option<(Timestamp, MessageId)> {
    let (ms, id) = sk.strip_prefix(MESSAGE)?.split_once('#')?;
    Some((Timestamp::from_millisecond(ms.parse().ok()?).ok()?, MessageId::from(id)))
}

/// Returns the index partition of a broadcast.
pub(super) fn shard_of(key: &BroadcastKey) -> String {
    let sum = key.as_str().bytes().fold(0_u8, u8::wrapping_add);
    (sum % SHARDS).to_string()
}

/// Returns the index partition of a connection.
pub(super) fn shard(connection: &ConnectionId) -> String {
    (connection.digest()[0] % SHARDS).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_can_be_read_from_its_key() {
        for identity in ["+251911", "a#b", "#", "MTN INFO", "ሰላም"] {
            let connection = ConnectionId::new("my-backend_1".parse().unwrap(), identity.parse().unwrap());
            assert_eq!(to_connection(&of_connection(&connection)), Some(connection));
        }
        assert_eq!(to_connection("C#x"), None);
        assert_eq!(to_connection("B#x#y"), None);
    }

    #[test]
    fn a_key_is_shown_without_the_number() {
        assert_eq!(shown("C#k#+251911223344"), "C#k#+25*******344");
        assert_eq!(shown("N#251911223344"), "N#251******344");
        assert_eq!(shown("M#00000000000005#x"), "M#00000000000005#x");
    }

    #[test]
    fn pieces_and_rows_sort_by_age() {
        assert!(of_chunk(9, 5) < of_chunk(10, 0) && of_chunk(10, 2) < of_chunk(10, 10));
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let id = MessageId::from("x#1");
        assert!(of_row(at(999_999_999_999), &id) < of_row(at(1_000_000_000_000), &id));
        assert_eq!(to_row(&of_row(at(5), &id)), Some((at(5), id.clone())));
        let times = [Timestamp::MIN, at(-1), at(0), at(5), at(1_795_519_533_120), at(99_999_999_999_998)];
        let ends = [at(99_999_999_999_999), at(100_000_000_000_000), Timestamp::MAX];
        let keys: Vec<String> = times.into_iter().chain(ends).map(|at| of_row(at, &id)).collect();
        assert!(keys.is_sorted() && keys.iter().all(|key| key.as_str() < AFTER_ROWS), "{keys:?}");
        assert!(keys.iter().all(|key| to_row(key).is_some()), "{keys:?}");
    }
}
