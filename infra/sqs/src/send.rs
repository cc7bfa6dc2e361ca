//! Sending. A message is accepted once, however often it is sent within five minutes.

use rusqlite::{OptionalExtension as _, Row, params};

use super::attributes;
use super::engine::{Engine, Queue};
use super::error::SqsError;
use super::message::{FifoIds, NewMessage};

/// The time for which SQS remembers a deduplication id, in milliseconds.
const DEDUPE_MS: i64 = 5 * 60 * 1000;

/// A message that was accepted now or before.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) sequence: i64,
}

impl Engine {
    /// Accepts a message, or recognises it as a message that was accepted in the last five minutes. This time does not
    /// change if the message is deleted or sent again.
    pub(super) fn send(&mut self, queue: &Queue, message: &NewMessage) -> Result<Sent, SqsError> {
        let now = self.now();
        let FifoIds { group, dedupe_id } = message.fifo_ids(queue)?;
        message.check(queue)?;
        let by_group = attributes::is(&queue.attributes, "DeduplicationScope", "messageGroup");
        let scope = if by_group { group.as_str() } else { "" };
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM seen WHERE queue = ? AND until <= ?", params![queue.name, now])?;
        let seen = transaction
            .prepare_cached(
                "SELECT message_id, sequence FROM seen WHERE queue = ? AND scope = ? AND dedupe_id = ?",
            )?
            .query_row(params![queue.name, scope, dedupe_id], to_sent)
            .optional()?;
        if let Some(sent) = seen {
            transaction.commit()?;
            return Ok(sent);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let own = serde_json::to_string(&message.attributes)?;
        transaction
            .prepare_cached(
                "INSERT INTO message
                 (queue, id, body, attributes, trace_header, group_id, dedupe_id, sent_at, visible_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
            )?
            .execute(params![
                queue.name,
                id,
                message.body,
                own,
                message.trace_header,
                group,
                dedupe_id,
                now
            ])?;
        let sequence = transaction.last_insert_rowid();
        transaction
            .prepare_cached(
                "INSERT INTO seen (queue, scope, dedupe_id, until, message_id, sequence)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![queue.name, scope, dedupe_id, now + DEDUPE_MS, id, sequence])?;
        transaction.commit()?;
        Ok(Sent { id, sequence })
    }
}

fn to_sent(row: &Row<'_>) -> rusqlite::Result<Sent> {
    Ok(Sent { id: row.get(0)?, sequence: row.get(1)? })
}
