//! The index of due entries in memory, page by page.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryStore, Tables, broadcasts};
use crate::model::message::ConnectionId;
use crate::planted::{self, Plant};
use crate::store::{Due, DueCursor, DueIndex, DuePage, StoreError, Waiting};

#[async_trait]
impl DueIndex for MemoryStore {
    async fn due_page(
        &self,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        page(&self.lock(), now, after, limit)
    }
}

/// Returns the first `limit` due entries behind `after`.
fn page(
    tables: &Tables,
    now: Timestamp,
    after: Option<&DueCursor>,
    limit: usize,
) -> Result<DuePage, StoreError> {
    let after = after.map(to_due).transpose()?;
    let outboxes = tables.connections.iter().filter_map(|(connection, kept)| {
        let since = kept.due.filter(|since| *since <= now)?;
        if planted::is(Plant::SweepForgetsLeases) && kept.record.lease.is_some() {
            return None;
        }
        Some(Due { waiting: Waiting::Outbox(connection.clone()), since })
    });
    let order = |a: &Due, b: &Due| (a.since, &a.waiting).cmp(&(b.since, &b.waiting));
    let is_behind = |due: &Due| after.as_ref().is_none_or(|after| order(due, after).is_gt());
    let mut due: Vec<Due> =
        outboxes.chain(broadcasts::due(&tables.broadcasts, now)).filter(is_behind).collect();
    if planted::is(Plant::SweepForgetsBroadcasts) {
        due.retain(|due| matches!(due.waiting, Waiting::Outbox(_)));
    }
    due.sort_by(order);
    let more = due.len() > limit.max(1);
    due.truncate(limit.max(1));
    let next = due.last().filter(|_| more).map(of_due);
    Ok(DuePage::new(due, 0, next))
}

/// Returns the cursor behind an entry: its due time, its kind and its name.
fn of_due(due: &Due) -> DueCursor {
    let since = due.since;
    DueCursor::new(match &due.waiting {
        Waiting::Outbox(ConnectionId { backend, identity }) => {
            format!("{since} outbox {backend} {}", identity.as_str())
        }
        Waiting::Broadcast(key) => format!("{since} broadcast {key}"),
    })
}

/// Returns the entry from which [`of_due`] made the cursor.
fn to_due(cursor: &DueCursor) -> Result<Due, StoreError> {
    let read = || {
        let (since, rest) = cursor.as_str().split_once(' ')?;
        let waiting = match rest.split_once(' ')? {
            ("outbox", connection) => {
                let (backend, identity) = connection.split_once(' ')?;
                Waiting::Outbox(ConnectionId::new(backend.parse().ok()?, identity.parse().ok()?))
            }
            ("broadcast", key) => Waiting::Broadcast(key.parse().ok()?),
            _ => return None,
        };
        Some(Due { waiting, since: since.parse().ok()? })
    };
    let problem = || "it is not a cursor of this store".to_owned();
    read().ok_or_else(|| StoreError::Unreadable { what: "a cursor".to_owned(), problem: problem() })
}
