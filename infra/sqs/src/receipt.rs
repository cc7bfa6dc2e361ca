//! Receipt handles and their uses: to delete a message, and to change how long it is in flight.

use std::fmt::{self, Display};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rusqlite::{OptionalExtension as _, params};

use super::engine::{Engine, Queue};
use super::error::SqsError;

/// The longest time that a message can be in flight, in seconds, even if its time-out is extended again and again.
const LONGEST_VISIBILITY: i64 = 43_200;

/// The identifier of one receive of one message. Clients cannot read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Receipt {
    pub(super) sequence: i64,
    /// A random value, new at each receive.
    pub(super) nonce: [u8; 16],
}

/// The present state of the message that a receipt handle names.
enum Held {
    /// The message is in flight, and nobody else has received it.
    InFlight { received_at: i64 },
    /// The visibility time-out of the message has ended.
    Visible,
    /// The message was received again.
    Superseded,
    /// The message was deleted.
    Gone,
}

impl Receipt {
    pub(super) fn new(sequence: i64) -> Self {
        Self { sequence, nonce: uuid::Uuid::new_v4().into_bytes() }
    }

    fn parse(handle: &str) -> Result<Self, SqsError> {
        let parse = || {
            let bytes = BASE64_STANDARD.decode(handle).ok()?;
            let (sequence, nonce) = bytes.split_first_chunk()?;
            Some(Self { sequence: i64::from_be_bytes(*sequence), nonce: nonce.try_into().ok()? })
        };
        parse().ok_or_else(|| SqsError::receipt(handle))
    }
}

impl Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.sequence.to_be_bytes().as_slice(), &self.nonce].concat();
        f.write_str(&BASE64_STANDARD.encode(bytes))
    }
}

impl Engine {
    /// Deletes a message for good. To delete it again is no error. To delete it after its visibility time-out is an
    /// error.
    pub(super) fn delete(&mut self, queue: &Queue, handle: &str) -> Result<(), SqsError> {
        let receipt = Receipt::parse(handle)?;
        match self.held(queue, handle, receipt)? {
            Held::InFlight { .. } => {
                self.connection.execute("DELETE FROM message WHERE sequence = ?", [receipt.sequence])?;
                Ok(())
            }
            Held::Gone => Ok(()),
            Held::Visible | Held::Superseded => {
                Err(SqsError::value("ReceiptHandle", handle, "The receipt handle has expired"))
            }
        }
    }

    /// Sets how many seconds from now a message stays in flight. With 0, the message is visible at once.
    pub(super) fn change_visibility(
        &mut self,
        queue: &Queue,
        handle: &str,
        seconds: i64,
    ) -> Result<(), SqsError> {
        let receipt = Receipt::parse(handle)?;
        if !(0..=LONGEST_VISIBILITY).contains(&seconds) {
            let reason = format!("VisibilityTimeout must be an integer between 0 and {LONGEST_VISIBILITY}");
            return Err(SqsError::value("VisibilityTimeout", seconds, reason));
        }
        let until = self.now() + 1000 * seconds;
        match self.held(queue, handle, receipt)? {
            Held::InFlight { received_at } if until - received_at > 1000 * LONGEST_VISIBILITY => {
                let reason = format!(
                    "Total VisibilityTimeout for the message is beyond the limit [{LONGEST_VISIBILITY} seconds]"
                );
                Err(SqsError::value("VisibilityTimeout", seconds, reason))
            }
            Held::InFlight { .. } => {
                self.connection.execute(
                    "UPDATE message SET visible_at = ? WHERE sequence = ?",
                    params![until, receipt.sequence],
                )?;
                Ok(())
            }
            Held::Visible => Err(SqsError::not_in_flight()),
            Held::Superseded | Held::Gone => {
                let reason = "Message does not exist or is not available for visibility timeout change";
                Err(SqsError::value("ReceiptHandle", handle, reason))
            }
        }
    }

    fn held(&self, queue: &Queue, handle: &str, receipt: Receipt) -> Result<Held, SqsError> {
        type Columns = (String, Option<Vec<u8>>, i64, Option<i64>);
        let found: Option<Columns> = self
            .connection
            .prepare_cached("SELECT queue, receipt, visible_at, received_at FROM message WHERE sequence = ?")?
            .query_row([receipt.sequence], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((name, nonce, visible_at, received_at)) = found else { return Ok(Held::Gone) };
        if name != queue.name {
            return Err(SqsError::receipt(handle));
        }
        Ok(match (nonce, received_at) {
            (Some(nonce), Some(_)) if nonce != receipt.nonce => Held::Superseded,
            (Some(_), Some(received_at)) if visible_at > self.now() => Held::InFlight { received_at },
            (Some(_), Some(_)) => Held::Visible,
            _ => return Err(SqsError::receipt(handle)),
        })
    }
}
