//! The broadcasts of a store that fails as planned.

use async_trait::async_trait;
use jiff::Timestamp;

use super::FaultyStore;
use crate::model::broadcast::{Broadcast, BroadcastMessage};
use crate::model::broadcast_key::BroadcastKey;
use crate::store::{Broadcasts, Opened, Store, StoreError};

#[async_trait]
impl<S: Store> Broadcasts for FaultyStore<S> {
    async fn open_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError> {
        self.faults.around(self.inner.open_broadcast(broadcast, parts)).await
    }

    async fn stage_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError> {
        self.faults.around(self.inner.stage_broadcast(broadcast, parts)).await
    }

    async fn broadcast(&self, key: &BroadcastKey, now: Timestamp) -> Result<Option<Broadcast>, StoreError> {
        self.faults.around(self.inner.broadcast(key, now)).await
    }

    async fn broadcast_part(
        &self,
        key: &BroadcastKey,
        part: u32,
    ) -> Result<Vec<BroadcastMessage>, StoreError> {
        self.faults.around(self.inner.broadcast_part(key, part)).await
    }

    async fn part_is_fanned_out(&self, key: &BroadcastKey, part: u32) -> Result<(), StoreError> {
        self.faults.around(self.inner.part_is_fanned_out(key, part)).await
    }

    async fn postpone_broadcast(
        &self,
        key: &BroadcastKey,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.faults.around(self.inner.postpone_broadcast(key, until)).await
    }
}
