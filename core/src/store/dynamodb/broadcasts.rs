//! Broadcasts as items: one item for each broadcast, and one for each of its parts.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::call::Written;
use super::item::{Item, Reader, is_expired, names as n, number, of_list, text, time};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::model::broadcast::{Broadcast, BroadcastMessage};
use crate::model::broadcast_key::BroadcastKey;
use crate::store::{Broadcasts, Opened};

#[async_trait]
impl Broadcasts for DynamoStore {
    async fn open_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError> {
        self.keep_broadcast(broadcast, parts, Some(broadcast.created_at)).await
    }

    async fn stage_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError> {
        self.keep_broadcast(broadcast, parts, None).await
    }

    async fn broadcast(&self, key: &BroadcastKey, now: Timestamp) -> Result<Option<Broadcast>, StoreError> {
        let pk = keys::of_broadcast(key);
        let item = self.get(&pk, keys::BROADCAST).await?.filter(|item| !is_expired(item, now));
        item.map(|item| to_broadcast(key, &item)).transpose()
    }

    async fn broadcast_part(
        &self,
        key: &BroadcastKey,
        part: u32,
    ) -> Result<Vec<BroadcastMessage>, StoreError> {
        let (pk, sk) = (keys::of_broadcast(key), keys::of_part(part));
        let Some(item) = self.get(&pk, &sk).await? else { return Ok(Vec::new()) };
        Reader::new(&pk, &item).list(n::PIECES)
    }

    async fn part_is_fanned_out(&self, key: &BroadcastKey, part: u32) -> Result<(), StoreError> {
        let pk = keys::of_broadcast(key);
        let mut update = Update::new();
        update.add_to_set(n::FINISHED_PARTS, part).only_if_there(n::CREATED_AT);
        let written = self.update(&pk, keys::BROADCAST, update, ReturnValue::AllNew).await?;
        // The broadcast has expired, so nothing is left to do.
        let Written::Yes(item) = written else { return Ok(()) };
        if to_broadcast(key, &item)?.unfinished().is_empty() {
            self.postpone_broadcast(key, None).await?;
        }
        Ok(())
    }

    async fn postpone_broadcast(
        &self,
        key: &BroadcastKey,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut update = Update::new();
        match until {
            Some(at) => update.set(n::DUE_SHARD, text(keys::shard_of(key))).set(n::DUE_AT, time(at)),
            None => update.remove(&[n::DUE_SHARD, n::DUE_AT]),
        };
        update.only_if_there(n::CREATED_AT);
        let pk = keys::of_broadcast(key);
        self.update(&pk, keys::BROADCAST, update, ReturnValue::None).await.map(drop)
    }
}

impl DynamoStore {
    /// Writes a broadcast with its parts if its key is free. The broadcast is due at the given time, or never.
    async fn keep_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
        due_at: Option<Timestamp>,
    ) -> Result<Opened, StoreError> {
        let pk = keys::of_broadcast(&broadcast.key);
        let ttl = || number(broadcast.created_at.as_second() + Broadcast::KEPT.as_secs());
        let mut update = Update::new();
        update
            .set(n::DIGEST, text(&broadcast.digest))
            .set(n::TEXT, text(&broadcast.text))
            .set(n::CREATED_AT, time(broadcast.created_at))
            .set(n::SIZES, of_list(&broadcast.sizes).unwrap_or_else(|| text("[]")))
            .set(n::TTL, ttl())
            .remove(&[n::FINISHED_PARTS]);
        match due_at {
            Some(at) => {
                update.set(n::DUE_SHARD, text(keys::shard_of(&broadcast.key))).set(n::DUE_AT, time(at))
            }
            None => update.remove(&[n::DUE_SHARD, n::DUE_AT]),
        };
        let (expires, now) = (update.name(n::TTL), update.value(number(broadcast.created_at.as_second())));
        update.only_if(format!("(attribute_not_exists({expires}) OR {expires} <= {now})"));
        let mut actions = vec![self.update_action(&pk, keys::BROADCAST, update)?];
        for (nth, part) in (0..).zip(parts) {
            let messages = of_list(part).unwrap_or_else(|| text("[]"));
            actions.push(self.put_action(
                &pk,
                &keys::of_part(nth),
                [(n::PIECES, messages), (n::TTL, ttl())],
            )?);
        }
        if self.transact(actions).await? {
            return Ok(Opened::Now(broadcast.clone()));
        }
        match self.broadcast(&broadcast.key, broadcast.created_at).await? {
            Some(before) => Ok(Opened::Before(before)),
            None => Err(StoreError::Unavailable("another call works on the same broadcast".to_owned())),
        }
    }
}

fn to_broadcast(key: &BroadcastKey, item: &Item) -> Result<Broadcast, StoreError> {
    let what = key.as_str();
    let read = Reader::new(what, item);
    let fanned_out = match item.get(n::FINISHED_PARTS) {
        Some(AttributeValue::Ns(parts)) => parts.iter().filter_map(|part| part.parse().ok()).collect(),
        _ => BTreeSet::new(),
    };
    Ok(Broadcast {
        key: key.clone(),
        digest: read.text(n::DIGEST)?.ok_or_else(|| read.bad(n::DIGEST))?.to_owned(),
        text: read.text(n::TEXT)?.unwrap_or_default().to_owned(),
        created_at: read.time(n::CREATED_AT)?.ok_or_else(|| read.bad(n::CREATED_AT))?,
        sizes: read.list(n::SIZES)?,
        fanned_out,
    })
}
