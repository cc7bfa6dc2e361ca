//! The key of a broadcast.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The key that the caller gives to a broadcast. A second call with the same key stands for the same broadcast.
///
/// A key has 1–64 characters out of `A–Z a–z 0–9 . _ -`, such as a UUID or `flood-2026-11-25`. The keys `.` and `..`
/// are not allowed, because HTTP clients remove them from a path; so nobody could ask for `/send/..`.
///
/// ```
/// use threadless::broadcast::BroadcastKey;
/// assert!("flood-2026-11-25".parse::<BroadcastKey>().is_ok());
/// assert!("no spaces".parse::<BroadcastKey>().is_err());
/// assert!("..".parse::<BroadcastKey>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BroadcastKey(Arc<str>);

/// The reason why a text is not a [`BroadcastKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key has 1 to 64 of the characters A-Z a-z 0-9 . _ -, and is not . or ..")]
pub struct InvalidKey;

impl BroadcastKey {
    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a key that was stored. Older releases accepted `.` and `..`, and their broadcasts still continue.
    pub(crate) fn stored(text: &str) -> Result<Self, InvalidKey> {
        let fits = (1..=64).contains(&text.len());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if fits && text.bytes().all(plain) { Ok(Self(text.into())) } else { Err(InvalidKey) }
    }
}

impl FromStr for BroadcastKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if matches!(text, "." | "..") { Err(InvalidKey) } else { Self::stored(text) }
    }
}

impl TryFrom<String> for BroadcastKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        Self::stored(&text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_no_path_can_hold_is_none_but_is_read_where_it_was_stored() {
        for refused in [".", "..", "", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(refused.parse::<BroadcastKey>().is_err(), "{refused:?}");
        }
        for taken in ["...", ".a", "..a", "a.", "-", "_", &"x".repeat(64)] {
            assert_eq!(taken.parse::<BroadcastKey>().unwrap().as_str(), taken);
        }
        for stored in [".", "..", "a"] {
            let json = format!("\"{stored}\"");
            assert_eq!(serde_json::from_str::<BroadcastKey>(&json).unwrap().as_str(), stored);
        }
        assert!(serde_json::from_str::<BroadcastKey>("\"a/b\"").is_err());
    }
}
