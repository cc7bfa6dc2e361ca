//! The log of messages: for operators, the tester and delivery reports. Nothing is decided by it.

use jiff::{SignedDuration, Timestamp};

use crate::message::{ConnectionId, Incoming, MessageId};
use crate::store::Entry;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the phone.
    In,
    /// To the phone.
    Out,
}

/// How far a message got. States move forward only: a row never goes back to one of lower [`State::rank`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In: it is ours.
    Received,
    /// In: its phases are through and committed.
    Handled,
    /// Out: it is in the outbox.
    Queued,
    /// Out: the gateway has it.
    Sent,
    /// Out: the phone has it.
    Delivered,
    /// Out: it will not get there.
    Failed,
}

/// One row: one message as far as it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose message.
    pub connection: ConnectionId,
    /// When it was received or written.
    pub at: Timestamp,
    /// The message's id.
    pub id: MessageId,
    /// Which way.
    pub direction: Direction,
    /// How far it got.
    pub state: State,
    /// What it says.
    pub text: String,
    /// For a reply: the message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// How often the gateway was asked to take it.
    pub attempts: u32,
    /// How many of these attempts may have sent it although we do not know that they did.
    pub uncertain: u32,
    /// The gateway's words, or ours, about its state.
    pub detail: Option<String>,
}

impl State {
    /// Where it stands on its way, from 1.
    pub fn rank(self) -> u8 {
        match self {
            Self::Received | Self::Queued => 1,
            Self::Handled | Self::Sent => 2,
            Self::Delivered | Self::Failed => 3,
        }
    }

    /// Its name in the store, the log and the tester.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Handled => "handled",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Received, Self::Handled, Self::Queued, Self::Sent, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

impl Row {
    /// For how long it is kept: 30 days.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// How far it got, and with how much doubt: what decides which of two rows of one message is kept. A repeated
    /// send ends in the same state, but it must not hide that it was one.
    pub fn progress(&self) -> (u8, u32) {
        (self.state.rank(), self.uncertain)
    }

    /// The row of a message whose phases are through.
    pub fn handled(message: &Incoming) -> Self {
        Self {
            connection: message.connection.clone(),
            at: message.received_at,
            id: message.id.clone(),
            direction: Direction::In,
            state: State::Handled,
            text: message.text.clone(),
            in_reply_to: None,
            attempts: 0,
            uncertain: 0,
            detail: None,
        }
    }

    /// The row of a message in an outbox, or on its way out of it.
    pub fn outgoing(connection: &ConnectionId, entry: &Entry, state: State, detail: Option<String>) -> Self {
        Self {
            connection: connection.clone(),
            at: entry.created_at,
            id: entry.id.clone(),
            direction: Direction::Out,
            state,
            text: entry.text.clone(),
            in_reply_to: entry.in_reply_to.clone(),
            attempts: entry.attempts,
            uncertain: entry.uncertain,
            detail,
        }
    }
}
