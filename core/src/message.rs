//! The words everything else is written in: backends, identities, connections, and messages in both
//! directions.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::store::State;

/// The name of a configured backend, as it stands in `settings.toml` and in the path of its URL.
///
/// 1–64 characters out of `A–Z a–z 0–9 _ -`.
///
/// ```
/// use threadless::BackendName;
/// let name: BackendName = "my-kannel-backend".parse()?;
/// assert_eq!(name.as_str(), "my-kannel-backend");
/// assert!("no spaces".parse::<BackendName>().is_err());
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackendName(Arc<str>);

/// The address of a person (or machine) at a backend: usually a phone number, but any text that the gateway
/// uses: `+251911223344`, `MTN-INFO`.
///
/// 1–256 bytes of UTF-8.
///
/// ```
/// use threadless::Identity;
/// let identity: Identity = "+251911223344".parse()?;
/// assert_eq!(identity.masked(), "+25*******344");
/// assert!("".parse::<Identity>().is_err());
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identity(Arc<str>);

/// Why a text is not a [`BackendName`] or an [`Identity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// A backend name that is empty, too long, or has a character outside `[A-Za-z0-9_-]`.
    #[error("a backend name is 1 to 64 characters out of A-Z a-z 0-9 _ -, not {0:?}")]
    Backend(String),
    /// An identity of no bytes.
    #[error("an identity cannot be empty")]
    EmptyIdentity,
    /// An identity of more than 256 bytes.
    #[error("an identity has at most 256 bytes, not {0}")]
    LongIdentity(usize),
}

impl BackendName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Identity {
    /// The most bytes an identity can have.
    pub const MAX_BYTES: usize = 256;

    /// The identity as text. It is personal data: logs take [`Identity::masked`].
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identity for logs: the first and last three characters, stars between; all stars if it is short.
    pub fn masked(&self) -> String {
        let count = self.0.chars().count();
        let shown = if count >= 9 { 3 } else { 0 };
        self.0
            .chars()
            .enumerate()
            .map(|(at, c)| if at < shown || at >= count - shown { c } else { '*' })
            .collect()
    }
}

impl FromStr for BackendName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let ok = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if ok { Ok(Self(text.into())) } else { Err(InvalidName::Backend(text.chars().take(80).collect())) }
    }
}

impl FromStr for Identity {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.len() {
            0 => Err(InvalidName::EmptyIdentity),
            1..=Self::MAX_BYTES => Ok(Self(text.into())),
            long => Err(InvalidName::LongIdentity(long)),
        }
    }
}

macro_rules! text_like {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}
text_like!(BackendName);
text_like!(Identity);

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Masked, so that a `?identity` in a log line gives no number away.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// One identity at one backend: who we talk to. Unique, as in `RapidSMS`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionId {
    /// The backend through which messages come and go.
    pub backend: BackendName,
    /// The address at that backend.
    pub identity: Identity,
}

impl ConnectionId {
    /// Puts the two together.
    pub fn new(backend: BackendName, identity: Identity) -> Self {
        Self { backend, identity }
    }

    /// SHA-256 over both parts, each led by its length so that no two connections share it.
    ///
    /// The queue's message group is this in hex; the sweep's shard is its first byte.
    pub fn digest(&self) -> [u8; 32] {
        digest(&[self.backend.as_str(), self.identity.as_str()])
    }
}

/// The name of one message, in or out: what logs, history, and apps' external calls key on.
///
/// An inbound message that came with a gateway id (Kannel's `%I`) always gets the same `MessageId`, however
/// often it is delivered; that is what makes its effect happen once. Without one each arrival is a message of
/// its own. A reply's id is its message's with a number behind: `…-1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// The id of the message that the gateway calls `gateway_id` on this connection.
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

    /// A new id that no other message has (a version 4 UUID).
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string().into())
    }

    /// The id of the `nth` reply (from 1) to this message.
    pub fn reply(&self, nth: usize) -> Self {
        Self(format!("{}-{nth}", self.0).into())
    }

    /// The id of the `nth` send (from 1) that this message set off.
    pub(crate) fn sending(&self, nth: usize) -> Self {
        Self(format!("{}-s{nth}", self.0).into())
    }

    /// The id of what this sends to one connection: the same each time.
    pub(crate) fn to(&self, connection: &ConnectionId) -> Self {
        let digest = digest(&[self.as_str(), connection.backend.as_str(), connection.identity.as_str()]);
        let id = hex(&digest[..16]);
        Self(if self.is_of_report() { format!("{id}r-1").into() } else { id.into() })
    }

    /// The id under which the apps learn of this fate of a message. The letter at its end tells it, and replies to it,
    /// from all others.
    pub(crate) fn of_report(message: &Self, fate: Fate) -> Self {
        let digest = digest(&["report", message.as_str(), fate.as_str()]);
        Self(format!("{}r", hex(&digest[..16])).into())
    }

    /// Whether an app wrote the message when it learned of another one's fate.
    pub(crate) fn is_of_report(&self) -> bool {
        let Some((report, _)) = self.0.split_once('-') else { return false };
        let digits = report.strip_suffix('r').unwrap_or_default();
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// The id as text.
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

/// A message from a phone (mobile-originated, MO), decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// The same for every delivery of this message.
    pub id: MessageId,
    /// Who sent it, and through what.
    pub connection: ConnectionId,
    /// What they wrote. May be empty: a blank SMS is a message.
    pub text: String,
    /// When it arrived: by the gateway's clock if it said so, else by the endpoint's. A queue does not change it.
    pub received_at: Timestamp,
    /// The short code it was sent to, if the gateway said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// The payload as it came, where [`Incoming::text`] cannot hold it exactly: a binary message, or bytes that
    /// are not valid in their charset.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::hex::optional")]
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

/// What became of a message in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The phone has it.
    Delivered,
    /// It will not get there, as far as anyone knows. A gateway that thinks better of it may still
    /// [deliver](Fate::Delivered) it; never the other way.
    Failed,
}

impl Fate {
    /// Its name in the log and the history.
    pub fn as_str(self) -> &'static str {
        self.state().as_str()
    }

    /// The state of the message's row then.
    pub fn state(self) -> State {
        match self {
            Self::Delivered => State::Delivered,
            Self::Failed => State::Failed,
        }
    }
}

/// That a message came to its end, as [`App::report`](crate::App::report) learns of it: once for each message and fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The same for every report of this fate of this message.
    pub id: MessageId,
    /// Who was to get the message.
    pub connection: ConnectionId,
    /// The message: that of a reply is its inbound message's with a number behind, `…-1`; that of a [`Notice`] its own.
    pub message: MessageId,
    /// What became of it.
    pub fate: Fate,
    /// The gateway's words about that, or ours. Nothing to go by: no two gateways have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When it happened, as far as the gateway said so; else when we learned of it.
    pub at: Timestamp,
}

impl Report {
    /// Of this message.
    pub fn new(
        connection: ConnectionId,
        message: MessageId,
        fate: Fate,
        detail: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self { id: MessageId::of_report(&message, fate), connection, message, fate, detail, at }
    }
}

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
    fn names_keep_to_their_limits() {
        for bad in ["", "a b", "a/b", "ä", "a#b", &"x".repeat(65)] {
            assert!(bad.parse::<BackendName>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(64).parse::<BackendName>().is_ok());
        assert_eq!("".parse::<Identity>(), Err(InvalidName::EmptyIdentity));
        assert!("ሰ".repeat(85).parse::<Identity>().is_ok(), "255 bytes");
        assert_eq!("ሰ".repeat(86).parse::<Identity>(), Err(InvalidName::LongIdentity(258)));
    }

    #[test]
    fn no_two_connections_share_a_digest() {
        let connection =
            |b: &str, i: &str| ConnectionId::new(b.parse().unwrap(), i.parse().unwrap()).digest();
        assert_ne!(connection("ab", "c"), connection("a", "bc"));
    }

    #[test]
    fn a_message_of_a_report_is_told_from_others() {
        let report = MessageId::of_report(&"m-1".into(), Fate::Failed);
        assert_ne!(report, MessageId::of_report(&"m-1".into(), Fate::Delivered));
        let (other, sending) =
            (ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap()), report.sending(1));
        for of_report in [report.reply(1), sending.to(&other), sending.to(&other).to(&other), sending] {
            assert!(of_report.is_of_report(), "{of_report}");
        }
        for other in [MessageId::random().reply(1), "reminder-1".into(), "x".into(), report] {
            assert!(!other.is_of_report(), "{other}");
        }
    }

    #[test]
    fn a_short_identity_is_masked_whole() {
        assert_eq!("12345678".parse::<Identity>().unwrap().masked(), "********");
        assert_eq!(format!("{:?}", "123456789".parse::<Identity>().unwrap()), "123***789");
    }

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
