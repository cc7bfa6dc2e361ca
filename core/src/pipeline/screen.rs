//! The choice of replies that go out. A person who opted out gets none. A machine that answers our replies
//! automatically gets no more than the hourly limit. A recipient in `never_send` gets nothing. A send to other recipients counts like a reply, since a machine
//! may answer it too. A notice does not count, since it answers nothing.

use jiff::Timestamp;
use tracing::{error, warn};

use crate::consent::ConsentChange;
use crate::model::message::{ConnectionId, State};
use crate::planted::{self, Plant};
use crate::project::Installed;
use crate::store::{Entry, HistoryRow, Record, ReplyRate};

/// The detail of a row whose message was held back because its connection opted out.
pub(crate) const OPTED_OUT: &str = "opted out";

/// The detail of a row whose message was held back by the loop guard.
const LOOPING: &str = "the hourly limit of replies is reached: the sender may be a machine";

/// The replies to one message, sorted into those that go out and those that do not.
#[derive(Debug, Default)]
pub(crate) struct Screened {
    /// The entries that go out.
    pub(crate) entries: Vec<Entry>,
    /// The rows of the replies that do not go out. Each row gives the reason.
    pub(crate) held_back: Vec<HistoryRow>,
    /// The time since which the connection has opted out.
    pub(crate) opted_out: Option<Timestamp>,
    /// The number of replies in this hour, including these replies.
    pub(crate) reply_rate: ReplyRate,
}

impl Screened {
    /// Sorts the entries that are to go out to `connection`. `seen` is the record that the commit compares with the
    /// stored one. So if the person opts out or in meanwhile, the commit fails and processing starts again.
    pub(crate) fn of(
        connection: &ConnectionId,
        seen: &Record,
        change: Option<&ConsentChange>,
        installed: Option<&Installed>,
        replies: Vec<Entry>,
        now: Timestamp,
    ) -> Self {
        let opted_out = change.map_or(seen.outbox.opted_out, |change| change.opted_out);
        let mut screened = Self { opted_out, reply_rate: seen.reply_rate.at(now), ..Self::default() };
        let limit = installed.and_then(|installed| installed.replies_per_hour);
        for entry in replies {
            let answers = entry.in_reply_to.is_some();
            let looping = answers && limit.is_some_and(|limit| screened.reply_rate.replies >= limit.get());
            let refused = installed.filter(|_| !entry.is_sending());
            let refused = refused.and_then(|it| it.numbers.refused(&connection.identity, answers));
            let reason = match opted_out {
                _ if refused.is_some() => refused,
                _ if entry.confirms => None,
                Some(_) if !answers && planted::is(Plant::NoticeInSpiteOfStop) => None,
                Some(_) if !entry.is_sending() => Some(OPTED_OUT.to_owned()),
                _ => looping.then(|| LOOPING.to_owned()),
            };
            if reason.is_some() {
                let detail = reason;
                screened.held_back.push(HistoryRow::outgoing(connection, &entry, State::Failed, detail));
            } else {
                if answers {
                    screened.reply_rate = screened.reply_rate.and_one();
                }
                screened.entries.push(entry);
            }
        }
        screened
    }

    /// Writes one log line for each reply that was held back.
    pub(crate) fn log(&self) {
        for row in &self.held_back {
            let (backend, identity) = (row.connection.backend.as_str(), row.connection.identity.masked());
            let message_id = row.id.as_str();
            match row.detail.as_deref().unwrap_or_default() {
                OPTED_OUT => warn!(backend, identity, message_id, outcome = "opted_out", "outgoing"),
                LOOPING => {
                    error!(
                        backend,
                        identity,
                        message_id,
                        outcome = "loop_guard",
                        detail = LOOPING,
                        "outgoing"
                    );
                }
                detail => warn!(backend, identity, message_id, outcome = "never_sent", detail, "outgoing"),
            }
        }
    }
}
