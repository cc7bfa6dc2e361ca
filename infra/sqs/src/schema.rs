//! The database tables for queues and messages.

use std::time::Duration;

use rusqlite::Connection;

/// The version of these tables. It changes with the tables. So a file of another version is refused with a clear
/// message, and not by some query that fails later.
const VERSION: i64 = 1;

/// `sequence` gives the order of messages. A value is never used again, not even after a deletion, because receipt
/// handles contain it. `visible_at` is the time when a message was sent, when its visibility time-out ends, or when the
/// time-out ended.
const SCHEMA: &str = "
    CREATE TABLE queue (
        name TEXT PRIMARY KEY,
        attributes TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE message (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL REFERENCES queue ON DELETE CASCADE,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT NOT NULL,
        trace_header TEXT,
        group_id TEXT NOT NULL,
        dedupe_id TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        first_received_at INTEGER,
        received_at INTEGER,
        received INTEGER NOT NULL DEFAULT 0,
        receipt BLOB,
        dead_letter_of TEXT
    ) STRICT;
    CREATE INDEX message_by_group ON message (queue, group_id, sequence, visible_at, sent_at);
    CREATE INDEX message_by_age ON message (queue, sent_at);
    CREATE TABLE seen (
        queue TEXT NOT NULL REFERENCES queue ON DELETE CASCADE,
        scope TEXT NOT NULL,
        dedupe_id TEXT NOT NULL,
        until INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        PRIMARY KEY (queue, scope, dedupe_id)
    ) STRICT;
    CREATE INDEX seen_by_end ON seen (queue, until);
";

/// The reason why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error("another version of this program made it; move it away to start again")]
    Version,
}

/// Prepares a connection for use, and makes the tables if there are none.
///
/// The write-ahead log with `synchronous = NORMAL` keeps every commit if the process dies for any reason: the kernel
/// has the commit before the answer goes out. Only if the machine dies, the last commits may be lost. `durable`
/// prevents this loss too, with `FULL`: the disk is flushed for each commit.
pub(super) fn prepare(mut connection: Connection, durable: bool) -> Result<Connection, SchemaError> {
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction()?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (version, tables) {
        (VERSION, _) => {}
        (_, 0) => {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        _ => return Err(SchemaError::Version),
    }
    transaction.commit()?;
    Ok(connection)
}
