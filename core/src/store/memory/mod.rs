//! A store in memory, for unit tests and transcripts. It stores the same data as the DynamoDB store, by the same rules.

mod broadcasts;
mod connections;
mod due;
mod guesses;
mod history;
#[cfg(feature = "testing")]
mod idle;
mod jobs;
mod numbers;
mod outboxes;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::recent::{Seen, hash};
use super::{Entry, HistoryRow, JobRecord, Lease, Record, Settled, Unusable};
use crate::model::contact::{Contact, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::planted::{self, Plant};

/// A [`Store`](super::Store) that forgets everything when it is dropped.
#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    backends: HashSet<BackendName>,
    connections: HashMap<ConnectionId, Kept>,
    history: HashMap<ConnectionId, BTreeMap<(i64, MessageId), KeptRow>>,
    contacts: HashMap<ContactId, Contact>,
    unusable: Vec<Unusable>,
    numbers: BTreeMap<ConnectionId, Timestamp>,
    broadcasts: broadcasts::Kept,
    jobs: HashMap<String, JobRecord>,
    guesses: guesses::Counts,
}

/// A row of history, with the time when a report moved it to its present state.
struct KeptRow {
    row: HistoryRow,
    reported_at: Option<Timestamp>,
}

struct Kept {
    record: Record,
    chunks: VecDeque<Vec<Entry>>,
    spilled_ids: HashMap<u64, Seen>,
    /// The place in the index of due entries.
    due: Option<Timestamp>,
}

impl Kept {
    fn new(now: Timestamp) -> Self {
        Self { record: Record::new(now), chunks: VecDeque::new(), spilled_ids: HashMap::new(), due: None }
    }

    /// Returns the id of a message, if the id has moved out of the record and is still known.
    fn moved_out(&self, message: &MessageId, now: Timestamp) -> Option<&Seen> {
        self.spilled_ids.get(&hash(message)).filter(|seen| seen.expires_at() > now.as_second())
    }

    /// Gives the lease back, and sets the time when the outbox is due.
    fn release(&mut self, due: Option<Timestamp>) -> Settled {
        if planted::is(Plant::LeaseKept) && due.is_none() {
            return Settled::Released;
        }
        self.record.lease = None;
        self.due = due;
        Settled::Released
    }

    fn hand_over(&mut self, lease: &Lease) {
        self.record.lease = Some(lease.clone());
        self.record.fence = lease.fence;
        self.due = Some(lease.until);
    }

    fn remaining(&self) -> Settled {
        Settled::Remaining(self.record.outbox.clone())
    }

    /// Takes the oldest chunk, which moves in next.
    fn next_chunk(&mut self) -> Option<Vec<Entry>> {
        if planted::is(Plant::PiecesSwapped) { self.chunks.pop_back() } else { self.chunks.pop_front() }
    }

    fn is_head(&self, id: &MessageId) -> bool {
        self.record.outbox.entries.front().is_some_and(|head| head.id == *id)
    }
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn contact_of(&self, connection: &ConnectionId) -> Option<&Contact> {
        self.contacts.get(self.connections.get(connection)?.record.contact.as_ref()?)
    }

    /// Returns the connection if `lease` is on its outbox. Otherwise returns the result for the holder: if nobody has
    /// taken a lease since, the holder itself gave the lease back.
    fn held(&mut self, connection: &ConnectionId, lease: &Lease) -> Result<&mut Kept, Settled> {
        let Some(kept) = self.connections.get_mut(connection) else { return Err(Settled::Lost) };
        match &kept.record.lease {
            Some(held) if held.owner == lease.owner || planted::is(Plant::SettleWithoutLease) => Ok(kept),
            None if kept.record.fence == lease.fence => Err(Settled::Released),
            _ => Err(Settled::Lost),
        }
    }
}
