//! Finds the new rows in the conversations that a page follows.

use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tester;
use super::cursor::Cursor;
use crate::model::message::Identity;
use crate::store::{Direction, HistoryRow, StoreError};

/// The maximum number of conversations that a page may follow.
pub(super) const CONVERSATIONS: usize = 60;

/// The number of rows that a page gets of a conversation that it does not know, unless it asks for another number.
const ROWS: usize = 200;

/// The maximum number of rows that a page may ask for.
const MOST_ROWS: usize = 2000;

/// The number of rows that are read to find new ones. It is enough for all rows that appear while a long file is sent.
/// A page that is further behind gets the newest rows in place of all its rows.
const NEW_ROWS: usize = 3000;

/// The maximum number of numbers in the list.
const NUMBERS: usize = 1000;

/// The cursor of a page that knows that the conversation is empty.
const NOTHING: &str = "-";

/// The body of `poll.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Poll {
    /// The conversations that the page follows.
    #[serde(default)]
    pub(super) conversations: Vec<Followed>,
    /// Whether the page wants the list of numbers.
    #[serde(default)]
    numbers: bool,
}

/// A conversation that a page follows.
#[derive(Debug, Deserialize)]
pub(super) struct Followed {
    identity: Identity,
    /// The cursor that came with the last rows. Without it, the page knows nothing of the conversation.
    cursor: Option<String>,
    /// The number of rows that the page wants if the tester must send the conversation anew.
    rows: Option<usize>,
}

/// The answer to a poll.
#[derive(Debug, Serialize)]
pub(super) struct News {
    conversations: Vec<Conversation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<Vec<Used>>,
}

#[derive(Debug, Serialize)]
struct Conversation {
    identity: Identity,
    cursor: String,
    /// Whether these rows replace all rows that the page has.
    reset: bool,
    /// Whether there are older rows.
    more: bool,
    rows: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Used {
    identity: Identity,
    used_at: i64,
}

/// A row in the form for the page.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    pub(super) id: String,
    /// The time in milliseconds since 1970.
    pub(super) at: i64,
    direction: &'static str,
    state: &'static str,
    text: String,
    attempts: u32,
    uncertain: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<String>,
}

impl From<HistoryRow> for Shown {
    fn from(row: HistoryRow) -> Self {
        Self {
            id: row.id.as_str().to_owned(),
            at: row.at.as_millisecond(),
            direction: match row.direction {
                Direction::In => "in",
                Direction::Out => "out",
            },
            state: row.state.as_str(),
            text: row.text,
            attempts: row.attempts,
            uncertain: row.uncertain,
            detail: row.detail,
            in_reply_to: row.in_reply_to.map(|id| id.as_str().to_owned()),
        }
    }
}

/// Answers a poll. The answer leaves out conversations without news.
pub(super) async fn news(tester: &Tester<'_>, poll: Poll) -> Result<News, StoreError> {
    let followed = try_join_all(poll.conversations.into_iter().map(|followed| of_one(tester, followed)));
    let numbers = async {
        if !poll.numbers {
            return Ok(None);
        }
        let ports = &tester.project.ports;
        let numbers = ports.store.numbers(&tester.name, ports.clock.now(), NUMBERS).await?;
        let used = numbers
            .into_iter()
            .map(|number| Used { identity: number.identity, used_at: number.used_at.as_millisecond() });
        Ok(Some(used.collect()))
    };
    let (conversations, numbers) = futures_util::future::try_join(followed, numbers).await?;
    Ok(News { conversations: conversations.into_iter().flatten().collect(), numbers })
}

async fn of_one(tester: &Tester<'_>, followed: Followed) -> Result<Option<Conversation>, StoreError> {
    let ports = &tester.project.ports;
    let now = ports.clock.now();
    let Followed { identity, cursor, rows: wanted } = followed;
    let connection = tester.connection(&identity);
    if let Some(cursor) = cursor.as_deref().and_then(Cursor::read) {
        let rows = ports.store.history_from(&connection, cursor.from(), now, NEW_ROWS).await?;
        if cursor.holds(&rows) {
            if cursor.is_up_to_date(&rows) {
                return Ok(None);
            }
            return Ok(Some(conversation(identity, false, false, rows, now)));
        }
    }
    let limit = wanted.unwrap_or(ROWS).clamp(1, MOST_ROWS);
    let mut rows = ports.store.history(&connection, now, limit).await?;
    if rows.is_empty() && cursor.as_deref() == Some(NOTHING) {
        return Ok(None);
    }
    let more = rows.len() == limit;
    rows.reverse();
    Ok(Some(conversation(identity, true, more, rows, now)))
}

fn conversation(
    identity: Identity,
    reset: bool,
    more: bool,
    rows: Vec<HistoryRow>,
    now: Timestamp,
) -> Conversation {
    let cursor = Cursor::after(&rows, more, now).map_or(NOTHING.to_owned(), |cursor| cursor.to_text());
    Conversation { identity, cursor, reset, more, rows: rows.into_iter().map(Shown::from).collect() }
}
