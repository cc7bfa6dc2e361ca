//! The result of the phases of one message.

use crate::app::context::{Context, Reply};
use crate::app::send::Sending;
use crate::app::snapshot::Snapshot;
use crate::model::contact::{Contact, ContactChange};
use crate::model::session::Session;

/// The disposition of a message after the phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// A filter dropped the message.
    Filtered,
    /// The `handle` phase of an app answered the message, or returned `Handled::Yes`.
    Handled,
    /// The `fallback` phase of an app answered the message, or returned `Handled::Yes`.
    FellBack,
    /// No app handled the message.
    Unhandled,
}

/// The result of the phases of one message. It is committed in one write, all or nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The phase that handled the message, if any.
    pub disposition: Disposition,
    /// The session to store.
    pub session: Session,
    /// The change of the contact, if there is one.
    pub contact: Option<ContactChange>,
    /// The replies to send, in order.
    pub replies: Vec<Reply>,
    /// The sends to other recipients.
    pub sends: Vec<Sending>,
    /// The calls of apps that failed: the name of the app, and the name of the phase.
    pub failures: Vec<(String, &'static str)>,
}

impl Outcome {
    /// Builds the result of a message. `before` is the contact before the phases.
    pub(super) fn of(
        disposition: Disposition,
        before: Option<&Contact>,
        mut cx: Context,
        replies: Vec<Reply>,
        failures: Vec<(String, &'static str)>,
    ) -> Self {
        let sends = cx.take_sends();
        let Snapshot { session, contact, .. } = cx.into_known();
        let contact = ContactChange::between(before, contact.as_ref());
        Self { disposition, session, contact, replies, sends, failures }
    }

    /// Builds the result of a message that no app saw.
    pub(crate) fn without_phases(disposition: Disposition, session: Session) -> Self {
        let (replies, sends, failures) = (Vec::new(), Vec::new(), Vec::new());
        Self { disposition, session, contact: None, replies, sends, failures }
    }
}
