//! A broadcast and its messages, as the store keeps them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::broadcast_key::BroadcastKey;
use super::message::{ConnectionId, MessageId, Notice};

/// A broadcast as the store keeps it, without its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// The key that the caller chose.
    pub key: BroadcastKey,
    /// The SHA-256 hash of the request, in hexadecimal. It shows whether a second call with this key is a repeat or
    /// another request.
    pub digest: String,
    /// The text of all messages that have no text of their own.
    pub text: String,
    /// The time at which the broadcast was accepted, in whole milliseconds.
    pub created_at: Timestamp,
    /// The number of messages in each of its parts.
    pub sizes: Vec<u32>,
    /// The parts whose messages are all on the queue.
    pub fanned_out: BTreeSet<u32>,
}

/// One message of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastMessage {
    /// The connections of the recipient, in order. If a gateway refuses the message for good, the next connection gets
    /// it.
    #[serde(rename = "w")]
    pub connections: Vec<ConnectionId>,
    /// The number of the job's send to which this message belongs, from 1; 0 for the only send of a call.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub send: u32,
    /// The text, if it differs from the text of the broadcast.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Broadcast {
    /// The largest number of recipients of one broadcast.
    pub const MAX_RECIPIENTS: usize = 10_000;

    /// The largest size of all messages of one broadcast, in bytes: the most that `DynamoDB` writes at once, less a
    /// margin.
    pub const MAX_BYTES: usize = 3_500_000;

    /// The largest number of messages in one part.
    pub const PART: usize = 250;

    /// The largest size of one part, in bytes.
    const PART_BYTES: usize = 300_000;

    /// The time for which a broadcast is kept and its key belongs to it: 30 days, as long as the history of its
    /// messages.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// The time in which the messages of a broadcast go out: 24 hours. A message that is not on the queue by then is
    /// not sent.
    pub const SENT_FOR: SignedDuration = SignedDuration::from_hours(24);

    /// Returns the number of messages.
    pub fn total(&self) -> usize {
        self.sizes.iter().map(|size| *size as usize).sum()
    }

    /// Returns the number of messages that are on the queue, or were on it before.
    pub fn fanned_out_messages(&self) -> usize {
        let size = |part: &u32| self.sizes.get(*part as usize).map_or(0, |size| *size as usize);
        self.fanned_out.iter().map(size).sum()
    }

    /// Returns the parts that are not on the queue yet.
    pub(crate) fn unfinished(&self) -> Vec<u32> {
        let parts = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        (0..parts).filter(|part| !self.fanned_out.contains(part)).collect()
    }

    /// Returns the notice for a message. It is the same in each call.
    pub(crate) fn notice(&self, message: &BroadcastMessage) -> Option<Notice> {
        let (first, otherwise) = message.connections.split_first()?;
        Some(Notice {
            id: self.id_of(message).to(first),
            connection: first.clone(),
            text: message.text.clone().unwrap_or_else(|| self.text.clone()),
            created_at: self.created_at,
            otherwise: otherwise.to_vec(),
        })
    }

    /// Returns the base id of a message. The id of the notice to a connection is derived from it.
    pub(crate) fn id_of(&self, message: &BroadcastMessage) -> MessageId {
        let at = self.created_at.as_millisecond();
        MessageId::from(format!("broadcast {} {at} {}", self.key, message.send).as_str())
    }
}

// serde requires this signature.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Splits messages into parts that each fit into one item of the table.
pub(crate) fn in_parts(messages: Vec<BroadcastMessage>) -> Vec<Vec<BroadcastMessage>> {
    let mut parts: Vec<Vec<BroadcastMessage>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let more = message.bytes();
        match parts.last_mut() {
            Some(part) if part.len() < Broadcast::PART && bytes + more <= Broadcast::PART_BYTES => {
                bytes += more;
                part.push(message);
            }
            _ => {
                bytes = more;
                parts.push(vec![message]);
            }
        }
    }
    parts
}

impl BroadcastMessage {
    /// Creates a message of a job's `nth` send.
    pub(crate) fn to(connections: Vec<ConnectionId>, nth: u32, text: String) -> Self {
        Self { connections, send: nth, text: Some(text) }
    }

    /// Returns about how many bytes the message takes.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = |connection: &ConnectionId| {
            connection.backend.as_str().len() + connection.identity.as_str().len() + 32
        };
        self.connections.iter().map(bytes).sum::<usize>() + self.text.as_ref().map_or(0, String::len) + 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: usize, text: usize) -> BroadcastMessage {
        let connection = ConnectionId::new("k".parse().unwrap(), format!("{number:06}").parse().unwrap());
        BroadcastMessage {
            connections: vec![connection],
            send: 0,
            text: (text > 0).then(|| "x".repeat(text)),
        }
    }

    #[test]
    fn parts_are_as_large_as_an_item_may_be() {
        let sizes =
            |messages: Vec<BroadcastMessage>| in_parts(messages).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
        assert_eq!(sizes((0..501).map(|number| message(number, 0)).collect()), [250, 250, 1]);
        assert_eq!(sizes((0..70).map(|number| message(number, 10_000)).collect()), [29, 29, 12]);
    }
}
