//! The store on `DynamoDB`: one table, one sparse index. `core/ARCHITECTURE.md` lists its access patterns.

mod batch;
mod broadcasts;
mod call;
mod commit;
mod contact;
mod due;
mod guesses;
mod item;
mod jobs;
mod keys;
mod log;
mod numbers;
mod outbox;
mod transaction;
mod update;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;

#[cfg(feature = "testing")]
use super::{
    Advanced, Commit, Committed, DueCursor, DuePage, Entry, HistoryRow, Lease, Loaded, Number, Outbox,
    Settled, Settlement, StatusUpdate, Store, StoreError, Taken, Unusable,
};
use crate::aws::{Access, sdk_config};
use crate::model::contact::{Contact, ContactId};
use crate::model::message::{BackendName, ConnectionId, MessageId};

/// A [`Store`] in one `DynamoDB` table with the keys `pk` and `sk`, the time to live `ttl`, and the keys-only
/// index `due` on `due_shard` and `due_at`.
pub struct DynamoStore {
    client: Client,
    table: String,
    /// Whether this process has met a contact: from then on it expects that connections have one.
    contacts_met: AtomicBool,
    meter: Option<Arc<Meter>>,
}

/// An outbox as it stands in an item, and read again: for the benchmark.
#[cfg(feature = "testing")]
#[doc(hidden)]
pub fn there_and_back(entries: &[Entry]) -> Result<Vec<Entry>, StoreError> {
    let item = item::Item::from([(item::names::OUTBOX.to_owned(), item::of_entries(entries))]);
    item::to_entries("measured", &item)
}

/// Counts what calls cost, in thousandths of a capacity unit.
#[derive(Debug, Default)]
pub struct Meter {
    read: AtomicU64,
    write: AtomicU64,
}

impl Meter {
    /// Write units since the last time this was called.
    pub fn take_write_units(&self) -> f64 {
        to_units(self.write.swap(0, Ordering::Relaxed))
    }

    /// Read units since the last time this was called.
    pub fn take_read_units(&self) -> f64 {
        to_units(self.read.swap(0, Ordering::Relaxed))
    }
}

// Exact up to 2^52 thousandths.
#[allow(clippy::cast_precision_loss)]
fn to_units(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}

impl DynamoStore {
    /// A store in `table`. Makes no call.
    pub fn new(access: &Access, http: SharedHttpClient, table: impl Into<String>) -> Self {
        let config = sdk_config!(aws_sdk_dynamodb, access, http);
        Self {
            client: Client::from_conf(config),
            table: table.into(),
            contacts_met: AtomicBool::new(false),
            meter: None,
        }
    }

    /// Has every call report what it cost.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn open_backend(&self, backend: &BackendName, now: Timestamp) -> Result<(), StoreError> {
        self.open_backend_item(backend, now).await
    }

    async fn load(
        &self,
        connection: &ConnectionId,
        message: &MessageId,
        now: Timestamp,
    ) -> Result<Loaded, StoreError> {
        self.load_connection(connection, message, now).await
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Committed, StoreError> {
        self.write_commit(&commit).await
    }

    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.get_contact(id).await
    }

    async fn contact_of(&self, connection: &ConnectionId) -> Result<Option<Contact>, StoreError> {
        self.get_contact_of(connection).await
    }

    async fn take_lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        self.write_lease(connection, owner, until, now).await
    }

    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Result<bool, StoreError> {
        self.write_extension(connection, lease).await
    }

    async fn settle(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, StoreError> {
        match settlement {
            Settlement::Done => self.remove_head(connection, lease, outbox).await,
            Settlement::Deferred(head) => self.put_back(connection, lease, &head).await,
            Settlement::Passed(head) => self.let_pass(connection, lease, outbox, &head).await,
        }
    }

    async fn withdraw(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        at: usize,
        id: &MessageId,
    ) -> Result<Settled, StoreError> {
        self.remove_entry(connection, lease, at, id).await
    }

    async fn refill(&self, connection: &ConnectionId, lease: &Lease) -> Result<Settled, StoreError> {
        self.move_in(connection, lease).await
    }

    async fn due_page(
        &self,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.query_due(now, after, limit).await
    }

    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError> {
        self.write_row(row).await
    }

    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError> {
        self.move_row(step, now).await
    }

    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        self.query_history(connection, now, limit).await
    }

    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError> {
        self.put_unusable(unusable).await
    }

    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError> {
        self.query_unusable(backend, now, limit).await
    }

    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        self.query_history_from(connection, from, now, limit).await
    }

    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        self.write_number(connection, at).await
    }

    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError> {
        self.query_numbers(backend, now, limit).await
    }

    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        self.delete_history(connection).await
    }
}
