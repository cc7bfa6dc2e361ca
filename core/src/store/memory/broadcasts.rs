//! Broadcasts in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::model::broadcast::{Broadcast, BroadcastMessage};
use crate::model::broadcast_key::BroadcastKey;
use crate::planted::{self, Plant};
use crate::store::{Broadcasts, Due, Opened, StoreError, Waiting, is_over};

/// The broadcasts by key.
pub(super) type Kept = BTreeMap<BroadcastKey, KeptBroadcast>;

/// A stored broadcast with its parts and its due time.
pub(super) struct KeptBroadcast {
    pub(super) broadcast: Broadcast,
    parts: Vec<Vec<BroadcastMessage>>,
    pub(super) due_at: Option<Timestamp>,
}

/// Returns the broadcasts that are due.
pub(super) fn due(kept: &Kept, now: Timestamp) -> impl Iterator<Item = Due> {
    kept.iter().filter_map(move |(key, kept)| {
        let since = kept.due_at.filter(|due_at| *due_at <= now)?;
        Some(Due { waiting: Waiting::Broadcast(key.clone()), since })
    })
}

fn keep(
    kept: &mut Kept,
    broadcast: &Broadcast,
    parts: &[Vec<BroadcastMessage>],
    due_at: Option<Timestamp>,
) -> Opened {
    let alive =
        |kept: &&KeptBroadcast| !is_over(kept.broadcast.created_at, Broadcast::KEPT, broadcast.created_at);
    let unchecked = planted::is(Plant::BroadcastUnchecked);
    if let Some(before) = kept.get(&broadcast.key).filter(|kept| alive(kept) && !unchecked) {
        return Opened::Before(before.broadcast.clone());
    }
    let new = KeptBroadcast { broadcast: broadcast.clone(), parts: parts.to_vec(), due_at };
    kept.insert(broadcast.key.clone(), new);
    Opened::Now(broadcast.clone())
}

#[async_trait]
impl Broadcasts for MemoryStore {
    async fn open_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError> {
        Ok(keep(&mut self.lock().broadcasts, broadcast, parts, Some(broadcast.created_at)))
    }

    async fn stage_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError> {
        Ok(keep(&mut self.lock().broadcasts, broadcast, parts, None))
    }

    async fn broadcast(&self, key: &BroadcastKey, now: Timestamp) -> Result<Option<Broadcast>, StoreError> {
        let tables = self.lock();
        let kept = tables.broadcasts.get(key).map(|kept| &kept.broadcast);
        Ok(kept.filter(|kept| !is_over(kept.created_at, Broadcast::KEPT, now)).cloned())
    }

    async fn broadcast_part(
        &self,
        key: &BroadcastKey,
        part: u32,
    ) -> Result<Vec<BroadcastMessage>, StoreError> {
        let tables = self.lock();
        let part = tables.broadcasts.get(key).and_then(|kept| kept.parts.get(part as usize));
        Ok(part.cloned().unwrap_or_default())
    }

    async fn part_is_fanned_out(&self, key: &BroadcastKey, part: u32) -> Result<(), StoreError> {
        if let Some(kept) = self.lock().broadcasts.get_mut(key) {
            kept.broadcast.fanned_out.insert(part);
            if kept.broadcast.unfinished().is_empty() {
                kept.due_at = None;
            }
        }
        Ok(())
    }

    async fn postpone_broadcast(
        &self,
        key: &BroadcastKey,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        if let Some(kept) = self.lock().broadcasts.get_mut(key) {
            kept.due_at = until;
        }
        Ok(())
    }
}
