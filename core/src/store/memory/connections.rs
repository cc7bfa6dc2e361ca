//! Connections in memory.

use std::mem;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Kept, MemoryStore, Tables};
use crate::model::contact::{Contact, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::planted::{self, Plant};
use crate::store::plan::Plan;
use crate::store::{Commit, Committed, Connections, Loaded, Outbox, Record, StoreError};

#[async_trait]
impl Connections for MemoryStore {
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

    async fn records(&self, connections: &[ConnectionId]) -> Result<Vec<Option<Record>>, StoreError> {
        let tables = self.lock();
        let record = |connection| tables.connections.get(connection).map(|kept| kept.record.clone());
        Ok(connections.iter().map(record).collect())
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError> {
        let owner = |record: &Record| record.lease.as_ref().map(|lease| lease.owner.clone());
        let until = |record: &Record| record.lease.as_ref().map(|lease| lease.until);
        let (seen, now) = (commit.seen, commit.now);
        let mut tables = self.lock();
        let Tables { connections, contacts, .. } = &mut *tables;
        let new = Kept::new(now);
        let plan = Plan::of(&commit);
        // Ids move out before the write, whether the write succeeds or not. The store on DynamoDB does the same.
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
        // The holder of a lease may have settled entries since. So append to the entries that are there now.
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
}
