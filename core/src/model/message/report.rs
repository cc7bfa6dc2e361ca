//! What becomes of a message that was sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ConnectionId, MessageId};
use crate::model::message::State;

/// What became of a message in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinalStatus {
    /// The phone has it.
    Delivered,
    /// It will not get there, as far as anyone knows. A gateway that thinks better of it may still
    /// [deliver](FinalStatus::Delivered) it; never the other way.
    Failed,
}

impl FinalStatus {
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
    /// The message: that of a reply is its inbound message's with a number behind, `…-1`; that of a [`Notice`](crate::Notice) its own.
    pub message: MessageId,
    /// What became of it.
    pub fate: FinalStatus,
    /// The gateway's words about that, or ours. Nothing to go by: no two gateways have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When it happened, if the gateway gave a time that can be right (at most seven days ago, at most five minutes
    /// ahead); otherwise when we learned of it.
    pub at: Timestamp,
}

impl Report {
    /// Of this message.
    pub fn new(
        connection: ConnectionId,
        message: MessageId,
        fate: FinalStatus,
        detail: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self { id: MessageId::of_report(&message, fate), connection, message, fate, detail, at }
    }
}
