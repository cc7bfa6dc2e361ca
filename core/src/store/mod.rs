//! Where backends, connections, outboxes and history are kept: the port, and what is behind it.
//!
//! The connection is the unit of consistency. What one message changes (session, the message's id, the outbox)
//! is in one record and changes in one conditional write: [`Store::commit`].

mod broadcasts;
mod guesses;
mod history;
mod jobs;
mod memory;
mod number;
mod pace;
mod plan;
mod recent;
mod record;

#[cfg(feature = "dynamodb")]
pub mod dynamodb;

pub use crate::model::message::State;
pub use broadcasts::{Broadcasts, Opened, RowKey};
pub use guesses::{GuessLog, Guesses};
pub use history::{Advanced, Direction, HistoryRow, StatusUpdate};
pub use jobs::{JobRecord, Jobs};
pub use memory::MemoryStore;
pub use number::Number;
pub use pace::ReplyRate;
pub use recent::Recent;
pub use record::{Due, DueCursor, DuePage, Entry, Lease, Loaded, Outbox, Record, Waiting};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::model::contact::{Contact, ContactChange, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};
use crate::model::session::Session;

/// Why the store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or not now. Trying again may help.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// It answered that this cannot be done: no permission, no such table. Only an operator can help.
    #[error("the store refused: {0}")]
    Refused(String),
    /// What is stored is not what this program writes.
    #[error("the record of {what} cannot be read: {problem}")]
    Unreadable {
        /// Which record.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

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

/// What became of an attempt to take the delivery lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// It is ours.
    Yes {
        /// The lease with its fence.
        lease: Lease,
        /// What is to be sent.
        outbox: Outbox,
        /// Whether a former holder let it expire. Then the head of the outbox may have been sent already.
        abandoned: bool,
    },
    /// Nothing is due, or someone else holds it.
    No,
}

/// What to do with the head of an outbox after an attempt to send it.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// It leaves the outbox.
    Done,
    /// It stays, as this, and the lease is given back. Its `next_attempt` says when it is due.
    Deferred(Entry),
    /// It goes to others and cannot leave now. It stays, as this, behind the first message to the connection itself,
    /// and the lease stays. Entries that go to others keep their order among themselves. Without such a message the
    /// head stays where it is.
    Passed(Entry),
}

/// What is left after a settlement.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// The lease is still ours, and this is still to be sent.
    Remaining(Outbox),
    /// The lease was given back: the outbox is empty, or its head not due.
    Released,
    /// The lease was no longer ours, and nothing was written.
    Lost,
}

/// A message of an authenticated gateway that cannot be used, kept so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The backend it came to.
    pub backend: BackendName,
    /// When.
    pub at: Timestamp,
    /// The request as its backend [keeps](crate::backend::Backend::redact) it: Kannel's query string as it came, of
    /// another gateway the whole request; without secrets.
    pub raw: String,
    /// What is wrong with it, field by field.
    pub problems: Vec<String>,
}

impl Unusable {
    /// For how long it is kept: 90 days.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

    /// The most bytes of a request that are kept: an item of DynamoDB has 400 KB for all of it.
    pub const MAX_RAW: usize = 200_000;
}

/// The port to storage. [`MemoryStore`] for unit tests and transcripts, `dynamodb::DynamoStore` for the rest,
/// local runs included; one contract suite holds both.
#[async_trait]
pub trait Store: Broadcasts + Jobs + GuessLog {
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

    /// Takes the delivery lease until `until`, if the outbox has something due and nobody holds a lease that is still
    /// good. An outbox with nothing in it leaves the [due](Store::due) ones, and loses a lease that is over.
    async fn take_lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError>;

    /// Makes the lease last until `lease.until`. `false`: it is no longer ours.
    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError>;

    /// Records the settlement of the head of `outbox`, which is this connection's as its lease holder knows it.
    /// With the last entry the lease is given back in the same write. A write that is repeated because its answer was
    /// lost is no fault: the second one gets the answer that the first one would have had.
    async fn settle(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, StoreError>;

    /// Takes entry number `at`, which has this id, out of the outbox before its turn. The lease stays. An entry that
    /// is gone already is no fault.
    async fn withdraw(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError>;

    /// Moves the next entries that did not fit in the record into its empty outbox. Where there are none, the lease is
    /// given back, unless a commit appended entries in between: these remain.
    async fn refill(&self, connection: &ConnectionId, lease: &Lease) -> Result<Settled, StoreError>;

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

    /// Writes a row of history, or [merges](HistoryRow::merge) it with the one that is there.
    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError>;

    /// Moves the row of an outgoing message forward, as its gateway reports. Where there is none yet it is made, for
    /// [`Store::record`] to complete.
    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError>;

    /// A connection's history as far as it is [kept](HistoryRow::KEPT), the newest first, at most `limit` rows.
    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError>;

    /// Keeps a message that cannot be used.
    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError>;

    /// The unusable messages of a backend as far as they are [kept](Unusable::KEPT), the newest first, at most
    /// `limit`.
    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError>;

    /// A connection's history from a moment on, as far as it is [kept](HistoryRow::KEPT), the oldest first, at most `limit`
    /// rows. Moments are told apart to the millisecond.
    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError>;

    /// Notes that the message tester used this number. An earlier use changes nothing.
    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError>;

    /// The numbers of a backend that the message tester used, as far as they are [kept](Number::KEPT), the last used
    /// first, at most `limit`.
    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError>;

    /// Deletes a connection's history, then its number. What it has in its session and its outbox stays.
    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError>;
}

/// Returns whether the time is over for which something is kept: in whole seconds, as `DynamoDB` counts a time to live.
pub(crate) fn is_over(at: Timestamp, kept: SignedDuration, now: Timestamp) -> bool {
    at.as_second() + kept.as_secs() <= now.as_second()
}
