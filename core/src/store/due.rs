//! The index of what is due: the port, and its pages.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::model::broadcast_key::BroadcastKey;
use crate::model::message::ConnectionId;

/// What can wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// The outbox of a connection.
    Outbox(ConnectionId),
    /// A broadcast whose parts are not all on the queue.
    Broadcast(BroadcastKey),
}

/// What waits for someone to go on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What.
    pub waiting: Waiting,
    /// Since when.
    pub since: Timestamp,
}

/// A place in the order of what is due, from which [`Store::due_page`](super::Store::due_page) goes on. Its text is the store's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueCursor(String);

impl DueCursor {
    /// Makes a cursor of a text that only the store itself reads.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text that the store made it of.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A piece of what is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DuePage {
    /// What is due, the longest due first.
    pub due: Vec<Due>,
    /// How many entries were passed over because they cannot be read. Each is in the log.
    pub unreadable: usize,
    /// Where the next page begins; `None` behind the last one.
    pub next: Option<DueCursor>,
}

impl DuePage {
    /// Makes a page.
    pub fn new(due: Vec<Due>, unreadable: usize, next: Option<DueCursor>) -> Self {
        Self { due, unreadable, next }
    }
}

/// The port to storage for the index of outboxes and broadcasts that are due.
#[async_trait]
pub trait DueIndex: Send + Sync {
    /// Reads which outboxes and broadcasts are due, the longest due first, at most `limit` of them.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        Ok(self.due_page(now, None, limit).await?.due)
    }

    /// Reads one page of what is due, the longest due first: up to `limit` (at least one) from the start, or from `after`
    /// on. What comes to be due while somebody pages may be missing, or come twice.
    ///
    /// An entry that cannot be read is counted and passed over, so that it stops nobody else.
    async fn due_page(
        &self,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: usize,
    ) -> Result<DuePage, StoreError>;
}
