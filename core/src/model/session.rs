//! The session: the values that apps keep with a connection between its messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::value::ValueError;

/// Named values that are kept with a connection. A change is committed together with the replies of the message that
/// caused it.
///
/// All apps share the keys, so begin your keys with the name of your app. A session has at most [`Session::MAX_BYTES`]
/// as JSON. A phase that makes the session larger fails, as if it had returned an error.
///
/// ```
/// use threadless::Session;
/// let mut session = Session::default();
/// session.set("survey.answers", &vec!["yes", "no"])?;
/// assert_eq!(session.get::<Vec<String>>("survey.answers")?, Some(vec!["yes".into(), "no".into()]));
/// assert_eq!(session.get::<u32>("survey.step")?, None);
/// # Ok::<(), threadless::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session(Arc<BTreeMap<String, Value>>);

impl Session {
    /// The largest size of a session, in bytes of its JSON form. The session is part of the connection's item in the
    /// table, and every KiB of it costs one write unit for each message.
    pub const MAX_BYTES: usize = 65_536;

    /// Returns the value under `key`, if there is one. Returns an error if the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        self.0.get(key).map(T::deserialize).transpose().map_err(ValueError::new)
    }

    /// Stores `value` under `key`, and replaces the value before it. Returns an error if the value has no JSON form.
    pub fn set<T: Serialize>(&mut self, key: impl Into<String>, value: &T) -> Result<(), ValueError> {
        let value = serde_json::to_value(value).map_err(ValueError::new)?;
        Arc::make_mut(&mut self.0).insert(key.into(), value);
        Ok(())
    }

    /// Removes the value under `key`.
    pub fn remove(&mut self, key: &str) {
        if self.0.contains_key(key) {
            Arc::make_mut(&mut self.0).remove(key);
        }
    }

    /// Returns whether the session has no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether this session is an unchanged copy of the other one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns an error if the session is larger than [`Session::MAX_BYTES`].
    pub(crate) fn within_limit(&self) -> Result<(), SessionTooLarge> {
        match self.to_json().map_or(0, |json| json.len()) {
            0..=Self::MAX_BYTES => Ok(()),
            bytes => Err(SessionTooLarge { bytes }),
        }
    }

    /// Returns the JSON object that stores keep; `None` for an empty session.
    pub fn to_json(&self) -> Option<String> {
        (!self.is_empty()).then(|| serde_json::to_string(&*self.0).unwrap_or_default())
    }

    /// Reads a session that [`Session::to_json`] wrote.
    pub fn from_json(json: &str) -> Result<Self, ValueError> {
        serde_json::from_str(json).map(|map| Self(Arc::new(map))).map_err(ValueError::new)
    }
}

/// A session that an app filled beyond [`Session::MAX_BYTES`].
#[derive(Debug, thiserror::Error)]
#[error("the session has {bytes} bytes as JSON; at most {} are allowed", Session::MAX_BYTES)]
pub(crate) struct SessionTooLarge {
    bytes: usize,
}
