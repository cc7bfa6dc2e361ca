//! The words everything else is written in: backends, identities, connections, and messages in both
//! directions.

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// The same for every delivery of this message.
    pub id: MessageId,
    /// Who sent it, and through what.
    pub connection: ConnectionId,
    /// What they wrote. May be empty: a blank SMS is a message.
    pub text: String,
    /// When it arrived: by the gateway's clock if that can be right (at most seven days ago, at most five minutes
    /// ahead), otherwise by the endpoint's, with the gateway's time in [`details`](Self::details) as `gateway_time`. A
    /// queue does not change it.
    pub received_at: Timestamp,
    /// The short code it was sent to, if the gateway said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// The payload as it came, where [`Incoming::text`] cannot hold it exactly: a binary message, or bytes that
    /// are not valid in their charset.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::util::hex::optional")]
    pub raw: Option<Vec<u8>>,
    /// What else the gateway said of it, by the gateway's own names (`smsc`, `account`, `udh` …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// A message to a phone (mobile-terminated, MT), as the outbox keeps it and a backend sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// This message's own id.
    pub id: MessageId,
    /// Who gets it, and through what.
    pub connection: ConnectionId,
    /// What it says; any length, the gateway splits it.
    pub text: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// When it was written to the outbox.
    pub created_at: Timestamp,
}

/// A message to one connection that nobody asked for: a reminder, an alert, one of a broadcast. It becomes an
/// [`Outgoing`] when it is written to the connection's outbox, once however often its job is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every attempt to send it.
    pub id: MessageId,
    /// Who gets it, and through what.
    pub connection: ConnectionId,
    /// What it says; any length, the gateway splits it.
    pub text: String,
    /// When it was asked for. Its row in the history stands at this time.
    pub created_at: Timestamp,
    /// Where else the same person can be reached, in order: where the gateway refuses this message for good, the
    /// first of them gets it, with the rest behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<ConnectionId>,
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
