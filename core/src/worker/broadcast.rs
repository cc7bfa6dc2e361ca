//! Fan-out of broadcasts: the parts of a broadcast go on the queue, and then the messages of each part.

use std::time::Duration;

use tracing::{error, info, warn};

use crate::model::broadcast::Broadcast;
use crate::model::broadcast_key::BroadcastKey;
use crate::pipeline::fan_out::enqueue_notices;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::Ticket;
use crate::util::clock::after;
use crate::worker::failure::JobFailure;

/// The time after which the sweep checks that all parts are done. It is longer than the queue knows a deduplication id.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// Puts a job on the queue for each part that is not done.
pub(crate) async fn fan_out_broadcast(project: &Project, key: &BroadcastKey) -> Result<(), JobFailure> {
    let (store, now) = (&project.ports.store, project.ports.clock.now());
    let Some(broadcast) = store.broadcast(key, now).await? else {
        warn!(broadcast = key.as_str(), outcome = "not_found", "broadcast");
        return Ok(());
    };
    let parts = broadcast.unfinished();
    if parts.is_empty() {
        return Ok(store.postpone_broadcast(key, None).await?);
    }
    if is_over(&broadcast, now) {
        error!(
            broadcast = key.as_str(),
            parts = parts.len(),
            outcome = "expired",
            "some messages of the broadcast were not on the queue within 24 hours; they are not sent"
        );
        return Ok(store.postpone_broadcast(key, None).await?);
    }
    let again = after(now, LOOK_AGAIN);
    store.postpone_broadcast(key, Some(again)).await?;
    info!(broadcast = key.as_str(), parts = parts.len(), outcome = "fanned_out", "broadcast");
    let tickets = parts.into_iter().map(|part| Ticket::part(key.clone(), part, again)).collect();
    project.ports.queue.enqueue_all(tickets).await?;
    Ok(())
}

/// Puts the messages of one part on the queue.
pub(crate) async fn fan_out_part(project: &Project, key: &BroadcastKey, part: u32) -> Result<(), JobFailure> {
    let (store, now) = (&project.ports.store, project.ports.clock.now());
    let (broadcast, messages) = tokio::join!(store.broadcast(key, now), store.broadcast_part(key, part));
    let Some(broadcast) = broadcast?.filter(|broadcast| !broadcast.fanned_out.contains(&part)) else {
        return Ok(());
    };
    if is_over(&broadcast, now) {
        return Ok(());
    }
    let notices = messages?.iter().filter_map(|message| broadcast.notice(message)).collect();
    if planted::is(Plant::PartDoneBeforeFanOut) {
        store.part_is_fanned_out(key, part).await?;
    }
    enqueue_notices(project, notices).await?;
    Ok(store.part_is_fanned_out(key, part).await?)
}

/// Returns whether the broadcast's time is over. A late message helps nobody. Also, the connections must still know
/// which messages of the broadcast they had.
fn is_over(broadcast: &Broadcast, now: jiff::Timestamp) -> bool {
    now.duration_since(broadcast.created_at) > Broadcast::SENT_FOR
}
