//! The conversation that a connection is in, as its session keeps it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::util::clock::after;
use crate::{AppError, Context, Session};

/// Where the session has it. One key for all conversations: a person is in one at a time.
const KEY: &str = "conversation";

/// The conversation that a connection is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ongoing {
    name: String,
    /// What `state` was written by.
    pub(super) version: u32,
    /// From when on it does not count any more.
    until: Timestamp,
    pub(super) state: Value,
}

/// Whether a connection is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is in another one, or in none.
    Out,
    /// It is.
    In,
    /// It was, and this message comes too late.
    Late,
}

/// What is to be known of a conversation without its state, which may be large.
#[derive(Deserialize)]
struct Glance {
    name: String,
    until: Timestamp,
}

impl Standing {
    /// How the sender of this message stands to the conversation of this name. What cannot be read is none.
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
    /// What the session has.
    pub(super) fn of(session: &Session) -> Result<Self, AppError> {
        Ok(session.get(KEY)?.ok_or("the connection is in no conversation")?)
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
        if Standing::of(cx, name) != Standing::Out {
            cx.session_mut().remove(KEY);
        }
    }
}
