//! The port to the storage of broadcasts.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::broadcast::{Broadcast, BroadcastMessage};
use crate::model::broadcast_key::BroadcastKey;

/// The result of [`Broadcasts::open_broadcast`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The broadcast is stored now.
    Now(Broadcast),
    /// The key already has this broadcast. Nothing was written.
    Before(Broadcast),
}

/// The port to the storage of [broadcasts](crate::broadcast).
#[async_trait]
pub trait Broadcasts: Send + Sync {
    /// Stores a broadcast with all its parts, or nothing if its key is in use. The broadcast is
    /// [due](super::DueIndex::due) from the moment when it was made until all its parts are fanned out.
    async fn open_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError>;

    /// Stores a broadcast like [`Broadcasts::open_broadcast`], but not due. Nothing of it goes out until
    /// [`Broadcasts::postpone_broadcast`] sets a time.
    async fn stage_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Result<Opened, StoreError>;

    /// Returns the broadcast of this key, as long as it is [kept](Broadcast::KEPT).
    async fn broadcast(&self, key: &BroadcastKey, now: Timestamp) -> Result<Option<Broadcast>, StoreError>;

    /// Returns the messages in one part of a broadcast. Returns an empty list if there is no such part.
    async fn broadcast_part(
        &self,
        key: &BroadcastKey,
        part: u32,
    ) -> Result<Vec<BroadcastMessage>, StoreError>;

    /// Records that the messages of a part are on the queue. With the last part the broadcast is no longer due.
    async fn part_is_fanned_out(&self, key: &BroadcastKey, part: u32) -> Result<(), StoreError>;

    /// Makes the broadcast due at another time, or no longer due.
    async fn postpone_broadcast(
        &self,
        key: &BroadcastKey,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError>;
}
