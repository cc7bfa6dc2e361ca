//! The port to the index of due outboxes and broadcasts, and its pages.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::broadcast_key::BroadcastKey;
use crate::model::message::ConnectionId;

/// An outbox or a broadcast that can wait in the index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// The outbox of a connection.
    Outbox(ConnectionId),
    /// A broadcast whose parts are not all on the queue.
    Broadcast(BroadcastKey),
}

/// An entry of the index: an outbox or a broadcast that is due.
///
/// ```
/// use threadless::ConnectionId;
/// use threadless::store::{Due, Waiting};
///
/// # let now = "2026-11-24T11:25:33Z".parse().unwrap();
/// let connection = ConnectionId::new("clinic".parse()?, "+251911223344".parse()?);
/// let due = Due::new(Waiting::Outbox(connection), now);
/// # assert_eq!(due.since, now);
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// The outbox or the broadcast.
    pub waiting: Waiting,
    /// The time since which it has been due.
    pub since: Timestamp,
}

impl Due {
    /// Creates an entry.
    pub fn new(waiting: Waiting, since: Timestamp) -> Self {
        Self { waiting, since }
    }
}

/// A place in the order of due entries, at which [`DueIndex::due_page`](DueIndex::due_page) continues. Its text is
/// private to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueCursor(String);

impl DueCursor {
    /// Makes a cursor of a text that only the store itself reads.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text from which the store made the cursor.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A page of due entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DuePage {
    /// The due entries. The entry that has been due longest comes first.
    pub due: Vec<Due>,
    /// The number of entries that were skipped because they cannot be read. Each of them is in the log.
    pub unreadable: usize,
    /// The place where the next page begins, or `None` after the last page.
    pub next: Option<DueCursor>,
}

impl DuePage {
    /// Makes a page.
    pub fn new(due: Vec<Due>, unreadable: usize, next: Option<DueCursor>) -> Self {
        Self { due, unreadable, next }
    }
}

/// The port to the index of outboxes and broadcasts that are due.
#[async_trait]
pub trait DueIndex: Send + Sync {
    /// Reads at most `limit` due outboxes and broadcasts. The entry that has been due longest comes first.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        Ok(self.due_page(now, None, limit).await?.due)
    }

    /// Reads one page of due entries, in the same order: up to `limit` entries (at least one) from the start, or those
    /// behind `after`. An entry that becomes due while somebody reads the pages may be missing or come twice.
    ///
    /// Counts and skips an entry that cannot be read, so that it blocks no other entry.
    async fn due_page(
        &self,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: usize,
    ) -> Result<DuePage, StoreError>;
}
