//! Connections: the port, and the commit of all that one message changes.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Entry, Lease, Loaded, Outbox, Record, ReplyRate, StoreError};
use crate::model::contact::{Contact, ContactChange, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::model::session::Session;

/// Everything that one message changes, to be written at once or not at all.
#[derive(Clone, Debug)]
pub struct Commit<'a> {
    /// Whose message it is.
    pub connection: &'a ConnectionId,
    /// The record that the phases ran on. The commit holds only if its version, its fence, the holder of its lease
    /// and its count of pieces are still the same; a commit that takes over an expired lease also only if that lease
    /// was not extended. So a lease that was taken and given back in between is a conflict: its holder may have sent
    /// the head of the outbox that `seen` shows.
    pub seen: &'a Record,
    /// The message.
    pub message: &'a MessageId,
    /// When it arrived, to the millisecond: its row of history stands at this time, also where a later delivery of the same
    /// message writes it. `None` for an occasion that has no row.
    pub arrived: Option<Timestamp>,
    /// The session as the phases left it.
    pub session: &'a Session,
    /// What becomes of the contact; `None` where nothing does. Then nothing is asked of the contact either: a
    /// commit that leaves it alone does not fail because someone else changed it.
    pub contact: Option<&'a ContactChange>,
    /// The replies, to be appended to the outbox.
    pub replies: Vec<Entry>,
    /// Since when the person wants nothing sent.
    pub opted_out: Option<Timestamp>,
    /// The replies of this hour.
    pub pace: ReplyRate,
    /// The delivery lease to take in the same write: [`Record::next_lease`] of `seen`, and only where `seen` has none
    /// that is still good.
    pub lease: Option<Lease>,
    /// The present moment.
    pub now: Timestamp,
}

/// What became of a [`Commit`].
#[derive(Clone, Debug, PartialEq)]
pub enum Committed {
    /// It is written. This is the outbox as the table holds it now, also where the former holder of an expired lease
    /// settled entries after `seen` was read.
    Yes(Outbox),
    /// Someone else changed the record, or a contact that was to be written, in between, and nothing was written: load it again.
    Conflict,
}

/// The port to storage for connections: what one message changes, and the contact behind it.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Makes sure that the backend has a record. Idempotent.
    async fn open_backend(&self, backend: &BackendName, now: Timestamp) -> Result<(), StoreError>;

    /// Reads a connection with its contact, and whether this message of it was committed within the
    /// [horizon](Recent::HORIZON), or longer ago if it is still known. A connection that was never heard of has version 0
    /// and is not stored by this.
    async fn load(
        &self,
        connection: &ConnectionId,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<Loaded, StoreError>;

    /// Writes what one message changes.
    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError>;

    /// The contact of this id.
    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError>;

    /// The contact of a connection.
    async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError>;
}
