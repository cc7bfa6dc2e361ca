//! The names of senders and recipients: backends, identities, and connections.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::digest;

/// The name of a configured backend, as in `settings.toml` and in the path of the backend's URL.
///
/// It has 1–64 characters out of `A–Z a–z 0–9 _ -`.
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

/// The address of a person (or machine) at a backend. It is usually a phone number, but any text that the gateway uses
/// is possible: `+251911223344`, `MTN-INFO`.
///
/// It has 1–256 bytes of UTF-8.
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

/// The reason why a text is not a [`BackendName`] or an [`Identity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The backend name is empty, too long, or has a character outside `[A-Za-z0-9_-]`.
    #[error("{0:?} is not a backend name: write 1 to 64 of the characters A-Z a-z 0-9 _ -")]
    Backend(String),
    /// The identity is empty.
    #[error("an identity cannot be empty")]
    EmptyIdentity,
    /// The identity has more than 256 bytes.
    #[error("an identity has at most 256 bytes, not {0}")]
    LongIdentity(usize),
}

impl BackendName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Identity {
    /// The largest length of an identity, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Returns the identity as text. It is personal data, so logs use [`Identity::masked`].
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the identity for logs: the first and the last three characters, with stars between them. A short
    /// identity becomes all stars.
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

/// Masks the identity, so that `?identity` in a log line does not reveal a phone number.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// A connection: one identity at one backend. It is unique, as in `RapidSMS`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionId {
    /// The backend through which messages come and go.
    pub backend: BackendName,
    /// The address at that backend.
    pub identity: Identity,
}

impl ConnectionId {
    /// Creates a connection from its two parts.
    pub fn new(backend: BackendName, identity: Identity) -> Self {
        Self { backend, identity }
    }

    /// Returns the SHA-256 hash of both parts. The length goes before each part, so that no two connections share a
    /// hash.
    ///
    /// The message group on the queue is this hash in hexadecimal. The shard of the sweep is its first byte.
    pub fn digest(&self) -> [u8; 32] {
        digest(&[self.backend.as_str(), self.identity.as_str()])
    }
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
    fn a_short_identity_is_masked_whole() {
        assert_eq!("12345678".parse::<Identity>().unwrap().masked(), "********");
        assert_eq!(format!("{:?}", "123456789".parse::<Identity>().unwrap()), "123***789");
    }
}
