//! A store in memory: for unit tests and transcripts. It keeps what the real one keeps, by the same rules.

mod broadcasts;
mod due;
mod guesses;
#[cfg(feature = "testing")]
mod idle;
mod jobs;

use std::cmp::Reverse;
use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::plan::Plan;
use super::recent::{Seen, hash};
use super::{
    Advanced, Commit, Committed, DueCursor, DuePage, Entry, HistoryRow, JobRecord, Lease, Loaded, Number,
    Outbox, Record, Settled, Settlement, StatusUpdate, Store, StoreError, Taken, Unusable, is_over, number,
};
use crate::model::contact::{Contact, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::planted::{self, Plant};
use crate::util::clock::after;

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
    guesses: guesses::Counts,
}

/// A row, and when a report moved it where it is.
struct KeptRow {
    row: HistoryRow,
    reported_at: Option<Timestamp>,
}

struct Kept {
    record: Record,
    chunks: VecDeque<Vec<Entry>>,
    spilled_ids: HashMap<u64, Seen>,
    /// Where the index of the due ones has it.
    due: Option<Timestamp>,
}

impl Kept {
    fn new(now: Timestamp) -> Self {
        Self { record: Record::new(now), chunks: VecDeque::new(), spilled_ids: HashMap::new(), due: None }
    }

    /// The id of a message that has moved out of the record, and is still known.
    fn moved_out(&self, message: &MessageId, now: Timestamp) -> Option<&Seen> {
        self.spilled_ids.get(&hash(message)).filter(|seen| seen.expires_at() > now.as_second())
    }

    /// Gives the lease back, and says when the outbox is due.
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

    /// The piece that moves in next: the oldest.
    fn next_chunk(&mut self) -> Option<Vec<Entry>> {
        if planted::is(Plant::PiecesSwapped) { self.chunks.pop_back() } else { self.chunks.pop_front() }
    }

    fn is_head(&self, id: &MessageId) -> bool {
        self.record.outbox.entries.front().is_some_and(|head| head.id == *id)
    }
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

    /// The connection, if `lease` is on its outbox. Else what its holder should know: a lease that nobody has taken
    /// since was given back by the holder itself.
    fn held(&mut self, connection: &ConnectionId, lease: &Lease) -> Result<&mut Kept, Settled> {
        let Some(kept) = self.connections.get_mut(connection) else { return Err(Settled::Lost) };
        match &kept.record.lease {
            Some(held) if held.owner == lease.owner || planted::is(Plant::SettleWithoutLease) => Ok(kept),
            None if kept.record.fence == lease.fence => Err(Settled::Released),
            _ => Err(Settled::Lost),
        }
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
            Some(kept) => {
                let spilled = kept.moved_out(message, now);
                Loaded {
                    record: kept.record.clone(),
                    contact: tables.contact_of(connection).cloned(),
                    seen: kept.record.recent.contains(message) || spilled.is_some(),
                    arrived: kept.record.recent.arrival_of(message).or_else(|| spilled?.arrived()),
                }
            }
            None => Loaded { record: Record::new(now), contact: None, seen: false, arrived: None },
        })
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError> {
        let owner = |record: &Record| record.lease.as_ref().map(|lease| lease.owner.clone());
        let until = |record: &Record| record.lease.as_ref().map(|lease| lease.until);
        let (seen, now) = (commit.seen, commit.now);
        let mut tables = self.lock();
        let Tables { connections, contacts, .. } = &mut *tables;
        let new = Kept::new(now);
        let plan = Plan::of(&commit);
        // Ids move out before the write, and whether it holds or not.
        if let Some(kept) = connections.get_mut(commit.connection) {
            kept.spilled_ids.extend(plan.spill.iter().map(|seen| (seen.hash, *seen)));
        }
        let stored = connections.get(commit.connection).unwrap_or(&new);
        let held_on = commit.lease.is_none()
            || until(&stored.record) == until(seen)
            || planted::is(Plant::TakeoverByOwnerAlone);
        let as_seen = (stored.record.version == seen.version || planted::is(Plant::CommitWithoutVersion))
            && (stored.record.fence == seen.fence || planted::is(Plant::CommitWithoutFence))
            && stored.record.outbox.spilled == seen.outbox.spilled
            && (owner(&stored.record) == owner(seen) || planted::is(Plant::CommitWithoutOwner));
        let version = |id: &ContactId| contacts.get(id).map_or(0, Contact::version);
        let alone = plan.contacts.iter().all(|contact| contact.version() == version(contact.id()) + 1);
        let alone = alone || planted::is(Plant::ContactUnchecked);
        if !(as_seen && held_on && alone) {
            return Ok(Committed::Conflict);
        }
        contacts.extend(plan.contacts.into_iter().map(|contact| (contact.id().clone(), contact)));
        let kept = connections.entry(commit.connection.clone()).or_insert(new);
        let as_read = planted::is(Plant::CommitWithoutFence).then(|| plan.after.outbox.clone());
        // The holder of a lease may have settled entries since: append to those that are there now.
        let mut outbox = Outbox { entries: mem::take(&mut kept.record.outbox.entries), ..plan.after.outbox };
        outbox.entries.extend(plan.append);
        let record = Record { created_at: kept.record.created_at, outbox, ..plan.after };
        let record = Record { lease: kept.record.lease.take(), fence: kept.record.fence, ..record };
        kept.record = record;
        if let Some(lease) = &commit.lease {
            kept.hand_over(lease);
        } else if seen.outbox.is_empty() && !kept.record.outbox.is_empty() {
            kept.due = Some(now);
        }
        kept.chunks.extend(plan.chunks);
        Ok(Committed::Yes(as_read.unwrap_or_else(|| kept.record.outbox.clone())))
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
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let mut tables = self.lock();
        let Some(kept) = tables.connections.get_mut(connection) else { return Ok(Taken::No) };
        let record = &kept.record;
        let held = record.lease_at(now).is_some() && !planted::is(Plant::TakenWhileHeld);
        if held || !record.outbox.is_due(now) {
            // The same call once more, because its answer was lost: the caller has the lease.
            if let Some(lease) = record.lease.clone().filter(|lease| lease.owner == owner) {
                return Ok(Taken::Yes { lease, outbox: record.outbox.clone(), abandoned: true });
            }
            if !held && record.outbox.is_empty() {
                kept.release(None);
            }
            return Ok(Taken::No);
        }
        let (lease, abandoned) = (kept.record.next_lease(owner, until), kept.record.lease.is_some());
        kept.hand_over(&lease);
        Ok(Taken::Yes { lease, outbox: kept.record.outbox.clone(), abandoned })
    }

    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        let Ok(kept) = tables.held(connection, lease) else { return Ok(false) };
        if let Some(held) = &mut kept.record.lease {
            held.until = lease.until;
        }
        kept.due = Some(lease.until);
        Ok(true)
    }

    async fn settle(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, StoreError> {
        let mut tables = self.lock();
        let kept = match tables.held(connection, lease) {
            Ok(kept) => kept,
            Err(settled) => return Ok(settled),
        };
        let known = match &settlement {
            Settlement::Done => outbox.entries.front().map(|head| &head.id),
            Settlement::Deferred(head) | Settlement::Passed(head) => Some(&head.id),
        };
        if !known.is_some_and(|id| kept.is_head(id) || planted::is(Plant::SettleByPosition)) {
            return Ok(kept.remaining());
        }
        let entries = &mut kept.record.outbox.entries;
        match settlement {
            Settlement::Done => {
                entries.pop_front();
                let last = outbox.entries.len() == 1 && outbox.spilled == 0 && kept.record.outbox.is_empty();
                Ok(if last { kept.release(None) } else { kept.remaining() })
            }
            Settlement::Deferred(head) => {
                let due = head.next_attempt.unwrap_or(head.created_at);
                entries[0] = head;
                if planted::is(Plant::HeadOvertaken) && entries.len() > 1 {
                    entries.swap(0, 1);
                }
                Ok(kept.release(Some(due)))
            }
            Settlement::Passed(head) => {
                let place = outbox.first_message();
                let id = |entries: &VecDeque<Entry>, at: usize| entries.get(at).map(|entry| entry.id.clone());
                let as_known = place.is_none_or(|at| id(entries, at) == id(&outbox.entries, at));
                if as_known {
                    entries[0] = head;
                    if let Some(message) = place.and_then(|at| entries.remove(at)) {
                        entries.push_front(message);
                    }
                }
                Ok(kept.remaining())
            }
        }
    }

    async fn withdraw(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError> {
        let mut tables = self.lock();
        let kept = match tables.held(connection, lease) {
            Ok(kept) => kept,
            Err(settled) => return Ok(settled),
        };
        let entries = &mut kept.record.outbox.entries;
        if entries.get(at).is_some_and(|entry| entry.id == *id || planted::is(Plant::WithdrawnByPosition)) {
            entries.remove(at);
        }
        Ok(kept.remaining())
    }

    async fn refill(&self, connection: &ConnectionId, lease: &Lease) -> Result<Settled, StoreError> {
        let mut tables = self.lock();
        let kept = match tables.held(connection, lease) {
            Ok(kept) => kept,
            Err(settled) => return Ok(settled),
        };
        if kept.record.outbox.entries.is_empty()
            && let Some(mut chunk) = kept.next_chunk()
        {
            if planted::is(Plant::PieceDropped) {
                chunk.pop();
            }
            kept.record.outbox.entries.extend(chunk);
            kept.record.outbox.spilled -= 1;
        }
        Ok(if kept.record.outbox.is_empty() { kept.release(None) } else { kept.remaining() })
    }

    async fn due_page(
        &self,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        due::page(&self.lock(), now, after, limit)
    }

    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let rows = tables.history.entry(row.connection.clone()).or_default();
        let new = || KeptRow {
            row: HistoryRow { at: HistoryRow::placed(row.at), ..row.clone() },
            reported_at: None,
        };
        rows.entry((HistoryRow::place(row.at), row.id.clone())).or_insert_with(new).row.merge(row);
        Ok(())
    }

    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError> {
        if !step.is_kept(now) {
            return Ok(Advanced::No);
        }
        let mut tables = self.lock();
        let rows = tables.history.entry(step.connection.clone()).or_default();
        let new = KeptRow { row: step.row(), reported_at: Some(now) };
        let kept = match rows.entry((HistoryRow::place(step.at), step.id.clone())) {
            Place::Vacant(place) => {
                place.insert(new);
                return Ok(Advanced::Forward);
            }
            Place::Occupied(place) => place.into_mut(),
        };
        if kept.row.state.rank() < step.state.rank() || planted::is(Plant::RowMovedBack) {
            (kept.row.state, kept.row.detail) = (step.state, step.detail.clone());
            kept.reported_at = Some(now);
            return Ok(Advanced::Forward);
        }
        let lately = kept.reported_at.is_some_and(|at| after(at, Advanced::LATELY) > now);
        Ok(if lately && kept.row.state == step.state { Advanced::Again } else { Advanced::No })
    }

    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let tables = self.lock();
        let rows = tables.history.get(connection);
        let rows = rows.into_iter().flat_map(|rows| rows.values().rev()).map(|kept| &kept.row);
        Ok(rows
            .filter(|row| !is_over(HistoryRow::placed(row.at), HistoryRow::KEPT, now))
            .take(limit)
            .cloned()
            .collect())
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
        let kept = |row: &&Unusable| row.backend == *backend && !is_over(row.at, Unusable::KEPT, now);
        let mut kept: Vec<Unusable> = tables.unusable.iter().rev().filter(kept).cloned().collect();
        kept.sort_by_key(|row| Reverse(row.at));
        kept.truncate(limit);
        Ok(kept)
    }

    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let tables = self.lock();
        let rows =
            tables.history.get(connection).into_iter().flat_map(BTreeMap::values).map(|kept| &kept.row);
        let wanted = |row: &&HistoryRow| {
            HistoryRow::place(row.at) >= HistoryRow::place(from)
                && !is_over(HistoryRow::placed(row.at), HistoryRow::KEPT, now)
        };
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
        let kept = tables.numbers.iter().filter(|(connection, used_at)| {
            connection.backend == *backend && !is_over(**used_at, Number::KEPT, now)
        });
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
