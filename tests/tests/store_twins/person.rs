//! The knowledge of a history about one connection, from which calls pick.

use jiff::Timestamp;
use threadless::store::{HistoryRow, Lease, Outbox, Record};
use threadless::{ConnectionId, Contact, ContactId, MessageId};

use crate::calls::Back;

/// One connection.
pub(crate) struct Person {
    pub(crate) connection: ConnectionId,
    /// The records and contacts that were read, the newest last.
    pub(crate) seen: Vec<(Record, Option<Contact>)>,
    pub(crate) messages: Vec<MessageId>,
    pub(crate) leases: Vec<Lease>,
    pub(crate) outboxes: Vec<Outbox>,
    pub(crate) contacts: Vec<ContactId>,
    /// Its messages as they were first written.
    pub(crate) rows: Vec<HistoryRow>,
}

impl Person {
    pub(crate) fn new(connection: ConnectionId) -> Self {
        let (seen, messages, leases) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            connection,
            seen,
            messages,
            leases,
            outboxes: Vec::new(),
            contacts: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Returns the keys of its rows.
    pub(crate) fn row_keys(&self) -> Vec<(ConnectionId, Timestamp, MessageId)> {
        self.rows.iter().map(|row| (row.connection.clone(), row.at, row.id.clone())).collect()
    }
}

/// Returns one element of a list, counted back from the newest.
pub(crate) fn from_newest<T>(list: &[T], back: Back) -> Option<&T> {
    let count = list.len();
    (count > 0).then(|| &list[count - 1 - back % count])
}
