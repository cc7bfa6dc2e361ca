//! The ids of messages, and the data from which they are derived.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ConnectionId, FinalStatus};
use crate::planted::{self, Plant};
use crate::util::hex::hex;

/// The id of one message, incoming or outgoing. Logs, the history, and calls of apps to other systems use it as their
/// key.
///
/// An incoming message with a gateway id (Kannel's `%I`) always gets the same `MessageId`, however often it is
/// delivered. Threadless recognises a second delivery by this id. Without a gateway id, each arrival counts as a
/// message of its own. The id of a reply is the id of its message with a number after it: `…-1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// Returns the id of the message that has the id `gateway_id` at the gateway, on this connection.
    ///
    /// ```
    /// use threadless::{ConnectionId, MessageId};
    /// let on = |backend: &str| -> Result<_, threadless::InvalidName> {
    ///     Ok(ConnectionId::new(backend.parse()?, "1112223333".parse()?))
    /// };
    /// let id = MessageId::of_gateway(&on("a")?, "fe3c");
    /// assert_eq!(id, MessageId::of_gateway(&on("a")?, "fe3c"));
    /// assert_ne!(id, MessageId::of_gateway(&on("b")?, "fe3c"));
    /// # Ok::<(), threadless::InvalidName>(())
    /// ```
    pub fn of_gateway(connection: &ConnectionId, gateway_id: &str) -> Self {
        let digest = digest(&[connection.backend.as_str(), connection.identity.as_str(), gateway_id]);
        Self(hex(&digest[..16]).into())
    }

    /// Returns a new id that no other message has (a version 4 UUID).
    pub fn random() -> Self {
        Self(crate::util::random::unique_id().into())
    }

    /// Returns the id of the `nth` reply (from 1) to this message.
    pub fn reply(&self, nth: usize) -> Self {
        Self(format!("{}-{nth}", self.0).into())
    }

    /// Returns the id of the `nth` send (from 1) that this message caused.
    pub(crate) fn sending(&self, nth: usize) -> Self {
        Self(format!("{}-s{nth}", self.0).into())
    }

    /// Returns the id of this send's message to one connection. It is the same in each call.
    pub(crate) fn to(&self, connection: &ConnectionId) -> Self {
        let digest = digest(&[self.as_str(), connection.backend.as_str(), connection.identity.as_str()]);
        let id = hex(&digest[..16]);
        Self(if self.is_of_report() { format!("{id}r-1").into() } else { id.into() })
    }

    /// Returns the id under which apps learn this final status of a message. The letter `r` at the end distinguishes
    /// it, and the replies to it, from all other ids.
    pub(crate) fn of_report(message: &Self, final_status: FinalStatus) -> Self {
        let final_status =
            if planted::is(Plant::ReportWithoutFinalStatus) { FinalStatus::Failed } else { final_status };
        let digest = digest(&["report", message.as_str(), final_status.as_str()]);
        Self(format!("{}r", hex(&digest[..16])).into())
    }

    /// Returns whether an app wrote this message in answer to the report on another message.
    pub(crate) fn is_of_report(&self) -> bool {
        let Some((report, _)) = self.0.split_once('-') else { return false };
        let digits = report.strip_suffix('r').unwrap_or_default();
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for MessageId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the SHA-256 hash of the parts. The length goes before each part, so that no other list of parts has the same
/// input.
pub(crate) fn digest(parts: &[&str]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_a_report_is_told_from_others() {
        let report = MessageId::of_report(&"m-1".into(), FinalStatus::Failed);
        assert_ne!(report, MessageId::of_report(&"m-1".into(), FinalStatus::Delivered));
        let (other, sending) =
            (ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap()), report.sending(1));
        for of_report in [report.reply(1), sending.to(&other), sending.to(&other).to(&other), sending] {
            assert!(of_report.is_of_report(), "{of_report}");
        }
        for other in [MessageId::random().reply(1), "reminder-1".into(), "x".into(), report] {
            assert!(!other.is_of_report(), "{other}");
        }
    }
}
