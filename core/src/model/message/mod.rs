//! The basic types of a message: backends, identities, connections, and messages in both directions.

mod id;
mod names;
mod report;
mod state;

pub use id::MessageId;
pub(crate) use id::digest;
pub use names::{BackendName, ConnectionId, Identity, InvalidName};
pub use report::{FinalStatus, Report};
pub use state::State;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A message from a phone (mobile-originated, MO), decoded.
///
/// ```
/// use threadless::{ConnectionId, Incoming, MessageId};
///
/// let connection = ConnectionId::new("clinic".parse()?, "+251911223344".parse()?);
/// # let received_at = "2026-11-24T11:25:33Z".parse().unwrap();
/// let mut message = Incoming::new(MessageId::random(), connection, "hello", received_at);
/// message.recipient = Some("8080".to_owned());
/// # assert_eq!(message.text, "hello");
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Incoming {
    /// The id. It is the same for every delivery of this message.
    pub id: MessageId,
    /// The sender: identity and backend.
    pub connection: ConnectionId,
    /// The text. It may be empty, because a blank SMS is a message.
    pub text: String,
    /// The time at which the message arrived. This is the gateway's time if it is plausible: at most seven days ago,
    /// and at most five minutes ahead. Otherwise it is the endpoint's time, and [`details`](Self::details) has the
    /// gateway's time as `gateway_time`. A queue does not change this time.
    pub received_at: Timestamp,
    /// The short code to which the message was sent, if the gateway gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// The payload as it arrived, if [`Incoming::text`] cannot hold it exactly: a binary message, or bytes that are not
    /// valid in their charset.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::util::hex::optional")]
    pub raw: Option<Vec<u8>>,
    /// Further facts from the gateway, under the gateway's own names (`smsc`, `account`, `udh` …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

impl Incoming {
    /// Creates a message without a recipient, raw bytes and details. Set these fields if there are any.
    pub fn new(
        id: MessageId,
        connection: ConnectionId,
        text: impl Into<String>,
        received_at: Timestamp,
    ) -> Self {
        Self {
            id,
            connection,
            text: text.into(),
            received_at,
            recipient: None,
            raw: None,
            details: BTreeMap::new(),
        }
    }
}

/// A message to a phone (mobile-terminated, MT), as the outbox keeps it and a backend sends it.
///
/// ```
/// use threadless::{ConnectionId, MessageId, Outgoing};
///
/// let connection = ConnectionId::new("clinic".parse()?, "+251911223344".parse()?);
/// # let created_at = "2026-11-24T11:25:33Z".parse().unwrap();
/// let mut message = Outgoing::new(MessageId::random(), connection, "hello", created_at);
/// message.in_reply_to = Some(MessageId::random());
/// # assert_eq!(message.text, "hello");
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outgoing {
    /// The message's own id.
    pub id: MessageId,
    /// The recipient: identity and backend.
    pub connection: ConnectionId,
    /// The recipient as the gateway wants it, by the backend's `number_format`: `+254711000222`, `254711000222` or
    /// `0711000222`. An engine gives this text to its gateway.
    pub to: String,
    /// The text. It can be longer than one SMS; the gateway splits it.
    pub text: String,
    /// The id of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// The time at which it was written to the outbox.
    pub created_at: Timestamp,
}

impl Outgoing {
    /// Creates a message that answers no other message. Set [`in_reply_to`](Self::in_reply_to) if it is a reply.
    pub fn new(
        id: MessageId,
        connection: ConnectionId,
        text: impl Into<String>,
        created_at: Timestamp,
    ) -> Self {
        let to = connection.identity.as_str().to_owned();
        Self { id, connection, to, text: text.into(), created_at, in_reply_to: None }
    }
}

/// A message to one connection that nobody asked for: a reminder, an alert, one message of a broadcast. It becomes an
/// [`Outgoing`] when it is written to the outbox of the connection. This happens once, however often its job is
/// delivered.
///
/// ```
/// use threadless::{ConnectionId, MessageId, Notice};
///
/// let connection = ConnectionId::new("clinic".parse()?, "+251911223344".parse()?);
/// # let created_at = "2026-11-24T11:25:33Z".parse().unwrap();
/// let mut message = Notice::new(MessageId::random(), connection, "hello", created_at);
/// message.otherwise = vec![ConnectionId::new("other".parse()?, "+251911223344".parse()?)];
/// # assert_eq!(message.text, "hello");
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notice {
    /// The id. It is the same for every attempt to send the message.
    pub id: MessageId,
    /// The recipient: identity and backend.
    pub connection: ConnectionId,
    /// The text. It can be longer than one SMS; the gateway splits it.
    pub text: String,
    /// The time at which the message was requested. Its row in the history has this time.
    pub created_at: Timestamp,
    /// Other connections of the same person, in order. If the gateway refuses this message for good, the first of these
    /// connections gets it, and the rest remain as alternatives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<ConnectionId>,
}

impl Notice {
    /// Creates a message for one connection. Set [`otherwise`](Self::otherwise) if the person has more connections.
    pub fn new(
        id: MessageId,
        connection: ConnectionId,
        text: impl Into<String>,
        created_at: Timestamp,
    ) -> Self {
        Self { id, connection, text: text.into(), created_at, otherwise: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_travel_as_hexadecimal() {
        let message = Incoming {
            id: MessageId::random(),
            connection: ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap()),
            text: String::new(),
            received_at: Timestamp::UNIX_EPOCH,
            recipient: None,
            raw: Some(vec![0, 0xfe, 0xff]),
            details: BTreeMap::new(),
        };
        let json = serde_json::to_string(&message).unwrap();
        assert!(json.contains("\"raw\":\"00feff\""), "{json}");
        assert_eq!(serde_json::from_str::<Incoming>(&json).unwrap(), message);
    }
}
