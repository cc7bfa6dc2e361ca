//! Calls for outboxes that fail as planned.

use async_trait::async_trait;
use jiff::Timestamp;

use super::FaultyStore;
use crate::model::message::{ConnectionId, MessageId};
use crate::store::{Lease, Outbox, Outboxes, Settled, Settlement, Store, StoreError, Taken};

#[async_trait]
impl<S: Store> Outboxes for FaultyStore<S> {
    async fn take_lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        self.faults.around(self.inner.take_lease(connection, owner, until, now)).await
    }

    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError> {
        self.faults.around(self.inner.extend_lease(connection, lease)).await
    }

    async fn settle(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, StoreError> {
        self.faults.around(self.inner.settle(connection, lease, outbox, settlement)).await
    }

    async fn withdraw(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError> {
        self.faults.around(self.inner.withdraw(connection, lease, at, id)).await
    }

    async fn refill(&self, connection: &ConnectionId, lease: &Lease) -> Result<Settled, StoreError> {
        self.faults.around(self.inner.refill(connection, lease)).await
    }
}
