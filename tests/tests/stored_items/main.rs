//! Items of every released form stay readable. `core/tests/fixtures/items/v1` has one file for each kind of item as the
//! program wrote it at commit f258f41, in DynamoDB's own JSON. The form `v2` also has the fence of the leases, the times
//! of arrival and the reasons of refusals. These files never change. A new form gets its own folder, which
//! `THREADLESS_WRITE_ITEMS=v3 cargo test -p tests --test stored_items -- --ignored` writes.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod history;
mod work;
mod write;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;
use tests::dynamodb::DynamoDb;
use threadless::store::dynamodb::DynamoStore;
use threadless::{ConnectionId, MessageId};

/// The kinds of items, by the names of their files.
const KINDS: [&str; 13] = [
    "backend",
    "broadcast",
    "connection",
    "contact",
    "job",
    "message_in",
    "message_out",
    "moved_id",
    "new_connection",
    "number",
    "outbox_piece",
    "part",
    "unusable",
];

/// The released forms, in their order.
const FORMS: [&str; 2] = ["v1", "v2"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/tests/fixtures/items")
}

/// Returns the items of one released form, by kind.
fn items_of(version: &str) -> BTreeMap<String, Vec<Value>> {
    let read = |kind: &str| {
        let file = folder().join(version).join(format!("{kind}.json"));
        let json =
            fs::read_to_string(&file).unwrap_or_else(|problem| panic!("{}: {problem}", file.display()));
        (kind.to_owned(), serde_json::from_str(&json).unwrap())
    };
    KINDS.into_iter().map(read).collect()
}

/// Returns a store with the items of a form.
async fn store_of(dynamodb: &DynamoDb, version: &str) -> DynamoStore {
    let table = format!("items-{version}");
    let store = dynamodb.store(&table).await.unwrap();
    for item in items_of(version).values().flatten() {
        dynamodb.put(&table, item).await.unwrap();
    }
    store
}

/// Returns a moment of the fixtures, in seconds from their first moment. It is so far in the future that they never
/// expire.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(4_000_000_000_123 + seconds * 1000).unwrap()
}

fn who() -> ConnectionId {
    ConnectionId::new("my-kannel_1".parse().unwrap(), "+251 911#a".parse().unwrap())
}

/// Returns a connection that sent one message and got no answer.
fn newcomer() -> ConnectionId {
    ConnectionId::new("my-kannel_1".parse().unwrap(), "ሰላም".parse().unwrap())
}

fn id(text: &str) -> MessageId {
    MessageId::from(text)
}
