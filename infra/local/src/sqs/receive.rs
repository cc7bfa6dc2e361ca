//! Receiving: which messages are handed out, in which order, and which have been handed out too often.

use rusqlite::{Row, params};

use super::attributes::{self, RedrivePolicy};
use super::checksums::MessageAttributes;
use super::engine::{Engine, Queue};
use super::error::SqsError;

/// A message as it is handed out.
pub(super) struct Received {
    pub(super) sequence: i64,
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: MessageAttributes,
    pub(super) group: String,
    pub(super) dedupe_id: String,
    pub(super) sent_at: i64,
    pub(super) first_received_at: i64,
    pub(super) received: i64,
    pub(super) receipt: String,
}

impl Engine {
    /// Hands out up to `most` messages, which are then in flight for `visibility` seconds.
    ///
    /// In the order of sending; of one group as many as there are. A group of which something is in flight, or
    /// whose first message is still delayed, hands out nothing.
    pub(super) fn receive(
        &mut self,
        queue: &Queue,
        most: i64,
        visibility: i64,
    ) -> Result<Vec<Received>, SqsError> {
        self.forget_old(queue)?;
        if let Some(policy) = attributes::redrive(&queue.attributes)? {
            self.redrive(queue, &policy)?;
        }
        let now = self.now();
        let transaction = self.connection.transaction()?;
        let mut messages = {
            let mut query = transaction.prepare_cached(
                "SELECT sequence, id, body, attributes, group_id, dedupe_id, sent_at, first_received_at, received
                 FROM message WHERE queue = ?1 AND visible_at <= ?2 AND group_id NOT IN
                     (SELECT group_id FROM message WHERE queue = ?1 AND visible_at > ?2)
                 ORDER BY sequence LIMIT ?3",
            )?;
            let rows = query.query_map(params![queue.name, now, most], |row| to_received(row, now))?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        for message in &mut messages {
            message.received += 1;
            transaction.execute(
                "UPDATE message SET received = ?, first_received_at = ?, receipt = ?, visible_at = ?
                 WHERE sequence = ?",
                params![
                    message.received,
                    message.first_received_at,
                    message.receipt,
                    now + 1000 * visibility,
                    message.sequence
                ],
            )?;
        }
        transaction.commit()?;
        Ok(messages)
    }

    /// Deletes what is older than the queue keeps messages.
    fn forget_old(&mut self, queue: &Queue) -> Result<(), SqsError> {
        let keep = 1000 * attributes::number(&queue.attributes, "MessageRetentionPeriod");
        let before = self.now() - keep;
        self.connection
            .execute("DELETE FROM message WHERE queue = ? AND sent_at < ?", params![queue.name, before])?;
        Ok(())
    }

    /// Moves what was handed out too often to the dead-letter queue: with its id and its group, behind what is
    /// there.
    fn redrive(&mut self, queue: &Queue, policy: &RedrivePolicy) -> Result<(), SqsError> {
        let target = self.queue(policy.target())?;
        let now = self.now();
        let transaction = self.connection.transaction()?;
        let dead = {
            let mut query = transaction.prepare_cached(
                "SELECT sequence FROM message WHERE queue = ?1 AND visible_at <= ?2 AND received >= ?3
                 AND group_id NOT IN
                     (SELECT group_id FROM message WHERE queue = ?1 AND visible_at > ?2)
                 ORDER BY sequence",
            )?;
            let rows =
                query.query_map(params![queue.name, now, policy.max_receive_count], |row| row.get(0))?;
            rows.collect::<Result<Vec<i64>, _>>()?
        };
        for sequence in dead {
            transaction.execute(
                "INSERT INTO message (queue, id, body, attributes, group_id, dedupe_id, sent_at, visible_at,
                                      first_received_at, received)
                 SELECT ?1, id, body, attributes, group_id, dedupe_id, sent_at, ?2, first_received_at, received
                 FROM message WHERE sequence = ?3",
                params![target.name, now, sequence],
            )?;
            transaction.execute("DELETE FROM message WHERE sequence = ?", [sequence])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

fn to_received(row: &Row<'_>, now: i64) -> rusqlite::Result<Received> {
    Ok(Received {
        sequence: row.get(0)?,
        id: row.get(1)?,
        body: row.get(2)?,
        attributes: serde_json::from_str(&row.get::<_, String>(3)?).unwrap_or_default(),
        group: row.get(4)?,
        dedupe_id: row.get(5)?,
        sent_at: row.get(6)?,
        first_received_at: row.get::<_, Option<i64>>(7)?.unwrap_or(now),
        received: row.get(8)?,
        receipt: uuid::Uuid::new_v4().to_string(),
    })
}
