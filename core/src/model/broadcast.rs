//! A broadcast and its messages, as they are kept.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::broadcast_key::BroadcastKey;
use super::message::{ConnectionId, MessageId, Notice};

/// A broadcast as it is kept, without its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// What its caller calls it.
    pub key: BroadcastKey,
    /// SHA-256 over what was asked for, in hexadecimal: by this a repeated call is told from another one.
    pub digest: String,
    /// What it says, to whom its messages say nothing else.
    pub text: String,
    /// When it was taken, in whole milliseconds.
    pub created_at: Timestamp,
    /// How many messages are in each of its parts.
    pub sizes: Vec<u32>,
    /// The parts whose messages are all on the queue.
    pub fanned_out: BTreeSet<u32>,
}

/// One message of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Where its recipient can be reached, in order: the next where a gateway refuses it for good.
    #[serde(rename = "w")]
    pub ways: Vec<ConnectionId>,
    /// Which send of a job it is of, from 1; 0 for the one of a call.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub send: u32,
    /// What it says, if not what the broadcast says.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Broadcast {
    /// The most recipients of one broadcast.
    pub const MAX_RECIPIENTS: usize = 10_000;

    /// The most that the messages of one broadcast may take, in bytes: what `DynamoDB` writes at once, less a margin.
    pub const MAX_BYTES: usize = 3_500_000;

    /// The most messages of one part.
    pub const PART: usize = 250;

    /// The most bytes of one part.
    const PART_BYTES: usize = 300_000;

    /// For how long it is kept, and its key means this broadcast: 30 days, as long as the history of its messages.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// For how long its messages go out: what is not sent by then is not sent at all.
    pub const SENT_FOR: SignedDuration = SignedDuration::from_hours(24);

    /// How many messages it has.
    pub fn total(&self) -> usize {
        self.sizes.iter().map(|size| *size as usize).sum()
    }

    /// How many of them are on the queue, or beyond it.
    pub fn fanned_out_messages(&self) -> usize {
        let size = |part: &u32| self.sizes.get(*part as usize).map_or(0, |size| *size as usize);
        self.fanned_out.iter().map(size).sum()
    }

    /// The parts that are not on the queue yet.
    pub(crate) fn unfinished(&self) -> Vec<u32> {
        let parts = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        (0..parts).filter(|part| !self.fanned_out.contains(part)).collect()
    }

    /// The message of one piece, the same each time.
    pub(crate) fn notice(&self, piece: &Piece) -> Option<Notice> {
        let (first, otherwise) = piece.ways.split_first()?;
        Some(Notice {
            id: self.id_of(piece).to(first),
            connection: first.clone(),
            text: piece.text.clone().unwrap_or_else(|| self.text.clone()),
            created_at: self.created_at,
            otherwise: otherwise.to_vec(),
        })
    }

    /// From this the id of each message of the piece is derived, by way.
    pub(crate) fn id_of(&self, piece: &Piece) -> MessageId {
        let at = self.created_at.as_millisecond();
        MessageId::from(format!("broadcast {} {at} {}", self.key, piece.send).as_str())
    }
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Pieces in parts as large as an item may be.
pub(crate) fn in_parts(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut parts: Vec<Vec<Piece>> = Vec::new();
    let mut bytes = 0;
    for piece in pieces {
        let more = piece.bytes();
        match parts.last_mut() {
            Some(part) if part.len() < Broadcast::PART && bytes + more <= Broadcast::PART_BYTES => {
                bytes += more;
                part.push(piece);
            }
            _ => {
                bytes = more;
                parts.push(vec![piece]);
            }
        }
    }
    parts
}

impl Piece {
    /// A message of a job's `nth` send.
    pub(crate) fn to(ways: Vec<ConnectionId>, nth: u32, text: String) -> Self {
        Self { ways, send: nth, text: Some(text) }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let way = |way: &ConnectionId| way.backend.as_str().len() + way.identity.as_str().len() + 32;
        self.ways.iter().map(way).sum::<usize>() + self.text.as_ref().map_or(0, String::len) + 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(number: usize, text: usize) -> Piece {
        let way = ConnectionId::new("k".parse().unwrap(), format!("{number:06}").parse().unwrap());
        Piece { ways: vec![way], send: 0, text: (text > 0).then(|| "x".repeat(text)) }
    }

    #[test]
    fn parts_are_as_large_as_an_item_may_be() {
        let sizes = |pieces: Vec<Piece>| in_parts(pieces).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
        assert_eq!(sizes((0..501).map(|number| piece(number, 0)).collect()), [250, 250, 1]);
        assert_eq!(sizes((0..70).map(|number| piece(number, 10_000)).collect()), [29, 29, 12]);
    }
}
