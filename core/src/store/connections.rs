//! The port to the storage of connections, and the commit of all changes that one message causes.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Entry, Lease, Loaded, Outbox, Record, ReplyRate, StoreError};
use crate::model::contact::{Contact, ContactChange, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::model::session::Session;

/// All changes that one message causes. They are written in one write, or none of them is.
#[derive(Clone, Debug)]
pub struct Commit<'a> {
    /// The connection of the message.
    pub connection: &'a ConnectionId,
    /// The record on which the phases ran. The commit succeeds only if the stored record has the same version, fence,
    /// lease holder and number of chunks as this one. A commit that takes over an expired lease also fails if that
    /// lease was extended. If another process took a lease and gave it back in between, the commit is a conflict,
    /// because that process may have sent the head of the outbox that `seen` shows.
    pub seen: &'a Record,
    /// The id of the message.
    pub message: &'a MessageId,
    /// The time when the message arrived, to the millisecond. Its row of history stands at this time, even if a later
    /// delivery of the same message writes the row. `None` for an input that has no row.
    pub arrived: Option<Timestamp>,
    /// The session as the phases left it.
    pub session: &'a Session,
    /// The change of the contact, or `None` if it does not change. With `None` the commit checks nothing of the
    /// contact, so it does not fail if another process changed the contact.
    pub contact: Option<&'a ContactChange>,
    /// The replies, to be appended to the outbox.
    pub replies: Vec<Entry>,
    /// The time since which the person has opted out.
    pub opted_out: Option<Timestamp>,
    /// The number of replies to this connection in the present hour, and the time when this hour began.
    pub reply_rate: ReplyRate,
    /// The delivery lease to take in the same write: [`Record::next_lease`] of `seen`. It may be given only if `seen`
    /// has no valid lease.
    pub lease: Option<Lease>,
    /// The mark of the rules for numbers, if `seen` has [taken over](Record::take_over) what other records hold. The
    /// commit then writes the mark, the contact and the count of contacts of `seen`. `None` if nothing was taken over.
    pub forms: Option<&'a str>,
    /// The present moment.
    pub now: Timestamp,
}

/// The result of a [`Commit`].
#[derive(Clone, Debug, PartialEq)]
pub enum Committed {
    /// The commit is written. This is the outbox as the table holds it now. It includes the settlements that the former
    /// holder of an expired lease made after `seen` was read.
    Yes(Outbox),
    /// Another process changed the record in between, or a contact that the commit would write. Nothing was written:
    /// load the connection again.
    Conflict,
}

/// The port to the storage of connections: the changes that one message causes, and the contact behind the connection.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Makes sure that the backend has a record. Idempotent.
    async fn open_backend(&self, backend: &BackendName, now: Timestamp) -> Result<(), StoreError>;

    /// Reads a connection with its contact. Also reads whether this message of the connection was committed within the
    /// [horizon](super::Recent::HORIZON), or earlier if its id is still known. A new connection has version 0, and this call
    /// does not store it.
    async fn load(
        &self,
        connection: &ConnectionId,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<Loaded, StoreError>;

    /// Reads the records of other connections, in this order, with a consistent read. `None` stands for a connection that
    /// is not stored. A claim uses this once for each person, to [take over](Record::take_over) what is stored under
    /// other forms of the identity.
    async fn records(&self, connections: &[ConnectionId]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Writes the changes that one message causes.
    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError>;

    /// Returns the contact of this id.
    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError>;

    /// Returns the contact of a connection.
    async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError>;
}
