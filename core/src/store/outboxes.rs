//! The port to the storage of outboxes, and the settlement of the head of an outbox.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Entry, Lease, Outbox, StoreError};
use crate::model::message::{ConnectionId, MessageId};

/// The result of an attempt to take the delivery lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// The lease is ours.
    Yes {
        /// The lease with its fence.
        lease: Lease,
        /// The outbox to send.
        outbox: Outbox,
        /// Whether a former holder let its lease expire. Then the head of the outbox may have been sent already.
        abandoned: bool,
    },
    /// Nothing is due, or another process holds the lease.
    No,
}

/// The settlement of the head of an outbox after an attempt to send it.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// The head leaves the outbox.
    Done,
    /// The head stays in this form, and the lease is given back. The field `next_attempt` says when the head is due.
    Deferred(Entry),
    /// The head is for other recipients and cannot leave now. It moves, in this form, behind the first message to the
    /// connection itself, and the lease stays. Entries for other recipients keep their order among themselves. If there
    /// is no such message, the head stays at its place.
    Passed(Entry),
}

/// The state of the outbox after a settlement.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// The lease is still ours, and this outbox is still to be sent.
    Remaining(Outbox),
    /// The lease was given back: the outbox is empty, or its head is not due.
    Released,
    /// The lease was no longer ours, and nothing was written.
    Lost,
}

/// The port to the storage of outboxes: the delivery lease, and the settlement of entries.
#[async_trait]
pub trait Outboxes: Send + Sync {
    /// Takes the delivery lease until `until`, if the outbox has a due entry and nobody holds a valid lease. An empty
    /// outbox leaves the [due](super::DueIndex::due) index, and an expired lease on it is removed.
    async fn take_lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError>;

    /// Extends the lease until `lease.until`. Returns `false` if the lease is no longer ours.
    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError>;

    /// Records the settlement of the head of `outbox`. The argument `outbox` is the outbox of this connection as the
    /// lease holder last saw it. With the last entry, the lease is given back in the same write.
    ///
    /// A caller may repeat a write whose answer was lost. It is no error if the first write already removed the head:
    /// the second write gets the answer of the first.
    async fn settle(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, StoreError>;

    /// Removes entry number `at`, which has this id, from the outbox before its turn. The lease stays. It is no error
    /// if the entry is already gone.
    async fn withdraw(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError>;

    /// Moves the next entries that did not fit in the record into its empty outbox. If there are none, the lease is
    /// given back. If a commit appended entries in between, they remain to be sent, and the lease stays.
    async fn refill(&self, connection: &ConnectionId, lease: &Lease) -> Result<Settled, StoreError>;
}
