//! The change of contacts by one message.

use super::{Contact, ContactId};
use crate::model::message::ConnectionId;

/// The change that one message makes to the contact of its connection. It is written in one transaction with everything
/// else that the message changes, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactChange {
    /// The contact of the connection before the message.
    pub before: Option<Contact>,
    /// The contact of the connection from now on: the same contact with changes, a new contact, another existing
    /// contact, or none.
    pub after: Option<Contact>,
}

impl ContactChange {
    /// Returns the change between the two contacts; `None` if there is no change. A new contact without any data counts
    /// as no contact.
    pub(crate) fn between(before: Option<&Contact>, after: Option<&Contact>) -> Option<Self> {
        let after = after.filter(|contact| !(contact.is_new() && contact.is_blank()));
        (before != after).then(|| Self { before: before.cloned(), after: after.cloned() })
    }

    /// Returns the id of the connection's contact from now on.
    pub fn id(&self) -> Option<&ContactId> {
        self.after.as_ref().map(Contact::id)
    }

    /// Returns whether the contact is a new one.
    pub(crate) fn makes_one(&self) -> bool {
        self.after.as_ref().is_some_and(Contact::is_new)
    }

    /// Returns the contacts to write, in their new form. The new contact of the connection lists this connection, and
    /// the contact that it left no longer does. Each write succeeds only if the stored contact still has the previous
    /// version.
    pub(crate) fn writes(&self, connection: &ConnectionId) -> Vec<Contact> {
        let left = self.before.as_ref().filter(|before| Some(before.id()) != self.id());
        let left = left.map(|before| before.without(connection));
        let joined = self.after.as_ref().map(|after| after.with(connection));
        left.into_iter().chain(joined).map(Contact::next_version).collect()
    }
}
