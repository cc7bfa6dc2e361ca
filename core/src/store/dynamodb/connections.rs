//! Claim and commit: the read of a connection, and the write of all changes that one message causes.

use crate::model::contact::Contact;
use crate::store::Connections;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::{SignedDuration, Timestamp};

use super::batch::READ_AT_ONCE;
use super::call::{Written, key};
use super::item::{
    Item, Reader, bytes, is_expired, names as n, number, of_entries, text, time, to_contact, to_outbox,
    to_record,
};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::model::contact::ContactId;
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::store::plan::Plan;
use crate::store::recent::{Seen, hash};
use crate::store::{Commit, Committed, Loaded, Record};

/// The time after a move of ids in which a missing id is looked up once more. A read that runs during the move may miss
/// an id that moves out of the connection's item.
const MOVING: SignedDuration = SignedDuration::from_secs(60);

#[async_trait]
impl Connections for DynamoStore {
    async fn open_backend(&self, backend: &BackendName, now: Timestamp) -> Result<(), StoreError> {
        let pk = keys::of_backend(backend);
        if self.get(&pk, keys::BACKEND).await?.is_some() {
            return Ok(());
        }
        let mut update = Update::new();
        update.set_once(n::CREATED_AT, time(now));
        self.update(&pk, keys::BACKEND, update, ReturnValue::None).await.map(drop)
    }

    /// Makes one round trip for three items: the connection, the id at the place to which it may have moved, and the
    /// contact that was made for this connection. The contact is read only once this process has met contacts; nearly
    /// always it is the connection's contact. If the connection has another contact, a second round trip reads that
    /// one.
    async fn load(
        &self,
        connection: &ConnectionId,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<Loaded, StoreError> {
        let pk = keys::of_connection(connection);
        let moved = keys::of_seen(hash(message));
        let own = self.expects_contacts().then(|| ContactId::of(connection, 0));
        let own_pk = own.as_ref().map(keys::of_contact);
        let mut wanted = vec![(pk.as_str(), keys::CONNECTION), (pk.as_str(), moved.as_str())];
        wanted.extend(own_pk.as_deref().map(|own| (own, keys::CONTACT)));
        let mut found = self.get_all(&wanted).await?;
        let own = own.zip(found.split_off(2).pop().flatten());
        let (item, moved_out) = (found.swap_remove(0), found.pop().flatten());
        let alive = |item: Option<Item>| item.filter(|item| !is_expired(item, now));
        let mut moved_out = alive(moved_out);
        if let Some(item) = item.as_ref().filter(|_| moved_out.is_none()) {
            let at = Reader::new(&pk, item).time(n::IDS_SPILLED_AT)?;
            if at.is_some_and(|at| now.duration_since(at) < MOVING) {
                moved_out = alive(self.get(&pk, &moved).await?);
            }
        }
        let record = to_record(&pk, item.as_ref(), now)?;
        let seen = moved_out.is_some() || record.recent.contains(message);
        let arrived = match (record.recent.arrival_of(message), &moved_out) {
            (None, Some(item)) => Reader::new(&moved, item).time(n::ARRIVED_AT)?,
            (arrived, _) => arrived,
        };
        let contact = match (&record.contact, own) {
            (None, _) => None,
            (Some(id), Some((own, item))) if *id == own => Some(to_contact(id, &item)?),
            (Some(id), _) => self.contact(id).await?,
        };
        Ok(Loaded { record, contact, seen, arrived })
    }

    async fn records(&self, connections: &[ConnectionId]) -> Result<Vec<Option<Record>>, StoreError> {
        let keys: Vec<String> = connections.iter().map(keys::of_connection).collect();
        let mut records = Vec::with_capacity(keys.len());
        for some in keys.chunks(READ_AT_ONCE) {
            let wanted: Vec<_> = some.iter().map(|pk| (pk.as_str(), keys::CONNECTION)).collect();
            for (pk, item) in some.iter().zip(self.get_all(&wanted).await?) {
                let record = item.map(|item| to_record(pk, Some(&item), Timestamp::UNIX_EPOCH));
                records.push(record.transpose()?);
            }
        }
        Ok(records)
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError> {
        let plan = Plan::of(&commit);
        let pk = keys::of_connection(commit.connection);
        let update = commit_update(&commit, &plan);
        self.move_ids_out(&pk, &plan.spill).await?;
        let alone = plan.chunks.is_empty() && plan.contacts.is_empty();
        // If nobody held a lease, nobody has changed the outbox since it was read, because the fence is still the same.
        // A holder may have settled entries.
        let touched = commit.seen.lease.is_some();
        if alone {
            let wanted = if touched { ReturnValue::AllNew } else { ReturnValue::None };
            return Ok(match self.update(&pk, keys::CONNECTION, update, wanted).await? {
                Written::Yes(after) if touched => Committed::Yes(to_outbox(&pk, &after)?),
                Written::Yes(_) => Committed::Yes(plan.after.outbox),
                Written::No(_) => Committed::Conflict,
            });
        }
        let mut actions = vec![self.update_action(&pk, keys::CONNECTION, update)?];
        for (at, chunk) in plan.chunks.iter().enumerate() {
            let sk = keys::of_chunk(plan.after.version, at);
            actions.push(self.put_action(&pk, &sk, [(n::OUTBOX, of_entries(chunk))])?);
        }
        for contact in &plan.contacts {
            actions.push(self.contact_action(contact)?);
        }
        if !self.transact(actions).await? {
            return Ok(Committed::Conflict);
        }
        if !touched {
            return Ok(Committed::Yes(plan.after.outbox));
        }
        let after = self.get(&pk, keys::CONNECTION).await?.unwrap_or_default();
        Ok(Committed::Yes(to_outbox(&pk, &after)?))
    }

    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.contacts_met.store(true, Ordering::Relaxed);
        let item = self.get(&keys::of_contact(id), keys::CONTACT).await?;
        item.map(|item| to_contact(id, &item)).transpose()
    }

    async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        let (pk, own) = (keys::of_connection(connection), ContactId::of(connection, 0));
        let own_pk = keys::of_contact(&own);
        let mut found = self.get_all(&[(&pk, keys::CONNECTION), (&own_pk, keys::CONTACT)]).await?;
        let (own_item, item) = (found.pop().flatten(), found.pop().flatten());
        let Some(item) = item else { return Ok(None) };
        match to_record(&pk, Some(&item), jiff::Timestamp::UNIX_EPOCH)?.contact {
            None => Ok(None),
            Some(id) => match own_item {
                Some(item) if id == own => to_contact(&id, &item).map(Some),
                _ => self.contact(&id).await,
            },
        }
    }
}

impl DynamoStore {
    /// Writes the ids that are about to leave the connection's item. Each of them was committed long ago, so it stays
    /// true even if this commit fails. Separate writes cost half the price of a transaction.
    async fn move_ids_out(&self, pk: &str, ids: &[Seen]) -> Result<(), StoreError> {
        let by_hash: BTreeMap<u64, Seen> = ids.iter().map(|seen| (seen.hash, *seen)).collect();
        let item = |seen: &Seen| {
            let mut item = key(pk, &keys::of_seen(seen.hash));
            item.insert(n::TTL.to_owned(), number(seen.expires_at()));
            item.extend(seen.arrived().map(|at| (n::ARRIVED_AT.to_owned(), time(at))));
            item
        };
        self.put_many(by_hash.values().map(item).collect()).await
    }
}

fn commit_update(commit: &Commit<'_>, plan: &Plan) -> Update {
    let (seen, now) = (commit.seen, commit.now);
    let mut update = Update::new();
    update
        .set(n::VERSION, number(plan.after.version))
        .set(n::RECENT, bytes(plan.recent.to_bytes()))
        .set_once(n::CREATED_AT, time(now));
    match plan.recent.arrivals_to_bytes() {
        Some(arrivals) => update.set(n::ARRIVALS, bytes(arrivals)),
        None => update.remove(&[n::ARRIVALS]),
    };
    match commit.session.to_json() {
        Some(json) => update.set(n::SESSION, text(json)),
        None => update.remove(&[n::SESSION]),
    };
    if let Some(mark) = commit.forms {
        update.set(n::FORMS, text(mark));
    }
    if commit.contact.is_some() || commit.forms.is_some() {
        match &plan.after.contact {
            Some(id) => update.set(n::CONTACT, text(id.as_str())),
            None => update.remove(&[n::CONTACT]),
        };
        if plan.after.contacts_made > 0 {
            update.set(n::CONTACTS_MADE, number(plan.after.contacts_made));
        }
    }
    match commit.opted_out {
        Some(at) => update.set(n::OPTED_OUT, time(at)),
        None => update.remove(&[n::OPTED_OUT]),
    };
    if commit.reply_rate != seen.reply_rate {
        update
            .set(n::PACE_SINCE, time(commit.reply_rate.since))
            .set(n::PACE, number(commit.reply_rate.replies));
    }
    if !plan.append.is_empty() {
        update.append(n::OUTBOX, of_entries(&plan.append));
    }
    if !plan.chunks.is_empty() {
        update.set(n::SPILLED, number(plan.after.outbox.spilled));
    }
    if !plan.spill.is_empty() {
        update.set(n::IDS_SPILLED_AT, time(now));
    }
    let shard = keys::shard(commit.connection);
    if let Some(lease) = &commit.lease {
        // The lease holder sends the outbox until then. After that the sweep finds it.
        update
            .set(n::LEASE_OWNER, text(&lease.owner))
            .set(n::LEASE_UNTIL, time(lease.until))
            .set(n::FENCE, number(lease.fence))
            .set(n::DUE_SHARD, text(shard))
            .set(n::DUE_AT, time(lease.until));
        // The former holder may be slow and not dead, and may have extended its lease since.
        update.only_if_is(n::LEASE_UNTIL, seen.lease.as_ref().map(|lease| time(lease.until)));
    } else if seen.outbox.is_empty() && !plan.after.outbox.is_empty() {
        update.set(n::DUE_SHARD, text(shard)).set(n::DUE_AT, time(now));
    }
    update.only_if_is(n::VERSION, (seen.version > 0).then(|| number(seen.version)));
    update.only_if_is(n::LEASE_OWNER, seen.lease.as_ref().map(|lease| text(&lease.owner)));
    update.only_if_is(n::FENCE, (seen.fence > 0).then(|| number(seen.fence)));
    update.only_if_is(n::SPILLED, (seen.outbox.spilled > 0).then(|| number(seen.outbox.spilled)));
    update
}
