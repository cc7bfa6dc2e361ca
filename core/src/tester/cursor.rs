//! A cursor says which part of a conversation a page has. With it, the tester sends the page only new and changed rows.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::model::message::State;
use crate::store::HistoryRow;
use crate::util::hex::hex;

/// The time, in milliseconds, for which an older row may still appear after a newer row. Another Lambda function with
/// another clock may write it.
const LATE_MS: i64 = 10_000;

/// The time, in milliseconds, for which the cursor waits for a message that is not done. A later change shows when the
/// page is loaded again.
const PATIENCE_MS: i64 = 3_600_000;

/// The position of a page in a conversation. The page sends it back with the next poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The time from which rows may have changed, in milliseconds since 1970.
    from: i64,
    /// A digest of the rows from this time on.
    print: String,
    /// The id of the newest row. If this row is gone, the conversation that the page knows is gone too.
    anchor: String,
}

impl Cursor {
    /// Returns the cursor after these rows, which begin with the oldest row; `None` if there are no rows. `more` says
    /// that there are older rows, which the page does not want.
    ///
    /// A row with a time in the future must not hide other rows. The next row gets the time `now`, which is before that
    /// time.
    pub(super) fn after(rows: &[HistoryRow], more: bool, now: Timestamp) -> Option<Self> {
        let (oldest, newest) = (rows.first()?, rows.last()?);
        let now_ms = now.as_millisecond();
        let newest_ms = newest.at.as_millisecond().min(now_ms);
        let open = |row: &&HistoryRow| {
            matches!(row.state, State::Received | State::Queued)
                && row.at.as_millisecond() > newest_ms - PATIENCE_MS
        };
        let oldest_open = rows.iter().find(open).map_or(newest_ms, |row| row.at.as_millisecond());
        let shown = if more { oldest.at.as_millisecond().min(now_ms - LATE_MS) } else { 0 };
        let from = oldest_open.min(newest_ms - LATE_MS).max(shown);
        Some(Self { from, print: print(rows, from), anchor: newest.id.as_str().to_owned() })
    }

    /// Reads the text of [`Cursor::to_text`].
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let from = parts.next()?.parse().ok().filter(|from| *from >= 0)?;
        let (print, anchor) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Self { from, print, anchor })
    }

    pub(super) fn to_text(&self) -> String {
        format!("{}.{}.{}", self.from, self.print, self.anchor)
    }

    /// Returns the time from which rows must be read.
    pub(super) fn from(&self) -> Timestamp {
        Timestamp::from_millisecond(self.from).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Returns whether the conversation that the page knows still exists. `rows` are the rows from [`Cursor::from`] on.
    pub(super) fn holds(&self, rows: &[HistoryRow]) -> bool {
        rows.iter().any(|row| row.id.as_str() == self.anchor)
    }

    /// Returns whether these rows are the same that the page has.
    pub(super) fn is_up_to_date(&self, rows: &[HistoryRow]) -> bool {
        self.print == print(rows, self.from)
    }
}

/// Returns a digest of everything in these rows that can change.
fn print(rows: &[HistoryRow], from: i64) -> String {
    let mut sha = Sha256::new();
    for row in rows.iter().filter(|row| row.at.as_millisecond() >= from) {
        sha.update(format!("{}\0{}\0{}\0{}\0", row.id, row.state.as_str(), row.uncertain, row.attempts));
    }
    hex(&sha.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{ConnectionId, MessageId};
    use crate::store::Direction;

    fn row(seconds: i64, id: &str, state: State) -> HistoryRow {
        HistoryRow {
            connection: ConnectionId::new("b".parse().unwrap(), "1".parse().unwrap()),
            at: Timestamp::from_second(1_700_000_000 + seconds).unwrap(),
            id: MessageId::from(id),
            direction: Direction::In,
            state,
            text: String::new(),
            in_reply_to: None,
            attempts: 0,
            uncertain: 0,
            detail: None,
        }
    }

    /// A time after all rows that are not in the future.
    const NOW: Timestamp = Timestamp::constant(1_700_009_000, 0);

    fn from(rows: &[HistoryRow]) -> i64 {
        Cursor::after(rows, false, NOW).unwrap().from().as_second() - 1_700_000_000
    }

    #[test]
    fn a_cursor_reaches_back_to_what_may_still_change() {
        let done = |at| row(at, "done", State::Handled);
        assert_eq!(from(&[done(0), done(100)]), 90, "what may be late");
        assert_eq!(from(&[done(0), row(20, "q", State::Queued), done(100)]), 20, "what waits");
        assert_eq!(from(&[row(0, "q", State::Queued), done(4000)]), 3990, "but not for ever");
        assert_eq!(Cursor::after(&[], false, NOW), None);
        let newest = [done(95), done(100)];
        assert_eq!(from(&newest), 90);
        let cursor = Cursor::after(&newest, true, NOW).unwrap();
        assert_eq!(cursor.from(), newest[0].at, "what the page does not want is no news");
    }

    #[test]
    fn a_row_from_the_future_hides_none_that_comes_after_it() {
        let now = Timestamp::from_second(1_700_000_100).unwrap();
        let ahead = 10 * 365 * 24 * 3600;
        let mut rows = vec![row(100, "now", State::Handled), row(ahead, "ahead", State::Handled)];
        let cursor = Cursor::after(&rows, false, now).unwrap();
        assert_eq!(cursor.from().as_second() - 1_700_000_000, 90);
        rows.insert(1, row(101, "next", State::Handled));
        assert!(cursor.holds(&rows) && !cursor.is_up_to_date(&rows));
        let cursor = Cursor::after(&rows[2..], true, now).unwrap();
        assert_eq!(cursor.from().as_second() - 1_700_000_000, 90, "also where the page has nothing else");
    }

    #[test]
    fn a_cursor_knows_what_changed_and_what_is_gone() {
        let mut rows =
            vec![row(0, "a", State::Handled), row(95, "b", State::Queued), row(100, "c.d", State::Sent)];
        let cursor = Cursor::after(&rows, false, NOW).unwrap();
        assert_eq!(Cursor::read(&cursor.to_text()), Some(cursor.clone()));
        assert!(cursor.holds(&rows[1..]) && cursor.is_up_to_date(&rows[1..]));
        rows[1].state = State::Sent;
        assert!(cursor.holds(&rows[1..]) && !cursor.is_up_to_date(&rows[1..]));
        rows.truncate(2);
        assert!(!cursor.holds(&rows));
    }

    #[test]
    fn what_is_no_cursor_is_none() {
        for text in ["", "1", "1.2", "x.y.z", "-1.y.z", "99999999999999999999.y.z"] {
            assert_eq!(Cursor::read(text), None, "{text}");
        }
        assert_eq!(Cursor::read("9223372036854775807.y.z").unwrap().from(), Timestamp::UNIX_EPOCH);
    }
}
