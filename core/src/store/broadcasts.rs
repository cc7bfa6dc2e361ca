//! Where broadcasts are kept: the port.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::broadcast::{Broadcast, Piece};
use crate::model::broadcast_key::BroadcastKey;

/// What became of a [`Broadcasts::open_broadcast`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is kept.
    Now(Broadcast),
    /// The key has this one. Nothing was written.
    Before(Broadcast),
}

/// The port to storage, as far as it is about [broadcasts](crate::broadcast).
#[async_trait]
pub trait Broadcasts: Send + Sync {
    /// Keeps a broadcast with all its parts, or nothing where its key is taken. It is [due](super::Store::due) from
    /// the moment it was made until its parts are spread.
    async fn open_broadcast(&self, broadcast: &Broadcast, parts: &[Vec<Piece>])
    -> Result<Opened, StoreError>;

    /// Keeps a broadcast like [`Broadcasts::open_broadcast`], but not due: nothing of it goes out before
    /// [`Broadcasts::postpone_broadcast`] says when.
    async fn stage_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<Piece>],
    ) -> Result<Opened, StoreError>;

    /// The broadcast of this key, as long as it is [kept](Broadcast::KEPT).
    async fn broadcast(&self, key: &BroadcastKey, now: Timestamp) -> Result<Option<Broadcast>, StoreError>;

    /// The messages in one part of it; none where there is no such part.
    async fn broadcast_part(&self, key: &BroadcastKey, part: u32) -> Result<Vec<Piece>, StoreError>;

    /// Records that the messages of a part are on the queue. With the last one the broadcast is no longer due.
    async fn part_is_fanned_out(&self, key: &BroadcastKey, part: u32) -> Result<(), StoreError>;

    /// Has the broadcast due at another time, or no longer.
    async fn postpone_broadcast(
        &self,
        key: &BroadcastKey,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError>;
}
