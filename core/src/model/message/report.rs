//! The final status of a message that was sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ConnectionId, MessageId};
use crate::model::message::State;

/// The final status of a sent message. A message ends in one of these two ways, so the enum is closed: an app can match
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinalStatus {
    /// The phone has the message.
    Delivered,
    /// The message will probably not reach the phone. A gateway may still report it as
    /// [delivered](FinalStatus::Delivered) later, but a delivered message never becomes failed.
    Failed,
}

impl FinalStatus {
    /// Returns the name in the log and the history.
    pub fn as_str(self) -> &'static str {
        self.state().as_str()
    }

    /// Returns the state of the message's row in the history for this final status.
    pub fn state(self) -> State {
        match self {
            Self::Delivered => State::Delivered,
            Self::Failed => State::Failed,
        }
    }
}

/// The report that a message has reached its final status. [`App::report`](crate::App::report) gets it once for each
/// message and final status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The id. It is the same for every report of this final status of this message.
    pub id: MessageId,
    /// The recipient of the message.
    pub connection: ConnectionId,
    /// The id of the message. The id of a reply is the id of its incoming message with a number after it, `…-1`. A
    /// [`Notice`](crate::Notice) has an id of its own.
    pub message: MessageId,
    /// The final status of the message.
    #[serde(rename = "fate")]
    pub final_status: FinalStatus,
    /// The words of the gateway about the status, or those of Threadless. Apps should not depend on them, because every
    /// gateway uses other words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The time of the event, if the gateway gave a plausible time (at most seven days ago, at most five minutes
    /// ahead). Otherwise it is the time at which Threadless learned of the event.
    pub at: Timestamp,
}

impl Report {
    /// Creates the report on a message.
    pub fn new(
        connection: ConnectionId,
        message: MessageId,
        final_status: FinalStatus,
        detail: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            id: MessageId::of_report(&message, final_status),
            connection,
            message,
            final_status,
            detail,
            at,
        }
    }
}
