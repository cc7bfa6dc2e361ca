//! The present conversation of a connection, as the session keeps it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::util::clock::after;
use crate::{AppError, Context, Session};

/// The session key of the present conversation. All conversations share this key, because a person is in one
/// conversation at a time.
const KEY: &str = "conversation";

/// The present conversation of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ongoing {
    name: String,
    /// The version of the conversation that wrote `state`.
    pub(super) version: u32,
    /// The time from which the state no longer counts.
    until: Timestamp,
    pub(super) state: Value,
}

/// The relation of a connection to one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The connection is in another conversation, or in none.
    Out,
    /// The connection is in this conversation.
    In,
    /// The connection was in this conversation, but this message comes too late.
    Late,
}

/// The name and the end of a conversation, without its state, which may be large.
#[derive(Deserialize)]
struct Glance {
    name: String,
    until: Timestamp,
}

impl Standing {
    /// Returns the relation of the sender to the conversation of this name. If the entry cannot be read, the answer is
    /// `Out`.
    pub(super) fn of(cx: &Context, name: &str) -> Self {
        match cx.session().get::<Glance>(KEY) {
            Ok(Some(glance)) if glance.name == name => {
                if cx.message().received_at < glance.until {
                    Self::In
                } else {
                    Self::Late
                }
            }
            _ => Self::Out,
        }
    }
}

impl Ongoing {
    /// Reads the present conversation from the session.
    pub(super) fn of(session: &Session) -> Result<Self, AppError> {
        Ok(session.get(KEY)?.ok_or("the connection is not in a conversation")?)
    }

    /// Puts the connection into this state of a conversation. Any earlier conversation ends.
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

    /// Ends the conversation of this name, if the connection is in it.
    pub(super) fn end(cx: &mut Context, name: &str) {
        if Standing::of(cx, name) != Standing::Out {
            cx.session_mut().remove(KEY);
        }
    }
}
