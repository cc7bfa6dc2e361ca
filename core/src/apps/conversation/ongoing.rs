//! The conversation that a connection is in, as its session keeps it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::after;
use crate::{AppError, Context, Session};

/// Where the session has it. One key for all conversations: a person is in one at a time.
const KEY: &str = "conversation";

/// The conversation that a connection is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ongoing {
    pub(super) name: String,
    /// What `state` was written by.
    pub(super) version: u32,
    /// From when on it does not count any more.
    until: Timestamp,
    pub(super) state: Value,
}

impl Ongoing {
    /// The one that the session has, timed out or not. What cannot be read is none.
    pub(super) fn of(session: &Session) -> Option<Self> {
        session.get(KEY).ok().flatten()
    }

    /// The one of this name.
    pub(super) fn named(session: &Session, name: &str) -> Option<Self> {
        Self::of(session).filter(|ongoing| ongoing.name == name)
    }

    /// Whether it is still so when this message arrived.
    pub(super) fn is_alive(&self, cx: &Context) -> bool {
        cx.message().received_at < self.until
    }

    /// Has the connection be in this state of a conversation, whatever it was in before.
    pub(super) fn put(
        cx: &mut Context,
        name: &str,
        version: u32,
        timeout: Duration,
        state: Value,
    ) -> Result<(), AppError> {
        let until = after(cx.message().received_at, timeout);
        let ongoing = Self { name: name.to_owned(), version, until, state };
        Ok(cx.session_mut().set(KEY, &ongoing)?)
    }

    /// Has the connection be in none, if it is in the one of this name.
    pub(super) fn end(cx: &mut Context, name: &str) {
        if Self::named(cx.session(), name).is_some() {
            cx.session_mut().remove(KEY);
        }
    }
}
