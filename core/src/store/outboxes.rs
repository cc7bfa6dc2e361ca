//! Outboxes: the port, and what becomes of the head of an outbox.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Entry, Lease, Outbox, StoreError};
use crate::model::message::{ConnectionId, MessageId};

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

/// The port to storage for outboxes: the delivery lease, and what becomes of the entries.
#[async_trait]
pub trait Outboxes: Send + Sync {
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
}
