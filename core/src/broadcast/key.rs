//! The key of a broadcast.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What the caller of a broadcast calls it: a call with the same key is the same broadcast, come again.
///
/// 1–64 characters out of `A–Z a–z 0–9 . _ -`: a UUID will do, or `flood-2026-11-25`.
///
/// ```
/// use threadless::broadcast::BroadcastKey;
/// assert!("flood-2026-11-25".parse::<BroadcastKey>().is_ok());
/// assert!("no spaces".parse::<BroadcastKey>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BroadcastKey(Arc<str>);

/// Why a text is not a [`BroadcastKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key is 1 to 64 characters out of A-Z a-z 0-9 . _ -")]
pub struct InvalidKey;

impl BroadcastKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BroadcastKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let fits = (1..=64).contains(&text.len());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if fits && text.bytes().all(plain) { Ok(Self(text.into())) } else { Err(InvalidKey) }
    }
}

impl TryFrom<String> for BroadcastKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<BroadcastKey> for String {
    fn from(key: BroadcastKey) -> Self {
        key.0.as_ref().to_owned()
    }
}

impl fmt::Display for BroadcastKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BroadcastKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
