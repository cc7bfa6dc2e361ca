//! The tables that queues and messages are kept in.

use std::time::Duration;

use rusqlite::Connection;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS queue (
        name TEXT PRIMARY KEY,
        attributes TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS message (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL REFERENCES queue ON DELETE CASCADE,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT NOT NULL,
        group_id TEXT NOT NULL,
        dedupe_id TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        first_received_at INTEGER,
        received INTEGER NOT NULL DEFAULT 0,
        receipt TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS message_by_queue ON message (queue, group_id, sequence);
    CREATE INDEX IF NOT EXISTS message_by_receipt ON message (receipt) WHERE receipt IS NOT NULL;
    CREATE TABLE IF NOT EXISTS seen (
        queue TEXT NOT NULL REFERENCES queue ON DELETE CASCADE,
        scope TEXT NOT NULL,
        dedupe_id TEXT NOT NULL,
        until INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        PRIMARY KEY (queue, scope, dedupe_id)
    ) STRICT;
";

/// Makes a connection ready for use.
///
/// The write-ahead log with `synchronous = NORMAL` survives a killed process whole; a power failure may take the
/// last transactions, which is enough for a developer's machine.
pub(super) fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.execute_batch(SCHEMA)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
