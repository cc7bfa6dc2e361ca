//! Outboxes in memory.

use std::collections::VecDeque;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::model::message::{ConnectionId, MessageId};
use crate::planted::{self, Plant};
use crate::store::{Entry, Lease, Outbox, Outboxes, Settled, Settlement, StoreError, Taken};

#[async_trait]
impl Outboxes for MemoryStore {
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
}
