//! What the phases of one message come to.

use crate::app::context::{Context, Reply};
use crate::app::send::Sending;
use crate::app::snapshot::Snapshot;
use crate::model::contact::{Contact, ContactChange};
use crate::model::session::Session;

/// What became of a message in the phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// A filter dropped it.
    Filtered,
    /// An app's `handle` answered it or said so.
    Handled,
    /// A `fallback` took it.
    FellBack,
    /// Nobody did anything about it.
    Unhandled,
}

/// What the phases of one message come to: all of it is committed in one write, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Who dealt with it.
    pub disposition: Disposition,
    /// The session to keep.
    pub session: Session,
    /// What becomes of the contact, if anything.
    pub contact: Option<ContactChange>,
    /// The replies to send, in order.
    pub replies: Vec<Reply>,
    /// What goes to others.
    pub sends: Vec<Sending>,
}

impl Outcome {
    /// What a message of someone with this contact came to.
    pub(super) fn of(
        disposition: Disposition,
        before: Option<&Contact>,
        mut cx: Context,
        replies: Vec<Reply>,
    ) -> Self {
        let sends = cx.take_sends();
        let Snapshot { session, contact, .. } = cx.into_known();
        let contact = ContactChange::between(before, contact.as_ref());
        Self { disposition, session, contact, replies, sends }
    }
}
