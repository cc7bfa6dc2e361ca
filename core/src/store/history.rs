//! The history of messages, for operators, the tester and delivery reports.

use super::{StoreError, Unusable};
use crate::model::message::BackendName;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::model::message::State;
use crate::model::message::{ConnectionId, Incoming, MessageId};
use crate::planted::{self, Plant};
use crate::store::Entry;
use crate::util::clock::after;

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the phone.
    In,
    /// To the phone.
    Out,
}

/// One row of history: one message with its present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// The connection of the message.
    pub connection: ConnectionId,
    /// The time when the message was received or written.
    pub at: Timestamp,
    /// The message's id.
    pub id: MessageId,
    /// The direction of the message.
    pub direction: Direction,
    /// The state of the message.
    pub state: State,
    /// The text of the message.
    pub text: String,
    /// The message to which this message replies.
    pub in_reply_to: Option<MessageId>,
    /// The number of times that the gateway was asked to take the message.
    pub attempts: u32,
    /// The number of these attempts that may have sent the message, although we do not know that they did.
    pub uncertain: u32,
    /// The gateway's words about the state, or our own words.
    pub detail: Option<String>,
}

/// The state of an outgoing message as its gateway reports it. It may come before the message's own row is written: the
/// gateway reports at any time, and the row is written at the same time as the send.
///
/// ```
/// use threadless::store::{State, StatusUpdate};
/// use threadless::{ConnectionId, MessageId};
///
/// # let written = "2026-11-24T11:25:33Z".parse().unwrap();
/// let connection = ConnectionId::new("clinic".parse()?, "+251911223344".parse()?);
/// let mut update = StatusUpdate::new(connection, written, MessageId::random(), State::Failed);
/// update.detail = Some("EXPIRED".to_owned());
/// # assert_eq!(update.state, State::Failed);
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusUpdate {
    /// The connection of the message.
    pub connection: ConnectionId,
    /// The time when the message was written: [`HistoryRow::at`].
    pub at: Timestamp,
    /// The message's id.
    pub id: MessageId,
    /// The state of the message: [`State::Sent`] or further.
    pub state: State,
    /// The gateway's words about the state.
    pub detail: Option<String>,
}

impl StatusUpdate {
    /// Creates an update without the gateway's words. Set [`detail`](Self::detail) if there are any.
    pub fn new(connection: ConnectionId, at: Timestamp, id: MessageId, state: State) -> Self {
        Self { connection, at, id, state, detail: None }
    }
}

/// The result of a [`StatusUpdate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// The row has reached this state now.
    Forward,
    /// Another report moved the row to this state less than [`Advanced::LATELY`] ago. The work that follows from that
    /// report may not be done yet.
    Again,
    /// The row did not move, and nothing was written. It is already further. Or it has had this state for longer, or
    /// for another reason. Or it is no longer [kept](HistoryRow::KEPT).
    No,
}

impl Advanced {
    /// The time in which the work that follows from a report may be tried again. It is well within the time for which
    /// the id of an input is [known](super::Recent::HORIZON), so the id is still known when the job comes off the
    /// queue.
    pub const LATELY: SignedDuration = SignedDuration::from_hours(12);
}

impl StatusUpdate {
    /// Returns whether the row of the message is still kept.
    pub(crate) fn is_kept(&self, now: Timestamp) -> bool {
        after(self.at, HistoryRow::KEPT) > now
    }

    /// Returns the row with the fields that a report knows.
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
    /// The time for which a row is kept: 30 days.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// The last moment at which a row can stand, in the year 5138. The keys of rows have 14 digits for milliseconds.
    const LAST: Timestamp = Timestamp::constant(99_999_999_999, 999_000_000);

    /// Returns the time at which a row of this time stands. A time before 1970 or after [`HistoryRow::LAST`] becomes
    /// the nearest time that has a place in the order of the keys.
    pub(crate) fn placed(at: Timestamp) -> Timestamp {
        at.clamp(Timestamp::UNIX_EPOCH, Self::LAST)
    }

    /// Returns the same time in milliseconds since 1970, as keys have it.
    pub(crate) fn place(at: Timestamp) -> i64 {
        Self::placed(at).as_millisecond()
    }

    /// Returns the rank of the state, the uncertain attempts and, while the message waits, the attempts. Of two rows of
    /// one message, the row with the greater progress decides the state and the detail.
    pub fn progress(&self) -> (u8, u32, u32) {
        let attempts = if self.state == State::Queued { self.attempts } else { 0 };
        (self.state.rank(), self.uncertain, attempts)
    }

    /// Merges a later row of the same message into this one. The state and its detail move forward or stay. The counts
    /// of attempts and of uncertain attempts only grow, so a repeated send stays visible. A text that a
    /// [`StatusUpdate`] could not know is added. A row without a detail removes none.
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

    /// Returns the row of a message whose phases have run.
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

    /// Returns the row of a message that is in an outbox or is just leaving it.
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

/// The key of a row of history: its connection, the [time](HistoryRow::at) when it was written, and its message.
pub type RowKey = (ConnectionId, Timestamp, MessageId);

/// The port to the storage of the history of messages, and of unusable messages.
#[async_trait]
pub trait History: Send + Sync {
    /// Writes a row of history, or [merges](HistoryRow::merge) it with the stored row.
    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError>;

    /// Moves the row of an outgoing message forward, as its gateway reports. If there is no row yet, this makes one,
    /// and [`History::record`] completes it.
    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError>;

    /// Returns a connection's history as far as it is [kept](HistoryRow::KEPT), the newest first, at most `limit` rows.
    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError>;

    /// Stores an unusable message.
    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError>;

    /// Returns the unusable messages of a backend as far as they are [kept](Unusable::KEPT), the newest first, at most
    /// `limit`.
    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError>;

    /// Returns a connection's history from a moment on, as far as it is [kept](HistoryRow::KEPT), the oldest first, at
    /// most `limit` rows. The moment counts to the millisecond.
    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError>;

    /// Returns rows of history by connection, time and message, or `None` for each row that does not exist.
    async fn rows(&self, wanted: &[RowKey]) -> Result<Vec<Option<HistoryRow>>, StoreError>;

    /// Returns the states of rows of history, or `None` for each row that does not exist. Does not read the texts if
    /// the store can omit them.
    async fn states(&self, wanted: &[RowKey]) -> Result<Vec<Option<State>>, StoreError> {
        let rows = self.rows(wanted).await?.into_iter();
        Ok(rows.map(|row| row.map(|row| row.state)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn who() -> ConnectionId {
        ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap())
    }

    fn row(state: State, attempts: u32, uncertain: u32, detail: Option<&str>) -> HistoryRow {
        let entry = Entry { attempts, uncertain, ..Entry::new("m".into(), "text", Some("in".into()), at(0)) };
        HistoryRow::outgoing(&who(), &entry, state, detail.map(str::to_owned))
    }

    #[test]
    fn the_row_with_the_greater_progress_decides_whichever_comes_first() {
        use State::{Delivered, Failed, Queued, Sent};
        let first = |state, attempts, uncertain| row(state, attempts, uncertain, Some("first"));
        let second = |state, attempts, uncertain| row(state, attempts, uncertain, Some("second"));
        for (one, other, state, counts, detail) in [
            (first(Queued, 1, 0), second(Queued, 1, 0), Queued, (1, 0), "first"),
            (first(Queued, 1, 0), second(Queued, 2, 0), Queued, (2, 0), "second"),
            (first(Queued, 2, 0), second(Queued, 1, 1), Queued, (2, 1), "second"),
            (first(Queued, 9, 0), second(Sent, 1, 0), Sent, (9, 0), "second"),
            (first(Sent, 1, 0), second(Sent, 2, 0), Sent, (2, 0), "first"),
            (first(Sent, 1, 0), second(Sent, 1, 1), Sent, (1, 1), "second"),
            (first(Failed, 1, 0), second(Sent, 3, 2), Failed, (3, 2), "first"),
            (first(Failed, 1, 0), second(Delivered, 1, 0), Delivered, (1, 0), "second"),
        ] {
            let mut merged = one.clone();
            merged.merge(&other);
            let expected = row(state, counts.0, counts.1, Some(detail));
            assert_eq!(merged, expected, "{one:?} {other:?}");
        }
        let mut merged = first(Queued, 0, 0);
        merged.merge(&row(Sent, 1, 0, None));
        assert_eq!(merged, row(Sent, 1, 0, Some("first")), "a row without a detail removes none");
    }

    #[test]
    fn a_report_counts_as_long_as_the_row_is_kept() {
        let detail = Some("DELIVRD".to_owned());
        let step =
            StatusUpdate { connection: who(), at: at(0), id: "m".into(), state: State::Delivered, detail };
        let kept = HistoryRow::KEPT.as_secs();
        assert_eq!(kept, 30 * 24 * 3600);
        assert_eq!([0, kept - 1, kept].map(|now| step.is_kept(at(now))), [true, true, false]);
        // The row of the message itself completes what a report knows.
        let mut merged = step.row();
        merged.merge(&row(State::Sent, 1, 0, Some("0: Accepted")));
        assert_eq!(merged, row(State::Delivered, 1, 0, Some("DELIVRD")));
    }
}
