//! The store on `DynamoDB`: one table, one sparse index. `core/ARCHITECTURE.md` lists its access patterns.

mod batch;
mod broadcasts;
mod call;
mod connections;
mod contact;
mod due;
mod guesses;
mod history;
mod item;
mod jobs;
mod keys;
mod numbers;
mod outboxes;
mod query;
mod transaction;
mod update;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

#[cfg(feature = "testing")]
use super::Entry;
use super::StoreError;
use crate::aws::{Access, sdk_config};

/// A [`Store`](super::Store) in one `DynamoDB` table with the keys `pk` and `sk`, the time-to-live attribute `ttl`, and the keys-only
/// index `due` on `due_shard` and `due_at`.
pub struct DynamoStore {
    client: Client,
    table: String,
    /// Whether this process has met a contact. From then on it expects that connections have one.
    contacts_met: AtomicBool,
    meter: Option<Arc<Meter>>,
}

/// Writes an outbox to an item and reads it back, for the benchmark.
#[cfg(feature = "testing")]
#[doc(hidden)]
pub fn there_and_back(entries: &[Entry]) -> Result<Vec<Entry>, StoreError> {
    let item = item::Item::from([(item::names::OUTBOX.to_owned(), item::of_entries(entries))]);
    item::to_entries("measured", &item)
}

/// A meter of the cost of calls, in thousandths of a capacity unit.
#[derive(Debug, Default)]
pub struct Meter {
    read: AtomicU64,
    write: AtomicU64,
}

impl Meter {
    /// Returns the write units since this was last called.
    pub fn take_write_units(&self) -> f64 {
        to_units(self.write.swap(0, Ordering::Relaxed))
    }

    /// Returns the read units since this was last called.
    pub fn take_read_units(&self) -> f64 {
        to_units(self.read.swap(0, Ordering::Relaxed))
    }
}

// The conversion is exact up to 2^52 thousandths.
#[allow(clippy::cast_precision_loss)]
fn to_units(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}

impl DynamoStore {
    /// Makes a store in `table`. Makes no call.
    pub fn new(access: &Access, http: SharedHttpClient, table: impl Into<String>) -> Self {
        let config = sdk_config!(aws_sdk_dynamodb, access, http);
        Self {
            client: Client::from_conf(config),
            table: table.into(),
            contacts_met: AtomicBool::new(false),
            meter: None,
        }
    }

    /// Makes every call report its cost.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }
}
