//! Which replies go out: none to who opted out, and none to a machine that answers our answers. What goes to others
//! is counted like a reply, since a machine may answer that too; a message that nobody asked for is not, since it
//! answers nothing.

use jiff::Timestamp;
use tracing::{error, warn};

use crate::consent::ConsentChange;
use crate::model::message::{ConnectionId, State};
use crate::planted::{self, Plant};
use crate::project::Installed;
use crate::store::{Entry, HistoryRow, Record, ReplyRate};

/// The detail of a row whose message was held back since its connection opted out.
pub(crate) const OPTED_OUT: &str = "opted out";

/// The detail of a row whose message was held back by the loop guard.
const LOOPING: &str = "more replies than an hour may have: is this another machine?";

/// The replies to one message, sorted.
#[derive(Debug, Default)]
pub(crate) struct Screened {
    /// They go out.
    pub(crate) entries: Vec<Entry>,
    /// They do not, and these rows say why.
    pub(crate) held_back: Vec<HistoryRow>,
    /// Since when the connection wants nothing.
    pub(crate) opted_out: Option<Timestamp>,
    /// The replies of this hour, these included.
    pub(crate) pace: ReplyRate,
}

impl Screened {
    /// Sorts what is to go to `connection`. `seen` is the connection as the commit will be held to, so that a wish
    /// that comes in between makes it start over.
    pub(crate) fn of(
        connection: &ConnectionId,
        seen: &Record,
        wish: Option<&ConsentChange>,
        installed: Option<&Installed>,
        replies: Vec<Entry>,
        now: Timestamp,
    ) -> Self {
        let opted_out = wish.map_or(seen.outbox.opted_out, |wish| wish.opted_out);
        let mut permitted = Self { opted_out, pace: seen.pace.at(now), ..Self::default() };
        let limit = installed.and_then(|installed| installed.replies_per_hour);
        for entry in replies {
            let answers = entry.in_reply_to.is_some();
            let looping = answers && limit.is_some_and(|limit| permitted.pace.replies >= limit.get());
            let reason = match opted_out {
                _ if entry.confirms => None,
                Some(_) if !answers && planted::is(Plant::NoticeInSpiteOfStop) => None,
                Some(_) if !entry.is_sending() => Some(OPTED_OUT),
                _ => looping.then_some(LOOPING),
            };
            if let Some(reason) = reason {
                let detail = Some(reason.to_owned());
                permitted.held_back.push(HistoryRow::outgoing(connection, &entry, State::Failed, detail));
            } else {
                if answers {
                    permitted.pace = permitted.pace.and_one();
                }
                permitted.entries.push(entry);
            }
        }
        permitted
    }

    /// One line for each reply that was held back.
    pub(crate) fn log(&self) {
        for row in &self.held_back {
            let (backend, identity) = (row.connection.backend.as_str(), row.connection.identity.masked());
            let message_id = row.id.as_str();
            if row.detail.as_deref() == Some(OPTED_OUT) {
                warn!(backend, identity, message_id, outcome = "opted_out", "outgoing");
            } else {
                error!(backend, identity, message_id, outcome = "loop_guard", detail = LOOPING, "outgoing");
            }
        }
    }
}
