//! Broadcasts: many messages that are not replies, accepted in one call.
//!
//! A call writes the broadcast with all its parts in one transaction, under a key that the caller gives. From then on
//! each recipient has one message, even if a process dies at any point. The message goes out like a reply: once, or
//! twice only if the gateway's answer was lost or not recorded. A job for each part puts the part's messages on the
//! queue, and each message is then processed separately. The sweep finds parts that are not finished.

pub mod endpoint;
mod order;
mod progress;

pub use crate::model::broadcast::{Broadcast, BroadcastMessage};
pub use crate::model::broadcast_key::{BroadcastKey, InvalidKey};
pub use order::Order;

use std::collections::BTreeSet;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::error::Fault;
use crate::model::broadcast::in_parts;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::Ticket;
use crate::store::{Opened, StoreError};

/// The result of a call for a broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The broadcast is durable, by this call or an earlier one, and goes out.
    Accepted(Broadcast),
    /// The key belongs to another broadcast. Nothing was written.
    Conflict,
}

/// The reason why a broadcast was not accepted. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BroadcastError {
    /// The order is not valid. These are its faults.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unusable(Vec<Fault>),
    /// The store did not accept the broadcast. Call again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Accepts a broadcast. Once this returns [`Acceptance::Accepted`], the broadcast is stored with one message for each recipient.
/// For 30 days a call with the same key and the same content makes no further message.
pub async fn broadcast(project: &Project, order: &Order) -> Result<Acceptance, BroadcastError> {
    let (digest, now) = (order.digest(), project.ports.clock.now());
    let store = &project.ports.store;
    let known = store.broadcast(&order.key, now).await?;
    let known = match known.filter(|_| !planted::is(Plant::BroadcastUnchecked)) {
        Some(known) => Opened::Before(known),
        None => open(project, order, digest.clone(), now).await?,
    };
    let broadcast = match known {
        Opened::Before(known) if known.digest != digest => {
            info!(broadcast = order.key.as_str(), outcome = "conflict", "broadcast");
            return Ok(Acceptance::Conflict);
        }
        Opened::Before(known) => known,
        Opened::Now(new) => {
            info!(broadcast = new.key.as_str(), recipients = new.total(), outcome = "accepted", "broadcast");
            new
        }
    };
    if !broadcast.unfinished().is_empty() {
        let ticket = Ticket::broadcast(broadcast.key.clone(), broadcast.created_at);
        if let Err(problem) = project.ports.queue.enqueue(ticket).await {
            warn!(
                broadcast = broadcast.key.as_str(),
                outcome = "not_enqueued",
                error = %problem,
                "the sweep will start this broadcast"
            );
        }
    }
    Ok(Acceptance::Accepted(broadcast))
}

async fn open(
    project: &Project,
    order: &Order,
    digest: String,
    now: Timestamp,
) -> Result<Opened, BroadcastError> {
    let parts = in_parts(order.messages(project).await?);
    let size = |part: &Vec<BroadcastMessage>| u32::try_from(part.len()).unwrap_or(u32::MAX);
    let broadcast = Broadcast {
        key: order.key.clone(),
        digest,
        text: order.text.clone(),
        created_at: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
        sizes: parts.iter().map(size).collect(),
        fanned_out: BTreeSet::new(),
    };
    Ok(project.ports.store.open_broadcast(&broadcast, &parts).await?)
}
