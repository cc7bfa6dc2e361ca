//! The queues themselves: how to make, change, count and empty them.

use std::cell::Cell;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use threadless::Clock;

use super::ACCOUNT;
use super::attributes::{self, Attributes};
use super::error::SqsError;

/// All queues of one file.
pub(super) struct Engine {
    pub(super) connection: Connection,
    clock: Arc<dyn Clock>,
    /// The latest time that the clock has shown, or that a message was sent at.
    latest: Cell<i64>,
}

/// If the clock goes back by this many milliseconds or less, it is only being corrected.
const SLEWED: i64 = 1000;

/// A queue, found by its name.
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) attributes: Attributes,
    pub(super) created_at: i64,
    pub(super) modified_at: i64,
}

/// The numbers of messages in a queue.
#[derive(Debug, PartialEq)]
pub(super) struct Counts {
    pub(super) visible: i64,
    pub(super) in_flight: i64,
    pub(super) delayed: i64,
}

impl Queue {
    /// Returns the limit for delayed messages: every message that was sent after this time is still delayed. The delay
    /// of a FIFO queue also applies to messages that are already in the queue, so it is never stored with them.
    pub(super) fn delayed_after(&self, now: i64) -> i64 {
        now - 1000 * attributes::number(&self.attributes, "DelaySeconds")
    }
}

impl Engine {
    pub(super) fn new(connection: Connection, clock: Arc<dyn Clock>) -> Self {
        let latest = connection.query_row("SELECT max(sent_at) FROM message", [], |row| row.get(0));
        let latest = latest.ok().flatten().unwrap_or(i64::MIN);
        Self { connection, clock, latest: Cell::new(latest) }
    }

    /// Returns the present time, in milliseconds since 1970. If the clock was set back, all times in the queues are set
    /// back too. The clock of the real SQS is never set back. So here, too, no message may wait for an hour that comes
    /// twice.
    pub(super) fn now(&self) -> i64 {
        let now = self.clock.now().as_millisecond();
        let back = self.latest.get().saturating_sub(now);
        if back > SLEWED && self.latest.get() > i64::MIN {
            if let Err(problem) = self.set_back(back) {
                tracing::error!(
                    error = %problem,
                    "the times in the queues could not be set back with the clock"
                );
            } else {
                // A script sets its clock as its transcript says, so this is no reason for a warning.
                tracing::info!(
                    milliseconds = back,
                    "the clock was set back, and the times in the queues with it"
                );
            }
        }
        if !(0..=SLEWED).contains(&back) {
            self.latest.set(now);
        }
        now
    }

    fn set_back(&self, milliseconds: i64) -> rusqlite::Result<()> {
        self.connection.execute(
            "UPDATE message SET sent_at = sent_at - ?1, visible_at = visible_at - ?1,
                    first_received_at = first_received_at - ?1, received_at = received_at - ?1",
            [milliseconds],
        )?;
        self.connection.execute("UPDATE seen SET until = until - ?1", [milliseconds])?;
        Ok(())
    }

    pub(super) fn queue(&self, name: &str) -> Result<Queue, SqsError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT attributes, created_at, modified_at FROM queue WHERE name = ?")?;
        let found = query
            .query_row([name], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let (json, created_at, modified_at) = found.ok_or_else(SqsError::no_queue)?;
        let attributes = serde_json::from_str(&json)?;
        Ok(Queue { name: name.to_owned(), attributes, created_at, modified_at })
    }

    pub(super) fn queues(&self, prefix: &str) -> Result<Vec<String>, SqsError> {
        let mut query = self.connection.prepare_cached("SELECT name FROM queue ORDER BY name")?;
        let names = query.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(names.into_iter().filter(|name| name.starts_with(prefix)).collect())
    }

    /// Makes a queue. If the queue exists with other attributes, this is an error, as in SQS.
    pub(super) fn create_queue(&mut self, name: &str, given: &Attributes) -> Result<(), SqsError> {
        check_name(name, given)?;
        let there = self.queues("")?.iter().any(|there| there == name);
        if !there {
            return self.write_queue(name, given);
        }
        attributes::check(given)?;
        let now = attributes::all(&self.queue(name)?.attributes);
        match given.iter().find(|(name, value)| now.get(*name) != Some(value)) {
            Some((attribute, _)) => Err(SqsError::queue_exists(attribute)),
            None => Ok(()),
        }
    }

    /// Makes a queue. If the queue exists, its attributes become exactly these.
    pub(super) fn ensure_queue(&mut self, name: &str, given: &Attributes) -> Result<(), SqsError> {
        check_name(name, given)?;
        self.write_queue(name, given)
    }

    pub(super) fn set_attributes(&mut self, name: &str, given: &Attributes) -> Result<(), SqsError> {
        let mut merged = self.queue(name)?.attributes;
        if given.get("FifoQueue").is_some_and(|value| value != "true") {
            return Err(SqsError::attribute_value("FifoQueue", "Modifying queue type is not supported"));
        }
        merged.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
        // An empty value removes an attribute. This is how SQS removes a policy.
        merged.retain(|_, value| !value.is_empty());
        self.write_queue(name, &merged)
    }

    fn write_queue(&mut self, name: &str, attributes: &Attributes) -> Result<(), SqsError> {
        attributes::check(attributes)?;
        if let Some(policy) = attributes::redrive(attributes)? {
            let target = policy.target();
            if target == name || self.queue(target).is_err() {
                let target = &policy.dead_letter_target_arn;
                return Err(SqsError::value("RedrivePolicy", target, "Dead letter target does not exist"));
            }
        }
        self.connection.execute(
            "INSERT INTO queue (name, attributes, created_at, modified_at) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (name) DO UPDATE SET attributes = ?2, modified_at = ?3 WHERE attributes <> ?2",
            params![name, serde_json::to_string(attributes)?, self.now()],
        )?;
        Ok(())
    }

    pub(super) fn delete_queue(&mut self, queue: &Queue) -> Result<(), SqsError> {
        self.connection.execute("DELETE FROM queue WHERE name = ?", [&queue.name])?;
        Ok(())
    }

    /// Deletes all messages and forgets their deduplication ids, as SQS does.
    pub(super) fn purge(&mut self, queue: &Queue) -> Result<(), SqsError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM message WHERE queue = ?", [&queue.name])?;
        transaction.execute("DELETE FROM seen WHERE queue = ?", [&queue.name])?;
        transaction.commit()?;
        Ok(())
    }

    /// Deletes the messages that are older than the queue's retention period.
    pub(super) fn forget_old(&mut self, queue: &Queue) -> Result<(), SqsError> {
        let keep = 1000 * attributes::number(&queue.attributes, "MessageRetentionPeriod");
        let before = self.now() - keep;
        self.connection
            .execute("DELETE FROM message WHERE queue = ? AND sent_at <= ?", params![queue.name, before])?;
        Ok(())
    }

    pub(super) fn counts(&mut self, queue: &Queue) -> Result<Counts, SqsError> {
        self.forget_old(queue)?;
        let now = self.now();
        let mut query = self.connection.prepare_cached(
            "SELECT count(*) FILTER (WHERE visible_at <= ?2 AND sent_at <= ?3),
                    count(*) FILTER (WHERE visible_at > ?2),
                    count(*) FILTER (WHERE visible_at <= ?2 AND sent_at > ?3)
             FROM message WHERE queue = ?1",
        )?;
        Ok(query.query_row(params![queue.name, now, queue.delayed_after(now)], |row| {
            Ok(Counts { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
        })?)
    }

    /// Ends every visibility time-out.
    pub(super) fn release_in_flight(&mut self) -> Result<usize, SqsError> {
        let now = self.now();
        Ok(self.connection.execute("UPDATE message SET visible_at = ?1 WHERE visible_at > ?1", [now])?)
    }
}

fn check_name(name: &str, given: &Attributes) -> Result<(), SqsError> {
    let stem = name.strip_suffix(".fifo");
    if given.get("FifoQueue").map(String::as_str) != Some("true") {
        return if stem.is_some() {
            let reason =
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
            Err(SqsError::value("QueueName", name, reason))
        } else {
            Err(SqsError::unsupported("A standard queue"))
        };
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match stem {
        Some(stem) if !stem.is_empty() && name.len() <= 80 && stem.bytes().all(legal) => Ok(()),
        _ => {
            let reason = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
                          underscores, must end with .fifo suffix and be 1 to 80 in length";
            Err(SqsError::value("QueueName", name, reason))
        }
    }
}

/// Returns the ARN of a local queue.
pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")
}
