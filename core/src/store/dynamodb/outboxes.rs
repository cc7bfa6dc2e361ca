//! Delivery: the lease, and the settlement of the head of an outbox.

use crate::store::{Outboxes, Settlement};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{Delete, ReturnValue, TransactWriteItem};
use jiff::Timestamp;

use super::call::{Written, key};
use super::item::{
    Item, Reader, names as n, number, of_entries, of_entry, text, time, to_entries, to_outbox, to_record,
};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::model::message::{ConnectionId, MessageId};
use crate::store::{Entry, Lease, Outbox, Settled, Taken};

#[async_trait]
impl Outboxes for DynamoStore {
    async fn take_lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = Update::new();
        update
            .set(n::LEASE_OWNER, text(owner))
            .set(n::LEASE_UNTIL, time(until))
            .set(n::DUE_SHARD, text(keys::shard(connection)))
            .set(n::DUE_AT, time(until))
            .count_up(n::FENCE)
            .show_refusal();
        only_if_lease_is_over(&mut update, now);
        let (outbox, next) = (update.name(n::OUTBOX), update.name(n::NEXT));
        let (spilled, id) = (update.name(n::SPILLED), update.name(n::ID));
        let present = update.value(time(now));
        update.only_if(format!(
            "((attribute_exists({outbox}[0].{id}) AND \
               (attribute_not_exists({outbox}[0].{next}) OR {outbox}[0].{next} <= {present})) OR \
              (attribute_not_exists({outbox}[0].{id}) AND attribute_exists({spilled})))"
        ));
        let found = match self.update(&pk, keys::CONNECTION, update, ReturnValue::AllOld).await? {
            Written::Yes(before) => {
                let record = to_record(&pk, Some(&before), now)?;
                let (lease, abandoned) = (record.next_lease(owner, until), record.lease.is_some());
                return Ok(Taken::Yes { lease, outbox: record.outbox, abandoned });
            }
            Written::No(found) => found,
        };
        if found.is_empty() {
            return Ok(Taken::No);
        }
        let record = to_record(&pk, Some(&found), now)?;
        match record.lease {
            // This same call took the lease, but its answer was lost and the SDK tried again. It is unknown whether
            // there was a lease before, so this assumes that there was one.
            Some(lease) if lease.owner == owner => {
                Ok(Taken::Yes { lease, outbox: record.outbox, abandoned: true })
            }
            Some(lease) if lease.until > now => Ok(Taken::No),
            _ => {
                if record.outbox.is_empty() && found.contains_key(n::DUE_AT) {
                    self.leave_the_due(&pk, now).await?;
                }
                Ok(Taken::No)
            }
        }
    }

    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = Update::new();
        update.set(n::LEASE_UNTIL, time(lease.until)).set(n::DUE_AT, time(lease.until));
        update.only_if_is(n::LEASE_OWNER, Some(text(&lease.owner)));
        let written = self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await?;
        Ok(matches!(written, Written::Yes(_)))
    }

    async fn settle(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, StoreError> {
        match settlement {
            Settlement::Done => self.remove_head(connection, lease, outbox).await,
            Settlement::Deferred(head) => self.put_back(connection, lease, &head).await,
            Settlement::Passed(head) => self.let_pass(connection, lease, outbox, &head).await,
        }
    }

    /// Removes an entry, before its turn or in its turn. The lease stays.
    async fn withdraw(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = held(lease);
        only_if_entry_is(&mut update, at, id);
        update.remove_nth(n::OUTBOX, at);
        match self.update(&pk, keys::CONNECTION, update, ReturnValue::AllNew).await? {
            Written::Yes(after) => Ok(Settled::Remaining(to_outbox(&pk, &after)?)),
            Written::No(found) => as_found(&pk, &found, lease),
        }
    }

    /// Moves the oldest chunk in. If there is none, gives the lease back.
    async fn refill(&self, connection: &ConnectionId, lease: &Lease) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let item = self.get(&pk, keys::CONNECTION).await?.unwrap_or_default();
        let outbox = match as_found(&pk, &item, lease)? {
            Settled::Remaining(outbox) if outbox.entries.is_empty() => outbox,
            settled => return Ok(settled),
        };
        if outbox.spilled == 0 {
            let mut update = held(lease);
            release(&mut update, 0);
            return match self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await? {
                Written::Yes(_) => Ok(Settled::Released),
                // A commit appended entries in between.
                Written::No(found) => as_found(&pk, &found, lease),
            };
        }
        let Some((sk, entries)) = self.oldest_piece(&pk).await? else {
            let problem = "a piece of its outbox is missing".to_owned();
            return Err(StoreError::Unreadable { what: pk, problem });
        };
        let left = outbox.spilled - 1;
        let mut update = held(lease);
        update.set(n::OUTBOX, of_entries(&entries));
        if left == 0 {
            update.remove(&[n::SPILLED])
        } else {
            update.set(n::SPILLED, number(left))
        };
        update.only_if_is(n::SPILLED, Some(number(outbox.spilled)));
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key(&pk, &sk)));
        let delete = delete.condition_expression("attribute_exists(pk)").build();
        let delete = delete.map_err(|problem| StoreError::Refused(problem.to_string()))?;
        let actions = vec![
            self.update_action(&pk, keys::CONNECTION, update)?,
            TransactWriteItem::builder().delete(delete).build(),
        ];
        if self.transact(actions).await? {
            return Ok(Settled::Remaining(Outbox { entries: entries.into(), spilled: left, ..outbox }));
        }
        // A commit added another chunk in between. The caller tries again with this outbox.
        Ok(Settled::Remaining(outbox))
    }
}

impl DynamoStore {
    /// Removes an empty outbox from the index of due entries. A holder leaves such an outbox if it dies after the last
    /// entry and before the end of its lease.
    async fn leave_the_due(&self, pk: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut update = Update::new();
        only_if_lease_is_over(&mut update, now);
        release(&mut update, 0);
        self.update(pk, keys::CONNECTION, update, ReturnValue::None).await.map(drop)
    }

    /// Keeps the head and gives the lease back, in one write.
    async fn put_back(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        head: &Entry,
    ) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = held(lease);
        only_if_entry_is(&mut update, 0, &head.id);
        update
            .set_nth(n::OUTBOX, 0, of_entry(head))
            .set(n::DUE_AT, time(head.next_attempt.unwrap_or(head.created_at)))
            .remove(&[n::LEASE_OWNER, n::LEASE_UNTIL]);
        match self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await? {
            Written::Yes(_) => Ok(Settled::Released),
            Written::No(found) => as_found(&pk, &found, lease),
        }
    }

    /// Moves the head behind the first message to the connection itself. The lease stays.
    async fn let_pass(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        head: &Entry,
    ) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = held(lease);
        only_if_entry_is(&mut update, 0, &head.id);
        let message = outbox.first_message().and_then(|at| Some((at, outbox.entries.get(at)?)));
        if let Some((at, message)) = message {
            only_if_entry_is(&mut update, at, &message.id);
            update.set_nth(n::OUTBOX, 0, of_entry(message)).set_nth(n::OUTBOX, 1, of_entry(head));
            for (nth, between) in outbox.entries.iter().enumerate().take(at).skip(1) {
                update.set_nth(n::OUTBOX, nth + 1, of_entry(between));
            }
        } else {
            update.set_nth(n::OUTBOX, 0, of_entry(head));
        }
        match self.update(&pk, keys::CONNECTION, update, ReturnValue::AllNew).await? {
            Written::Yes(after) => Ok(Settled::Remaining(to_outbox(&pk, &after)?)),
            Written::No(found) => as_found(&pk, &found, lease),
        }
    }

    /// Removes the head. With the last entry, gives the lease back.
    async fn remove_head(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
    ) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let Some(head) = outbox.entries.front() else {
            let found = self.get(&pk, keys::CONNECTION).await?.unwrap_or_default();
            return as_found(&pk, &found, lease);
        };
        if outbox.entries.len() == 1 && outbox.spilled == 0 {
            let mut update = held(lease);
            only_if_entry_is(&mut update, 0, &head.id);
            update.remove_nth(n::OUTBOX, 0);
            release(&mut update, 1);
            match self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await? {
                Written::Yes(_) => return Ok(Settled::Released),
                // More entries have come since. So only the head is removed, and the lease stays.
                Written::No(found) if is_head(&found, &head.id) => {}
                Written::No(found) => return as_found(&pk, &found, lease),
            }
        }
        self.withdraw(connection, lease, 0, &head.id).await
    }

    async fn oldest_piece(&self, pk: &str) -> Result<Option<(String, Vec<Entry>)>, StoreError> {
        let found: Vec<Item> = self.query_led_by(pk, keys::OUTBOX, true, 1).await?;
        let Some(item) = found.into_iter().next() else { return Ok(None) };
        let sk = item.get(keys::SK).and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        let entries = to_entries(&sk, &item)?;
        Ok(Some((sk, entries)))
    }
}

/// Returns the result for a lease holder whose write met this item. If the lease is gone and nobody has taken one
/// since, the holder's own write gave it back: its answer was lost, and the SDK tried again.
fn as_found(pk: &str, item: &Item, lease: &Lease) -> Result<Settled, StoreError> {
    let fence = Reader::new(pk, item).number::<u64>(n::FENCE)?;
    match item.get(n::LEASE_OWNER).and_then(|owner| owner.as_s().ok()) {
        Some(owner) if *owner == lease.owner => Ok(Settled::Remaining(to_outbox(pk, item)?)),
        None if fence == Some(lease.fence) => Ok(Settled::Released),
        _ => Ok(Settled::Lost),
    }
}

/// Returns whether the outbox of this item begins with this entry.
fn is_head(item: &Item, id: &MessageId) -> bool {
    let list = item.get(n::OUTBOX).and_then(|outbox| outbox.as_l().ok());
    let head = list.and_then(|list| list.first()?.as_m().ok());
    head.and_then(|head| head.get(n::ID)?.as_s().ok()).is_some_and(|head| head == id.as_str())
}

/// Returns an update that only the holder of the lease may make. If the condition does not hold, the call returns the
/// stored item.
fn held(lease: &Lease) -> Update {
    let mut update = Update::new();
    update.only_if_is(n::LEASE_OWNER, Some(text(&lease.owner))).show_refusal();
    update
}

/// Adds the condition that entry number `at` has this id.
fn only_if_entry_is(update: &mut Update, at: usize, id: &MessageId) {
    let (outbox, name) = (update.name(n::OUTBOX), update.name(n::ID));
    let id = update.value(text(id.as_str()));
    update.only_if(format!("{outbox}[{at}].{name} = {id}"));
}

/// Adds the condition that nobody holds a valid lease.
fn only_if_lease_is_over(update: &mut Update, now: Timestamp) {
    let (owner, until) = (update.name(n::LEASE_OWNER), update.name(n::LEASE_UNTIL));
    let present = update.value(time(now));
    update.only_if(format!("(attribute_not_exists({owner}) OR {until} <= {present})"));
}

/// Gives the lease back, on the condition that the outbox has this many entries before the write and that no chunk has
/// moved out of it.
fn release(update: &mut Update, entries: usize) {
    update.remove(&[n::LEASE_OWNER, n::LEASE_UNTIL, n::DUE_SHARD, n::DUE_AT]);
    let (outbox, count) = (update.name(n::OUTBOX), update.value(number(entries)));
    let size = format!("size({outbox}) = {count}");
    let none = if entries == 0 { format!("(attribute_not_exists({outbox}) OR {size})") } else { size };
    update.only_if(none);
    update.only_if_is(n::SPILLED, None);
}
