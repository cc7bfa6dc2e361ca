//! The log of messages: for operators, the tester and delivery reports.

use jiff::{SignedDuration, Timestamp};

use crate::clock::after;
use crate::message::{ConnectionId, Incoming, MessageId};
use crate::planted::{self, Plant};
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
///
/// Received → handled; queued → sent → failed → delivered. Each state has a rank of its own on its way and the
/// highest that was ever told is the one that is kept, so that it makes no difference in which order, how late or how
/// often gateways tell them. Delivered stands above failed: that a phone has a message is a fact that no later word
/// undoes, while that it will not get there is a forecast. A message that was sent twice may come to both, and one
/// that we gave up after a day may have been taken all the same.
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
    /// Out: it will not get there, as far as anyone knows.
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

/// How far an outgoing message got, as its gateway reports it. It may come before the message's own row does: the
/// gateway reports when it likes, and the row is written beside the send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whose message.
    pub connection: ConnectionId,
    /// When it was written: [`Row::at`].
    pub at: Timestamp,
    /// The message's id.
    pub id: MessageId,
    /// How far it got: [`State::Sent`] or further.
    pub state: State,
    /// The gateway's words about it.
    pub detail: Option<String>,
}

/// What became of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The row is there now.
    Forward,
    /// Another report took it there, less than [`Moved::LATELY`] ago. What was to follow from it may not have been
    /// done.
    Again,
    /// The row is further, or as far for another reason or since longer; or it is no longer [kept](Row::KEPT), and
    /// nothing was written.
    No,
}

impl Moved {
    /// For how long what follows from a report may be tried again: well within the time for which what a connection
    /// took in is [known](super::Recent::HORIZON), so that it is still known when it comes off the queue.
    pub const LATELY: SignedDuration = SignedDuration::from_hours(12);
}

impl Step {
    /// Whether the row that it is about is still kept.
    pub(crate) fn is_kept(&self, now: Timestamp) -> bool {
        after(self.at, Row::KEPT) > now
    }

    /// The row as far as a report knows it.
    pub(crate) fn row(&self) -> Row {
        Row {
            connection: self.connection.clone(),
            at: Row::placed(self.at),
            id: self.id.clone(),
            direction: Direction::Out,
            state: self.state,
            text: String::new(),
            in_reply_to: None,
            attempts: 0,
            uncertain: 0,
            detail: self.detail.clone(),
        }
    }
}

impl State {
    /// Where it stands on its way, from 1.
    pub fn rank(self) -> u8 {
        match self {
            Self::Received | Self::Queued => 1,
            Self::Handled | Self::Sent => 2,
            Self::Failed => 3,
            Self::Delivered => 4,
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

    /// The last moment at which a row can stand, in the year 5138: keys of rows have 14 digits for milliseconds.
    const LAST: Timestamp = Timestamp::constant(99_999_999_999, 999_000_000);

    /// Returns the time at which a row of this time stands. A time before 1970 or after [`Row::LAST`] counts as the
    /// nearest one that has a place in the order of the keys.
    pub(crate) fn placed(at: Timestamp) -> Timestamp {
        at.clamp(Timestamp::UNIX_EPOCH, Self::LAST)
    }

    /// Returns the same in milliseconds since 1970, as keys have it.
    pub(crate) fn place(at: Timestamp) -> i64 {
        Self::placed(at).as_millisecond()
    }

    /// How far it got, with how much doubt and, as long as it waits, after how many attempts: what decides whose state and
    /// detail are kept, of two rows of one message.
    pub fn progress(&self) -> (u8, u32, u32) {
        let attempts = if self.state == State::Queued { self.attempts } else { 0 };
        (self.state.rank(), self.uncertain, attempts)
    }

    /// Takes in what a later row of the same message knows. The state and its detail move forward or stay; attempts and
    /// doubt only grow, so that nothing hides a repeated send; a text that a [`Step`] could not know comes in. A row
    /// without a detail takes none away.
    pub fn merge(&mut self, later: &Self) {
        if self.progress() < later.progress() || planted::is(Plant::RowOverwritten) {
            self.state = later.state;
            self.detail = later.detail.clone().or_else(|| self.detail.take());
        }
        self.attempts = self.attempts.max(later.attempts);
        let forgetful = planted::is(Plant::DoubtOverwritten);
        self.uncertain = if forgetful { later.uncertain } else { self.uncertain.max(later.uncertain) };
        if self.text.is_empty() {
            self.text.clone_from(&later.text);
        }
        if self.in_reply_to.is_none() {
            self.in_reply_to.clone_from(&later.in_reply_to);
        }
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
