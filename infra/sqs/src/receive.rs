//! Receiving: which messages are handed out, in which order, and which messages have been handed out too often.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::attributes::{self, RedrivePolicy};
use super::engine::{Engine, Queue, arn};
use super::error::SqsError;
use super::message::MessageAttributes;
use super::receipt::Receipt;

/// A message that is handed out.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) sequence: i64,
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: MessageAttributes,
    pub(super) trace_header: Option<String>,
    pub(super) group: String,
    pub(super) dedupe_id: String,
    pub(super) sent_at: i64,
    pub(super) first_received_at: i64,
    /// The number of receives, including this one.
    pub(super) received: i64,
    pub(super) receipt: Receipt,
    /// The ARN of the queue from which the message came here as a dead letter.
    pub(super) dead_letter_of: Option<String>,
}

/// The data that every step of one receive needs.
struct Receiving<'a> {
    transaction: Transaction<'a>,
    queue: &'a Queue,
    now: i64,
    until: i64,
    redrive: Option<RedrivePolicy>,
}

impl Engine {
    /// Hands out up to `most` messages. They are then in flight for `visibility` seconds.
    ///
    /// It takes one group after the other, and as many messages of each group as it can: in the order of sending, up to
    /// the first message that is in flight or still delayed. The group that became free first comes first. So a group
    /// whose messages come back again and again does not make the others wait. Real queues were recorded with this
    /// behaviour; only the order among groups is promised nowhere.
    pub(super) fn receive(
        &mut self,
        queue: &Queue,
        most: usize,
        visibility: i64,
    ) -> Result<Vec<Received>, SqsError> {
        self.forget_old(queue)?;
        let redrive = attributes::redrive(&queue.attributes)?;
        // If the dead-letter queue does not exist, the messages stay where they are.
        let redrive = redrive.filter(|policy| self.queue(policy.target()).is_ok());
        let now = self.now();
        let transaction = self.connection.transaction()?;
        let receiving = Receiving { transaction, queue, now, until: now + 1000 * visibility, redrive };
        let mut messages = Vec::new();
        for group in receiving.free_groups()? {
            receiving.hand_out(&group, most, &mut messages)?;
            if messages.len() == most {
                break;
            }
        }
        receiving.transaction.commit()?;
        Ok(messages)
    }
}

impl Receiving<'_> {
    /// Returns the groups whose first message can be handed out.
    fn free_groups(&self) -> Result<Vec<String>, SqsError> {
        // In a query with a single min(), SQLite takes the other columns from the row that has the minimum.
        let mut query = self.transaction.prepare_cached(
            "SELECT group_id FROM
                 (SELECT group_id, min(sequence) AS first, visible_at, sent_at
                  FROM message WHERE queue = ?1 GROUP BY group_id)
             WHERE visible_at <= ?2 AND sent_at <= ?3 ORDER BY visible_at, first",
        )?;
        let delayed_after = self.queue.delayed_after(self.now);
        let groups = query.query_map(params![self.queue.name, self.now, delayed_after], |row| row.get(0))?;
        Ok(groups.collect::<Result<_, _>>()?)
    }

    /// Hands out the messages of a group until there are `most`. A message that was handed out too often moves to the
    /// dead-letter queue instead.
    fn hand_out(&self, group: &str, most: usize, messages: &mut Vec<Received>) -> Result<(), SqsError> {
        let mut after = 0;
        while messages.len() < most {
            let Some(mut message) = self.next(group, after)? else { break };
            after = message.sequence;
            match &self.redrive {
                Some(policy) if message.received >= policy.max_receive_count => {
                    self.give_up(&message, policy.target())?;
                }
                _ => {
                    message.received += 1;
                    self.mark(&message)?;
                    messages.push(message);
                }
            }
        }
        Ok(())
    }

    /// Returns the next message of a group, if it can be handed out.
    fn next(&self, group: &str, after: i64) -> Result<Option<Received>, SqsError> {
        let mut query = self.transaction.prepare_cached(
            "SELECT sequence, id, body, attributes, trace_header, group_id, dedupe_id, sent_at,
                    first_received_at, received, dead_letter_of, visible_at
             FROM message WHERE queue = ? AND group_id = ? AND sequence > ? ORDER BY sequence LIMIT 1",
        )?;
        let found = query.query_row(params![self.queue.name, group, after], |row| {
            Ok((
                row.get::<_, i64>("visible_at")?,
                row.get::<_, String>("attributes")?,
                to_received(row, self.now)?,
            ))
        });
        let Some((visible_at, attributes, mut message)) = found.optional()? else { return Ok(None) };
        if visible_at > self.now || message.sent_at > self.queue.delayed_after(self.now) {
            return Ok(None);
        }
        message.attributes = serde_json::from_str(&attributes)?;
        Ok(Some(message))
    }

    fn mark(&self, message: &Received) -> Result<(), SqsError> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE message SET received = ?2, first_received_at = ?3, received_at = ?4, receipt = ?5,
                                visible_at = ?6
             WHERE sequence = ?1",
        )?;
        update.execute(params![
            message.sequence,
            message.received,
            message.first_received_at,
            self.now,
            message.receipt.nonce,
            self.until
        ])?;
        Ok(())
    }

    /// Moves a message to the dead-letter queue, behind the messages that are there. The message keeps its id and its
    /// group. Its deduplication id becomes its message id. A FIFO queue counts the retention period from the move.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html>
    fn give_up(&self, message: &Received, target: &str) -> Result<(), SqsError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO message (queue, id, body, attributes, trace_header, group_id, dedupe_id, sent_at,
                                      visible_at, first_received_at, received, dead_letter_of)
                 SELECT ?1, id, body, attributes, trace_header, group_id, id, ?2,
                        ?2, first_received_at, received, ?3
                 FROM message WHERE sequence = ?4",
            )?
            .execute(params![target, self.now, arn(&self.queue.name), message.sequence])?;
        self.transaction
            .prepare_cached("DELETE FROM message WHERE sequence = ?")?
            .execute([message.sequence])?;
        Ok(())
    }
}

fn to_received(row: &Row<'_>, now: i64) -> rusqlite::Result<Received> {
    let sequence = row.get("sequence")?;
    Ok(Received {
        sequence,
        id: row.get("id")?,
        body: row.get("body")?,
        attributes: MessageAttributes::new(),
        trace_header: row.get("trace_header")?,
        group: row.get("group_id")?,
        dedupe_id: row.get("dedupe_id")?,
        sent_at: row.get("sent_at")?,
        first_received_at: row.get::<_, Option<i64>>("first_received_at")?.unwrap_or(now),
        received: row.get("received")?,
        receipt: Receipt::new(sequence),
        dead_letter_of: row.get("dead_letter_of")?,
    })
}
