//! What one message changes about contacts.

use super::{Contact, ContactId};
use crate::model::message::ConnectionId;

/// What one message changes about the contact of its connection. It is written in one transaction with everything
/// else that the message changes, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactChange {
    /// The connection's contact before.
    pub before: Option<Contact>,
    /// The connection's contact from now on: the same one changed, a new one, another one that was there already,
    /// or none.
    pub after: Option<Contact>,
}

impl ContactChange {
    /// What lies between the two; `None` where nothing does. A new contact of which nothing is known is none.
    pub(crate) fn between(before: Option<&Contact>, after: Option<&Contact>) -> Option<Self> {
        let after = after.filter(|contact| !(contact.is_new() && contact.is_blank()));
        (before != after).then(|| Self { before: before.cloned(), after: after.cloned() })
    }

    /// The contact that the connection has from now on.
    pub fn id(&self) -> Option<&ContactId> {
        self.after.as_ref().map(Contact::id)
    }

    /// Whether the contact is a new one.
    pub(crate) fn makes_one(&self) -> bool {
        self.after.as_ref().is_some_and(Contact::is_new)
    }

    /// The contacts to write, as they will be: each counts this connection if it is its own, and no longer if it
    /// was. Each holds only if the stored one is of the version before it.
    pub(crate) fn writes(&self, connection: &ConnectionId) -> Vec<Contact> {
        let left = self.before.as_ref().filter(|before| Some(before.id()) != self.id());
        let left = left.map(|before| before.without(connection));
        let joined = self.after.as_ref().map(|after| after.with(connection));
        left.into_iter().chain(joined).map(Contact::next_version).collect()
    }
}
