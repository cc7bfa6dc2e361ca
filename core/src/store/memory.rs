//! A store in memory: for unit tests and transcripts. It keeps what the real one keeps, by the same rules.

mod broadcasts;
mod jobs;

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::number;
use super::plan::Plan;
use super::recent::hash;
use super::{
    Commit, Committed, Due, Entry, JobRecord, Lease, Loaded, Moved, Number, Outbox, Recent, Record, Row,
    Settled, Settlement, Step, Store, StoreError, Taken, Unusable, Waiting,
};
use crate::contact::{Contact, ContactId};
use crate::message::{BackendName, ConnectionId, MessageId};

/// A [`Store`] that forgets everything when it is dropped.
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
}

/// A row, and when a report moved it where it is.
struct KeptRow {
    row: Row,
    reported_at: Option<Timestamp>,
}

struct Kept {
    record: Record,
    chunks: VecDeque<Vec<Entry>>,
    spilled_ids: HashMap<u64, Timestamp>,
}

impl MemoryStore {
    /// An empty store.
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

    /// The connection, if `owner` holds its lease.
    fn held(&mut self, connection: &ConnectionId, owner: &str) -> Option<&mut Kept> {
        let kept = self.connections.get_mut(connection)?;
        let ours = kept.record.lease.as_ref().is_some_and(|lease| lease.owner == owner);
        ours.then_some(kept)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn open_backend(&self, backend: &BackendName, _now: Timestamp) -> Result<(), StoreError> {
        self.lock().backends.insert(backend.clone());
        Ok(())
    }

    async fn load(
        &self,
        connection: &ConnectionId,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<Loaded, StoreError> {
        let tables = self.lock();
        Ok(match tables.connections.get(connection) {
            Some(kept) => Loaded {
                record: kept.record.clone(),
                contact: tables.contact_of(connection).cloned(),
                seen: kept.record.recent.contains(message) || kept.spilled_ids.contains_key(&hash(message)),
            },
            None => Loaded { record: Record::new(now), contact: None, seen: false },
        })
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError> {
        let owner = |record: &Record| record.lease.as_ref().map(|lease| lease.owner.clone());
        let mut tables = self.lock();
        let Tables { connections, contacts, .. } = &mut *tables;
        let kept = connections.entry(commit.connection.clone()).or_insert_with(|| Kept {
            record: Record::new(commit.now),
            chunks: VecDeque::new(),
            spilled_ids: HashMap::new(),
        });
        if kept.record.version != commit.seen.version || owner(&kept.record) != owner(commit.seen) {
            return Ok(Committed::Conflict);
        }
        let created_at = kept.record.created_at;
        // Without a lease of our own, its holder may have sent something since: append to what is there now.
        let plan = Plan::of(&Commit { seen: &kept.record.clone(), ..commit });
        let version = |id: &ContactId| contacts.get(id).map_or(0, Contact::version);
        if plan.contacts.iter().any(|contact| contact.version() != version(contact.id()) + 1) {
            return Ok(Committed::Conflict);
        }
        contacts.extend(plan.contacts.into_iter().map(|contact| (contact.id().clone(), contact)));
        kept.record = plan.after;
        kept.record.created_at = created_at;
        kept.chunks.extend(plan.chunks);
        kept.spilled_ids.extend(plan.spill.iter().map(|seen| (seen.hash, commit.now)));
        kept.spilled_ids.retain(|_, at| *at + Recent::HORIZON > commit.now);
        Ok(Committed::Yes(kept.record.outbox.clone()))
    }

    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.lock().contacts.get(id).cloned())
    }

    async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        Ok(self.lock().contact_of(connection).cloned())
    }

    async fn take_lease(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let mut tables = self.lock();
        let Some(kept) = tables.connections.get_mut(connection) else { return Ok(Taken::No) };
        if kept.record.lease_at(now).is_some() || !kept.record.outbox.is_due(now) {
            return Ok(Taken::No);
        }
        let abandoned = kept.record.lease.replace(lease.clone()).is_some();
        Ok(Taken::Yes { outbox: kept.record.outbox.clone(), abandoned })
    }

    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let Some(kept) = tables.held(connection, &lease.owner) else { return Ok(false) };
        kept.record.lease = Some(lease.clone());
        Ok(true)
    }

    async fn settle(
        &self,
        connection: &ConnectionId,
        owner: &str,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, StoreError> {
        let mut tables = self.lock();
        let Some(kept) = tables.held(connection, owner) else { return Ok(Settled::Lost) };
        let record = &mut kept.record;
        let id = |outbox: &Outbox| outbox.entries.front().map(|entry| entry.id.clone());
        if id(&record.outbox) != id(outbox) {
            return Ok(match settlement {
                Settlement::Done => Settled::Remaining(record.outbox.clone()),
                Settlement::Deferred(_) => Settled::Lost,
            });
        }
        record.outbox.entries.pop_front();
        if let Settlement::Deferred(entry) = settlement {
            record.outbox.entries.push_front(entry);
            record.lease = None;
            return Ok(Settled::Released);
        }
        if record.outbox.is_empty() {
            record.lease = None;
            return Ok(Settled::Released);
        }
        Ok(Settled::Remaining(record.outbox.clone()))
    }

    async fn withdraw(
        &self,
        connection: &ConnectionId,
        owner: &str,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError> {
        let mut tables = self.lock();
        let Some(kept) = tables.held(connection, owner) else { return Ok(Settled::Lost) };
        let outbox = &mut kept.record.outbox;
        if outbox.entries.get(at).is_some_and(|entry| entry.id == *id) {
            outbox.entries.remove(at);
        }
        Ok(Settled::Remaining(outbox.clone()))
    }

    async fn refill(&self, connection: &ConnectionId, owner: &str) -> Result<Settled, StoreError> {
        let mut tables = self.lock();
        let Some(kept) = tables.held(connection, owner) else { return Ok(Settled::Lost) };
        if kept.record.outbox.entries.is_empty()
            && let Some(chunk) = kept.chunks.pop_front()
        {
            kept.record.outbox.entries.extend(chunk);
            kept.record.outbox.spilled -= 1;
        }
        if kept.record.outbox.is_empty() {
            kept.record.lease = None;
            return Ok(Settled::Released);
        }
        Ok(Settled::Remaining(kept.record.outbox.clone()))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let tables = self.lock();
        let mut due: Vec<Due> = tables
            .connections
            .iter()
            .filter_map(|(connection, kept)| {
                let since = kept.record.due_at().filter(|since| *since <= now)?;
                Some(Due { waiting: Waiting::Outbox(connection.clone()), since })
            })
            .chain(broadcasts::due(&tables.broadcasts, now))
            .collect();
        due.sort_by(|a, b| (a.since, &a.waiting).cmp(&(b.since, &b.waiting)));
        due.truncate(limit);
        Ok(due)
    }

    async fn record(&self, row: &Row) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let rows = tables.history.entry(row.connection.clone()).or_default();
        let new = || KeptRow { row: row.clone(), reported_at: None };
        rows.entry((row.at.as_millisecond(), row.id.clone())).or_insert_with(new).row.merge(row);
        Ok(())
    }

    async fn report(&self, step: &Step, now: Timestamp) -> Result<Moved, StoreError> {
        if !step.is_kept(now) {
            return Ok(Moved::No);
        }
        let mut tables = self.lock();
        let rows = tables.history.entry(step.connection.clone()).or_default();
        let new = KeptRow { row: step.row(), reported_at: Some(now) };
        let kept = match rows.entry((step.at.as_millisecond(), step.id.clone())) {
            Place::Vacant(place) => {
                place.insert(new);
                return Ok(Moved::Forward);
            }
            Place::Occupied(place) => place.into_mut(),
        };
        if kept.row.state.rank() < step.state.rank() {
            (kept.row.state, kept.row.detail) = (step.state, step.detail.clone());
            kept.reported_at = Some(now);
            return Ok(Moved::Forward);
        }
        let lately = kept.reported_at.is_some_and(|at| at + Moved::LATELY > now);
        Ok(if lately && kept.row.state == step.state { Moved::Again } else { Moved::No })
    }

    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let tables = self.lock();
        let rows = tables.history.get(connection);
        let rows = rows.into_iter().flat_map(|rows| rows.values().rev()).map(|kept| &kept.row);
        Ok(rows.filter(|row| row.at + Row::KEPT > now).take(limit).cloned().collect())
    }

    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError> {
        self.lock().unusable.push(unusable.clone());
        Ok(())
    }

    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError> {
        let tables = self.lock();
        let kept = |row: &&Unusable| row.backend == *backend && row.at + Unusable::KEPT > now;
        Ok(tables.unusable.iter().rev().filter(kept).take(limit).cloned().collect())
    }

    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let tables = self.lock();
        let rows =
            tables.history.get(connection).into_iter().flat_map(BTreeMap::values).map(|kept| &kept.row);
        let wanted =
            |row: &&Row| row.at.as_millisecond() >= from.as_millisecond() && row.at + Row::KEPT > now;
        Ok(rows.filter(wanted).take(limit).cloned().collect())
    }

    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let used_at = tables.numbers.entry(connection.clone()).or_insert(at);
        *used_at = at.max(*used_at);
        Ok(())
    }

    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError> {
        let tables = self.lock();
        let kept = tables
            .numbers
            .iter()
            .filter(|(connection, used_at)| connection.backend == *backend && **used_at + Number::KEPT > now);
        let number = |(connection, used_at): (&ConnectionId, &Timestamp)| Number {
            identity: connection.identity.clone(),
            used_at: *used_at,
        };
        Ok(number::last_used_first(kept.map(number).collect(), limit))
    }

    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.history.remove(connection);
        tables.numbers.remove(connection);
        Ok(())
    }
}
