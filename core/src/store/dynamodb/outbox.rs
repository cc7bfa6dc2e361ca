//! Delivery: the lease, and what becomes of the head of an outbox.

use aws_sdk_dynamodb::types::{Delete, ReturnValue, TransactWriteItem};
use jiff::Timestamp;

use super::call::{Written, key};
use super::item::{
    Item, names as n, number, of_entries, of_entry, text, time, to_entries, to_outbox, to_record,
};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::aws::sort;
use crate::message::{ConnectionId, MessageId};
use crate::store::{Entry, Lease, Outbox, Record, Settled, Taken};

impl DynamoStore {
    pub(super) async fn write_lease(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = Update::new();
        update
            .set(n::LEASE_OWNER, text(&lease.owner))
            .set(n::LEASE_UNTIL, time(lease.until))
            .set(n::DUE_SHARD, text(keys::shard(connection)))
            .set(n::DUE_AT, time(lease.until));
        let (owner, until) = (update.name(n::LEASE_OWNER), update.name(n::LEASE_UNTIL));
        let (outbox, next) = (update.name(n::OUTBOX), update.name(n::NEXT));
        let (spilled, id) = (update.name(n::SPILLED), update.name(n::ID));
        let present = update.value(time(now));
        update.only_if(format!("(attribute_not_exists({owner}) OR {until} <= {present})"));
        update.only_if(format!(
            "((attribute_exists({outbox}[0].{id}) AND \
               (attribute_not_exists({outbox}[0].{next}) OR {outbox}[0].{next} <= {present})) OR \
              (attribute_not_exists({outbox}[0].{id}) AND attribute_exists({spilled})))"
        ));
        Ok(match self.update(&pk, keys::CONNECTION, update, ReturnValue::AllOld).await? {
            Written::Yes(before) => {
                let Record { outbox, lease, .. } = to_record(&pk, Some(&before), now)?;
                Taken::Yes { outbox, abandoned: lease.is_some() }
            }
            Written::No(_) => Taken::No,
        })
    }

    pub(super) async fn write_extension(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
    ) -> Result<bool, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = Update::new();
        update.set(n::LEASE_UNTIL, time(lease.until)).set(n::DUE_AT, time(lease.until));
        update.only_if_is(n::LEASE_OWNER, Some(text(&lease.owner)));
        let written = self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await?;
        Ok(matches!(written, Written::Yes(_)))
    }

    /// The head stays and the lease goes, in one write.
    pub(super) async fn put_back(
        &self,
        connection: &ConnectionId,
        owner: &str,
        head: &Entry,
    ) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let mut update = held(owner, 0, Some(&head.id));
        update
            .set_first(n::OUTBOX, of_entry(head))
            .set(n::DUE_AT, time(head.next_attempt.unwrap_or(head.created_at)))
            .remove(&[n::LEASE_OWNER, n::LEASE_UNTIL]);
        Ok(match self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await? {
            Written::Yes(_) => Settled::Released,
            Written::No(_) => Settled::Lost,
        })
    }

    /// The head goes, and with the last one the lease.
    pub(super) async fn remove_head(
        &self,
        connection: &ConnectionId,
        owner: &str,
        outbox: &Outbox,
    ) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let head = outbox.entries.front();
        if outbox.entries.len() == 1 && outbox.spilled == 0 {
            let mut update = held(owner, 0, head.map(|head| &head.id));
            update.remove_nth(n::OUTBOX, 0);
            release(&mut update, 1);
            if let Written::Yes(_) = self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await? {
                return Ok(Settled::Released);
            }
            // More has come in since, or the lease is lost: the next write tells.
        }
        let id = head.map(|head| &head.id);
        self.remove_nth(&pk, owner, 0, id).await
    }

    /// An entry goes before its turn, and the lease stays.
    pub(super) async fn remove_entry(
        &self,
        connection: &ConnectionId,
        owner: &str,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError> {
        self.remove_nth(&keys::of_connection(connection), owner, at, Some(id)).await
    }

    async fn remove_nth(
        &self,
        pk: &str,
        owner: &str,
        at: usize,
        id: Option<&MessageId>,
    ) -> Result<Settled, StoreError> {
        let mut update = held(owner, at, id);
        update.remove_nth(n::OUTBOX, at);
        if let Written::Yes(after) = self.update(pk, keys::CONNECTION, update, ReturnValue::AllNew).await? {
            return Ok(Settled::Remaining(to_outbox(pk, &after)?));
        }
        // If the lease is ours all the same, this write was done and only its answer was lost: the SDK tried again.
        let item = self.get(pk, keys::CONNECTION).await?.unwrap_or_default();
        if holder(&item) == Some(owner) {
            Ok(Settled::Remaining(to_outbox(pk, &item)?))
        } else {
            Ok(Settled::Lost)
        }
    }

    /// The oldest piece that moved out moves in, or, where there is none, the lease goes.
    pub(super) async fn move_in(
        &self,
        connection: &ConnectionId,
        owner: &str,
    ) -> Result<Settled, StoreError> {
        let pk = keys::of_connection(connection);
        let item = self.get(&pk, keys::CONNECTION).await?.unwrap_or_default();
        if holder(&item) != Some(owner) {
            return Ok(Settled::Lost);
        }
        let outbox = to_outbox(&pk, &item)?;
        if !outbox.entries.is_empty() {
            return Ok(Settled::Remaining(outbox));
        }
        if outbox.spilled == 0 {
            let mut update = held(owner, 0, None);
            release(&mut update, 0);
            let written = self.update(&pk, keys::CONNECTION, update, ReturnValue::None).await?;
            // Had something come in since, the sweep would find it when the lease ends.
            return Ok(if let Written::Yes(_) = written { Settled::Released } else { Settled::Lost });
        }
        let Some((sk, entries)) = self.oldest_piece(&pk).await? else {
            let problem = "a piece of its outbox is missing".to_owned();
            return Err(StoreError::Unreadable { what: pk, problem });
        };
        let left = outbox.spilled - 1;
        let mut update = held(owner, 0, None);
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
        // A commit added another piece in between: as it is now, the caller tries again.
        Ok(Settled::Remaining(outbox))
    }

    async fn oldest_piece(&self, pk: &str) -> Result<Option<(String, Vec<Entry>)>, StoreError> {
        let found: Vec<Item> = self.query_led_by(pk, keys::OUTBOX, true, 1).await?;
        let Some(item) = found.into_iter().next() else { return Ok(None) };
        let sk = item.get(keys::SK).and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        let entries = to_entries(&sk, &item)?;
        Ok(Some((sk, entries)))
    }

    /// Items of one partition whose sort key begins so, in its order or against it.
    pub(super) async fn query_led_by(
        &self,
        pk: &str,
        lead: &str,
        forward: bool,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        self.query_items(
            "pk = :pk AND begins_with(sk, :lead)",
            [(":pk", pk), (":lead", lead)],
            forward,
            limit,
        )
        .await
    }

    /// Items of one partition whose sort key is in a range, both ends included, in its order.
    pub(super) async fn query_between(
        &self,
        pk: &str,
        first: &str,
        last: &str,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let values = [(":pk", pk), (":first", first), (":last", last)];
        self.query_items("pk = :pk AND sk BETWEEN :first AND :last", values, true, limit).await
    }

    async fn query_items(
        &self,
        condition: &str,
        values: impl IntoIterator<Item = (&str, &str)>,
        forward: bool,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let values: Item = values.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let wanted = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .consistent_read(true)
                .scan_index_forward(forward)
                .limit(wanted)
                .set_exclusive_start_key(from)
                .set_return_consumed_capacity(self.metering())
                .send()
                .await
                .map_err(|error| sort("Query", &error))?;
            self.meter_read(output.consumed_capacity());
            items.extend(output.items.unwrap_or_default());
            from = output.last_evaluated_key;
            if from.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
    }
}

/// Who holds the lease.
fn holder(item: &Item) -> Option<&str> {
    item.get(n::LEASE_OWNER)?.as_s().ok().map(String::as_str)
}

/// A write that only the holder of the lease may make, and only while entry number `at` is the one that it knows.
fn held(owner: &str, at: usize, entry: Option<&MessageId>) -> Update {
    let mut update = Update::new();
    update.only_if_is(n::LEASE_OWNER, Some(text(owner)));
    if let Some(entry) = entry {
        let (outbox, name) = (update.name(n::OUTBOX), update.name(n::ID));
        let id = update.value(text(entry.as_str()));
        update.only_if(format!("{outbox}[{at}].{name} = {id}"));
    }
    update
}

/// Gives the lease back, if the outbox has so many entries before the write and nothing has moved out of it.
fn release(update: &mut Update, entries: usize) {
    update.remove(&[n::LEASE_OWNER, n::LEASE_UNTIL, n::DUE_SHARD, n::DUE_AT]);
    let (outbox, count) = (update.name(n::OUTBOX), update.value(number(entries)));
    let size = format!("size({outbox}) = {count}");
    let none = if entries == 0 { format!("(attribute_not_exists({outbox}) OR {size})") } else { size };
    update.only_if(none);
    update.only_if_is(n::SPILLED, None);
}
