//! DynamoDB on this machine: the embedded emulator with the template's table. A timer deletes expired items.

mod server;

pub(crate) use server::{Server, serve};

use std::path::Path;
use std::time::Duration;

use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use serde_json::{Value, json};

use crate::template::Template;

/// The name of the table.
pub(crate) const TABLE: &str = "threadless";

/// The time between two deletions of expired items. The real `DynamoDB` takes days.
const TTL_SWEEP: Duration = Duration::from_secs(60);

/// Opens the database in `file`, or a new database in memory, with the table in it. If `durable`, each write waits for
/// the disk.
pub(crate) fn open(file: Option<&Path>, durable: bool, template: &Template) -> Result<Database, String> {
    let database = match file {
        Some(file) => Database::new(&file.to_string_lossy()),
        None => Database::memory(),
    };
    let database = database.map_err(|problem| problem.to_string())?;
    if !durable {
        // This sets `synchronous = NORMAL`, and SQLite's own defaults for everything else. Without this call, it is
        // `FULL`.
        database.disable_bulk_loading().map_err(|problem| problem.to_string())?;
    }
    let describe: DescribeTableRequest = request(json!({ "TableName": TABLE }))?;
    if database.describe_table(describe).is_ok() {
        return Ok(database);
    }
    let mut table = template.table.clone();
    table["TableName"] = TABLE.into();
    let create: CreateTableRequest = request(table)?;
    database.create_table(create).map_err(|problem| problem.to_string())?;
    let ttl: UpdateTimeToLiveRequest = request(json!({
        "TableName": TABLE,
        "TimeToLiveSpecification": { "AttributeName": template.ttl_attribute, "Enabled": true },
    }))?;
    database.update_time_to_live(ttl).map_err(|problem| problem.to_string())?;
    Ok(database)
}

fn request<T: serde::de::DeserializeOwned>(json: Value) -> Result<T, String> {
    serde_json::from_value(json).map_err(|problem| format!("the table of template.yaml: {problem}"))
}

/// Deletes expired items once a minute until this future is dropped.
pub(crate) async fn sweep_ttl(database: Database) {
    loop {
        tokio::time::sleep(TTL_SWEEP).await;
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(problem)) = swept {
            tracing::warn!(error = %problem, "expired items were not deleted");
        }
    }
}
