//! What queues do: creating them, sending, deleting, changing visibility. Receiving is next door.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use sha2::{Digest as _, Sha256};
use threadless::Clock;

use super::ACCOUNT;
use super::attributes::{self, Attributes};
use super::checksums::MessageAttributes;
use super::error::SqsError;

/// For how long SQS knows a dedupe id.
const DEDUPE_MS: i64 = 5 * 60 * 1000;

/// The longest visibility time-out, in seconds.
const LONGEST_VISIBILITY: i64 = 43_200;

/// All queues of one file.
pub(super) struct Engine {
    pub(super) connection: Connection,
    clock: Arc<dyn Clock>,
}

/// A queue by its name.
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) attributes: Attributes,
    pub(super) created_at: i64,
}

/// A message to send.
#[derive(Debug)]
pub(super) struct Send {
    pub(super) body: String,
    pub(super) attributes: MessageAttributes,
    pub(super) group: Option<String>,
    pub(super) dedupe_id: Option<String>,
    pub(super) delay: Option<i64>,
}

/// A message that was sent, now or before.
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) sequence: i64,
}

/// How many messages a queue has.
pub(super) struct Counts {
    pub(super) visible: i64,
    pub(super) in_flight: i64,
    pub(super) delayed: i64,
}

impl Engine {
    pub(super) fn new(connection: Connection, clock: Arc<dyn Clock>) -> Self {
        Self { connection, clock }
    }

    /// Now, in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    pub(super) fn queue(&self, name: &str) -> Result<Queue, SqsError> {
        let mut query =
            self.connection.prepare_cached("SELECT attributes, created_at FROM queue WHERE name = ?")?;
        let found = query.query_row([name], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).optional()?;
        let (json, created_at) = found.ok_or_else(SqsError::no_queue)?;
        let attributes = serde_json::from_str(&json).unwrap_or_default();
        Ok(Queue { name: name.to_owned(), attributes, created_at })
    }

    pub(super) fn queues(&self, prefix: &str) -> Result<Vec<String>, SqsError> {
        let mut query = self.connection.prepare_cached("SELECT name FROM queue ORDER BY name")?;
        let names = query.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(names.into_iter().filter(|name| name.starts_with(prefix)).collect())
    }

    /// Makes a queue. One that is there with other attributes is an error, as in SQS.
    pub(super) fn create_queue(&mut self, name: &str, given: &Attributes) -> Result<(), SqsError> {
        check_name(name, given)?;
        attributes::check(given)?;
        match self.queue(name) {
            Ok(queue) => {
                let now = attributes::all(&queue.attributes);
                let same = given.iter().all(|(name, value)| now.get(name) == Some(value));
                if same { Ok(()) } else { Err(SqsError::queue_exists(name)) }
            }
            Err(_) => self.write_queue(name, given),
        }
    }

    /// Makes a queue, or has the one that is there take these attributes on.
    pub(super) fn ensure_queue(&mut self, name: &str, given: &Attributes) -> Result<(), SqsError> {
        check_name(name, given)?;
        attributes::check(given)?;
        self.write_queue(name, given)
    }

    pub(super) fn set_attributes(&mut self, name: &str, given: &Attributes) -> Result<(), SqsError> {
        let queue = self.queue(name)?;
        attributes::check(given)?;
        if given.contains_key("FifoQueue") {
            return Err(SqsError::attribute_name("FifoQueue"));
        }
        let mut merged = queue.attributes;
        merged.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
        self.write_queue(name, &merged)
    }

    fn write_queue(&mut self, name: &str, attributes: &Attributes) -> Result<(), SqsError> {
        let json = serde_json::to_string(attributes).unwrap_or_default();
        self.connection.execute(
            "INSERT INTO queue (name, attributes, created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET attributes = ?2",
            params![name, json, self.now()],
        )?;
        Ok(())
    }

    pub(super) fn delete_queue(&mut self, name: &str) -> Result<(), SqsError> {
        let deleted = self.connection.execute("DELETE FROM queue WHERE name = ?", [name])?;
        if deleted == 0 { Err(SqsError::no_queue()) } else { Ok(()) }
    }

    pub(super) fn purge(&mut self, queue: &str) -> Result<(), SqsError> {
        self.queue(queue)?;
        self.connection.execute("DELETE FROM message WHERE queue = ?", [queue])?;
        Ok(())
    }

    /// Takes a message, or recognises it as one that was taken in the last five minutes.
    pub(super) fn send(&mut self, queue: &Queue, message: &Send) -> Result<Sent, SqsError> {
        let now = self.now();
        let (group, dedupe_id) = check_message(queue, message)?;
        let by_group = attributes::is(&queue.attributes, "DeduplicationScope", "messageGroup");
        let scope = if by_group { group.as_str() } else { "" };
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM seen WHERE queue = ? AND until <= ?", params![queue.name, now])?;
        if let Some(sent) = seen(&transaction, &queue.name, scope, &dedupe_id)? {
            return Ok(sent);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let visible_at = now + 1000 * attributes::number(&queue.attributes, "DelaySeconds");
        transaction.execute(
            "INSERT INTO message (queue, id, body, attributes, group_id, dedupe_id, sent_at, visible_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                queue.name,
                id,
                message.body,
                serde_json::to_string(&message.attributes).unwrap_or_default(),
                group,
                dedupe_id,
                now,
                visible_at
            ],
        )?;
        let sequence = transaction.last_insert_rowid();
        transaction.execute(
            "INSERT INTO seen (queue, scope, dedupe_id, until, message_id, sequence) VALUES (?, ?, ?, ?, ?, ?)",
            params![queue.name, scope, dedupe_id, now + DEDUPE_MS, id, sequence],
        )?;
        transaction.commit()?;
        Ok(Sent { id, sequence })
    }

    /// Deletes a message for good. A handle of a message that is gone already deletes nothing, without an error.
    pub(super) fn delete(&mut self, queue: &Queue, receipt: &str) -> Result<(), SqsError> {
        check_receipt(receipt)?;
        let deleted = self.connection.execute(
            "DELETE FROM message WHERE queue = ? AND receipt = ? AND visible_at > ?",
            params![queue.name, receipt, self.now()],
        )?;
        if deleted > 0 || !self.is_waiting(queue, receipt)? {
            return Ok(());
        }
        Err(SqsError::value("ReceiptHandle", "The receipt handle has expired"))
    }

    /// Has a message that is in flight stay so for so many seconds from now; with none it is visible at once.
    pub(super) fn change_visibility(
        &mut self,
        queue: &Queue,
        receipt: &str,
        seconds: i64,
    ) -> Result<(), SqsError> {
        check_receipt(receipt)?;
        if !(0..=LONGEST_VISIBILITY).contains(&seconds) {
            return Err(SqsError::value("VisibilityTimeout", "Must be between 0 and 43200"));
        }
        let now = self.now();
        let changed = self.connection.execute(
            "UPDATE message SET visible_at = ?1 WHERE queue = ?2 AND receipt = ?3 AND visible_at > ?4",
            params![now + 1000 * seconds, queue.name, receipt, now],
        )?;
        if changed > 0 { Ok(()) } else { Err(SqsError::not_in_flight()) }
    }

    pub(super) fn release_in_flight(&mut self) -> rusqlite::Result<usize> {
        let now = self.now();
        self.connection.execute(
            "UPDATE message SET visible_at = ?1 WHERE receipt IS NOT NULL AND visible_at > ?1",
            [now],
        )
    }

    pub(super) fn counts(&self, queue: &str) -> Result<Counts, SqsError> {
        let mut query = self.connection.prepare_cached(
            "SELECT count(*) FILTER (WHERE visible_at <= ?2),
                    count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NOT NULL),
                    count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NULL)
             FROM message WHERE queue = ?1",
        )?;
        Ok(query.query_row(params![queue, self.now()], |row| {
            Ok(Counts { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
        })?)
    }

    fn is_waiting(&self, queue: &Queue, receipt: &str) -> Result<bool, SqsError> {
        let mut query =
            self.connection.prepare_cached("SELECT 1 FROM message WHERE queue = ? AND receipt = ?")?;
        Ok(query.exists(params![queue.name, receipt])?)
    }
}

fn seen(
    transaction: &Transaction<'_>,
    queue: &str,
    scope: &str,
    dedupe_id: &str,
) -> Result<Option<Sent>, SqsError> {
    let mut query = transaction.prepare_cached(
        "SELECT message_id, sequence FROM seen WHERE queue = ? AND scope = ? AND dedupe_id = ?",
    )?;
    let sent = |row: &rusqlite::Row<'_>| Ok(Sent { id: row.get(0)?, sequence: row.get(1)? });
    Ok(query.query_row(params![queue, scope, dedupe_id], sent).optional()?)
}

/// The group and the dedupe id of a message that SQS would take.
fn check_message(queue: &Queue, message: &Send) -> Result<(String, String), SqsError> {
    let group = message.group.clone().ok_or_else(|| SqsError::missing("MessageGroupId"))?;
    check_id("MessageGroupId", &group)?;
    if message.delay.is_some_and(|seconds| seconds != 0) {
        let reason = "The request include parameter that is not valid for this queue type";
        return Err(SqsError::value("DelaySeconds", reason));
    }
    if message.body.is_empty() {
        return Err(SqsError::missing("MessageBody"));
    }
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if !message.body.chars().all(legal) {
        return Err(SqsError::contents());
    }
    let most = attributes::number(&queue.attributes, "MaximumMessageSize");
    if i64::try_from(size(message)).unwrap_or(i64::MAX) > most {
        let reason = format!("Message must be shorter than {most} bytes");
        return Err(SqsError::value("MessageBody", reason));
    }
    let by_content = attributes::is(&queue.attributes, "ContentBasedDeduplication", "true");
    let dedupe_id = match &message.dedupe_id {
        Some(id) => id.clone(),
        None if by_content => {
            format!("{:x}", Sha256::digest(&message.body))
        }
        None => {
            let reason = "The queue should either have ContentBasedDeduplication enabled or \
                          MessageDeduplicationId provided explicitly";
            return Err(SqsError::value("MessageDeduplicationId", reason));
        }
    };
    check_id("MessageDeduplicationId", &dedupe_id)?;
    Ok((group, dedupe_id))
}

/// What counts against the limit: the body, and the attributes with their names and types.
pub(super) fn size(message: &Send) -> usize {
    let attributes = message.attributes.iter().map(|(name, attribute)| {
        let value = attribute.string_value.as_deref().or(attribute.binary_value.as_deref());
        name.len() + attribute.data_type.len() + value.map_or(0, str::len)
    });
    message.body.len() + attributes.sum::<usize>()
}

/// 1 to 128 letters, digits and punctuation.
fn check_id(parameter: &str, id: &str) -> Result<(), SqsError> {
    let legal = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let reason = "1 to 128 letters, digits and punctuation";
    if legal { Ok(()) } else { Err(SqsError::value(parameter, reason)) }
}

/// Handles are made here, so one that does not look like it was made up.
fn check_receipt(receipt: &str) -> Result<(), SqsError> {
    if uuid::Uuid::try_parse(receipt).is_ok() {
        return Ok(());
    }
    Err(SqsError::receipt("The input receipt handle is not a valid receipt handle."))
}

fn check_name(name: &str, given: &Attributes) -> Result<(), SqsError> {
    let stem = name.strip_suffix(".fifo");
    if given.get("FifoQueue").map(String::as_str) != Some("true") {
        return if stem.is_some() {
            Err(SqsError::value(
                "QueueName",
                "Can only include alphanumeric characters, hyphens, or underscores",
            ))
        } else {
            Err(SqsError::unsupported("A standard queue"))
        };
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match stem {
        Some(stem) if !stem.is_empty() && name.len() <= 80 && stem.bytes().all(legal) => Ok(()),
        _ => Err(SqsError::value(
            "QueueName",
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length",
        )),
    }
}

/// The ARN of a local queue.
pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")
}
