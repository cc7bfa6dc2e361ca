//! The log of messages: for operators, the tester and delivery reports.

use super::{StoreError, Unusable};
use crate::model::message::BackendName;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::model::message::State;
use crate::model::message::{ConnectionId, Incoming, MessageId};
use crate::planted::{self, Plant};
use crate::store::Entry;
use crate::util::clock::after;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the phone.
    In,
    /// To the phone.
    Out,
}

/// One row: one message as far as it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
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
pub struct StatusUpdate {
    /// Whose message.
    pub connection: ConnectionId,
    /// When it was written: [`HistoryRow::at`].
    pub at: Timestamp,
    /// The message's id.
    pub id: MessageId,
    /// How far it got: [`State::Sent`] or further.
    pub state: State,
    /// The gateway's words about it.
    pub detail: Option<String>,
}

/// What became of a [`StatusUpdate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// The row is there now.
    Forward,
    /// Another report took it there, less than [`Advanced::LATELY`] ago. What was to follow from it may not have been
    /// done.
    Again,
    /// The row is further, or as far for another reason or since longer; or it is no longer [kept](HistoryRow::KEPT), and
    /// nothing was written.
    No,
}

impl Advanced {
    /// For how long what follows from a report may be tried again: well within the time for which what a connection
    /// took in is [known](super::Recent::HORIZON), so that it is still known when it comes off the queue.
    pub const LATELY: SignedDuration = SignedDuration::from_hours(12);
}

impl StatusUpdate {
    /// Whether the row that it is about is still kept.
    pub(crate) fn is_kept(&self, now: Timestamp) -> bool {
        after(self.at, HistoryRow::KEPT) > now
    }

    /// The row as far as a report knows it.
    pub(crate) fn row(&self) -> HistoryRow {
        HistoryRow {
            connection: self.connection.clone(),
            at: HistoryRow::placed(self.at),
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

impl HistoryRow {
    /// For how long it is kept: 30 days.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// The last moment at which a row can stand, in the year 5138: keys of rows have 14 digits for milliseconds.
    const LAST: Timestamp = Timestamp::constant(99_999_999_999, 999_000_000);

    /// Returns the time at which a row of this time stands. A time before 1970 or after [`HistoryRow::LAST`] counts as the
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
    /// doubt only grow, so that nothing hides a repeated send; a text that a [`StatusUpdate`] could not know comes in. A row
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

/// The key of a row of history: whose it is, [when](HistoryRow::at) it was written, and its message.
pub type RowKey = (ConnectionId, Timestamp, MessageId);

/// The port to storage for the history of messages, and for messages that cannot be used.
#[async_trait]
pub trait History: Send + Sync {
    /// Writes a row of history, or [merges](HistoryRow::merge) it with the one that is there.
    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError>;

    /// Moves the row of an outgoing message forward, as its gateway reports. Where there is none yet it is made, for
    /// [`Store::record`] to complete.
    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError>;

    /// A connection's history as far as it is [kept](HistoryRow::KEPT), the newest first, at most `limit` rows.
    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError>;

    /// Keeps a message that cannot be used.
    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError>;

    /// The unusable messages of a backend as far as they are [kept](Unusable::KEPT), the newest first, at most
    /// `limit`.
    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError>;

    /// A connection's history from a moment on, as far as it is [kept](HistoryRow::KEPT), the oldest first, at most `limit`
    /// rows. Moments are told apart to the millisecond.
    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError>;

    /// Rows of history by connection, time and message, each if it is there.
    async fn rows(&self, wanted: &[RowKey]) -> Result<Vec<Option<HistoryRow>>, StoreError>;

    /// The states of rows of history, each if the row is there. It reads no texts where the store can leave them out.
    async fn states(&self, wanted: &[RowKey]) -> Result<Vec<Option<State>>, StoreError> {
        let rows = self.rows(wanted).await?.into_iter();
        Ok(rows.map(|row| row.map(|row| row.state)).collect())
    }
}
