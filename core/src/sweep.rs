//! Finds outboxes and broadcasts that were left behind, or whose time has come, and puts them on the queue. It never
//! sends.

use futures_util::{StreamExt as _, stream};
use tracing::{error, info, warn};

use crate::project::Project;
use crate::queue::Ticket;
use crate::store::{StoreError, Waiting};

/// The most that one sweep puts on the queue; the next one goes on.
const LIMIT: usize = 1000;

/// How many of them at once.
const AT_ONCE: usize = 16;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// So many outboxes and broadcasts were due.
    pub due: usize,
    /// So many of them are on the queue now.
    pub enqueued: usize,
}

/// Enqueues a job for each outbox and each broadcast that is due, into its own group. Run it every minute; running it
/// twice at once does no harm.
pub async fn sweep(project: &Project) -> Result<Swept, StoreError> {
    let due = project.ports.store.due(project.ports.clock.now(), LIMIT).await?;
    let found = due.len();
    let enqueue = |due: crate::store::Due| async move {
        let (what, ticket) = match due.waiting {
            Waiting::Outbox(connection) => {
                (connection.backend.to_string(), Ticket::deliver(connection, due.since))
            }
            Waiting::Broadcast(key) => (key.to_string(), Ticket::broadcast(key, due.since)),
        };
        match project.enqueue(ticket).await {
            Ok(()) => 1,
            Err(problem) => {
                warn!(of = what, outcome = "not_enqueued", error = %problem, "sweep");
                0
            }
        }
    };
    let enqueued = stream::iter(due).map(enqueue).buffer_unordered(AT_ONCE).collect::<Vec<usize>>().await;
    let swept = Swept { due: found, enqueued: enqueued.iter().sum() };
    if swept.enqueued < swept.due {
        error!(due = swept.due, enqueued = swept.enqueued, outcome = "swept_in_part", "sweep");
    } else if swept.due > 0 {
        info!(due = swept.due, enqueued = swept.enqueued, outcome = "swept", "sweep");
    }
    Ok(swept)
}
