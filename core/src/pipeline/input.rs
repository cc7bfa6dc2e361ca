//! Inputs of a connection. The claim and the commit identify each input by its id, whatever the phases do with it, so
//! that it takes effect once.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::send::Sending;
use crate::model::message::{ConnectionId, Identity, Incoming, MessageId, Notice, Report};
use crate::pipeline::accept::WRITTEN_IDENTITY;
use crate::store::{Entry, HistoryRow};

/// An input of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A message from the connection. It runs all phases.
    Message(Arc<Incoming>),
    /// A message to the connection that is not a reply. It runs the outgoing phase.
    Notice(Arc<Notice>),
    /// The final status of a message to the connection. It runs the report phase.
    Report(Arc<Report>),
}

impl Input {
    /// Returns the connection of the input.
    pub(crate) fn connection(&self) -> &ConnectionId {
        match self {
            Self::Message(message) => &message.connection,
            Self::Notice(notice) => &notice.connection,
            Self::Report(report) => &report.connection,
        }
    }

    /// Returns the identity as the gateway wrote it, if its normal form is another text.
    pub(crate) fn written(&self) -> Option<Identity> {
        match self {
            Self::Message(message) => message.details.get(WRITTEN_IDENTITY)?.parse().ok(),
            Self::Notice(_) | Self::Report(_) => None,
        }
    }

    /// Returns the id under which the commit records the input.
    pub(crate) fn id(&self) -> &MessageId {
        match self {
            Self::Message(message) => &message.id,
            Self::Notice(notice) => &notice.id,
            Self::Report(report) => &report.id,
        }
    }

    /// Returns the name of the input in the log.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Message(_) => "incoming",
            Self::Notice(_) => "notice",
            Self::Report(_) => "reported",
        }
    }

    /// Returns the arrival time if the input has its own row of history. The row stands at this time.
    pub(crate) fn arrived(&self) -> Option<Timestamp> {
        match self {
            Self::Message(message) => Some(message.received_at),
            Self::Notice(_) | Self::Report(_) => None,
        }
    }

    /// Returns the input's own row of history, to be written once its effect is committed. `arrived` is the time that
    /// the commit recorded, if there is one. A gateway may deliver the same message again without a time of its own.
    /// The message then has another arrival time, but still only one row.
    pub(crate) fn row(&self, arrived: Option<Timestamp>) -> Option<HistoryRow> {
        match self {
            Self::Message(message) => {
                let row = HistoryRow::handled(message);
                Some(HistoryRow { at: arrived.unwrap_or(row.at), ..row })
            }
            Self::Notice(_) | Self::Report(_) => None,
        }
    }

    /// Returns the outbox entry for message number `at` (from 0) that this input causes.
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

    /// Returns the outbox entry for send number `at` (from 0) that this input causes.
    pub(crate) fn sending(&self, at: usize, sending: &Sending, now: Timestamp) -> Entry {
        let id = self.id();
        Entry {
            recipients: sending.recipients.clone(),
            ..Entry::new(id.sending(at + 1), &sending.text, Some(id.clone()), now)
        }
    }
}
