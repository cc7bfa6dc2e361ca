//! What a connection takes in, each once: what the claim and the commit go by, whatever the phases make of it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::send::Sending;
use crate::model::message::{ConnectionId, Incoming, MessageId, Notice, Report};
use crate::store::{Entry, HistoryRow};

/// What a connection takes in.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A message from it: all phases.
    Message(Arc<Incoming>),
    /// A message to it that nobody asked for: the outgoing phase.
    Notice(Arc<Notice>),
    /// What became of a message to it: the report phase.
    Report(Arc<Report>),
}

impl Input {
    /// Whose it is.
    pub(crate) fn connection(&self) -> &ConnectionId {
        match self {
            Self::Message(message) => &message.connection,
            Self::Notice(notice) => &notice.connection,
            Self::Report(report) => &report.connection,
        }
    }

    /// By which it is known to have happened.
    pub(crate) fn id(&self) -> &MessageId {
        match self {
            Self::Message(message) => &message.id,
            Self::Notice(notice) => &notice.id,
            Self::Report(report) => &report.id,
        }
    }

    /// What the log calls it.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Message(_) => "incoming",
            Self::Notice(_) => "notice",
            Self::Report(_) => "reported",
        }
    }

    /// When it arrived, if it has a row of history of its own: that stands at this time.
    pub(crate) fn arrived(&self) -> Option<Timestamp> {
        match self {
            Self::Message(message) => Some(message.received_at),
            Self::Notice(_) | Self::Report(_) => None,
        }
    }

    /// Its own row of history, once its effect is committed. `arrived` is what the commit wrote down, if anything: a message
    /// that its gateway delivers again without a time of its own has another one each time, and is one row all the same.
    pub(crate) fn row(&self, arrived: Option<Timestamp>) -> Option<HistoryRow> {
        match self {
            Self::Message(message) => {
                let row = HistoryRow::handled(message);
                Some(HistoryRow { at: arrived.unwrap_or(row.at), ..row })
            }
            Self::Notice(_) | Self::Report(_) => None,
        }
    }

    /// The entry of the outbox for the message number `at` (from 0) that comes of it.
    pub(crate) fn entry(&self, at: usize, text: &str, now: Timestamp) -> Entry {
        match self {
            Self::Message(message) => {
                Entry::new(message.id.reply(at + 1), text, Some(message.id.clone()), now)
            }
            Self::Notice(notice) => Entry {
                otherwise: notice.otherwise.clone(),
                ..Entry::new(notice.id.clone(), text, None, notice.created_at)
            },
            Self::Report(report) => Entry::new(report.id.reply(at + 1), text, None, now),
        }
    }

    /// The entry of the outbox for send number `at` (from 0) that it sets off.
    pub(crate) fn sending(&self, at: usize, sending: &Sending, now: Timestamp) -> Entry {
        let id = self.id();
        Entry {
            recipients: sending.recipients.clone(),
            ..Entry::new(id.sending(at + 1), &sending.text, Some(id.clone()), now)
        }
    }
}
