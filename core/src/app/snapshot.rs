//! The data of a connection when the phases of its message begin.

use jiff::Timestamp;

use crate::app::contact_lookup::Directory;
use crate::error::AppError;
use crate::model::contact::{Contact, ContactId};
use crate::model::message::ConnectionId;
use crate::model::session::Session;
use crate::store::Loaded;

/// The data of a connection when the phases of its message begin.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The session: the values that apps keep with this connection.
    pub session: Session,
    /// The contact behind this connection.
    pub contact: Option<Contact>,
    /// The number of contacts that were created for this connection so far.
    pub contacts_made: u32,
    /// The directory in which apps look up other contacts.
    pub directory: Directory,
}

impl From<Session> for Snapshot {
    /// Returns the data of a connection with this session and without a contact.
    fn from(session: Session) -> Self {
        Self { session, ..Self::default() }
    }
}

impl Snapshot {
    /// Combines a connection as the store returned it with the directory of the same store.
    pub(crate) fn of(loaded: &Loaded, directory: Directory) -> Self {
        Self {
            session: loaded.record.session.clone(),
            contact: loaded.contact.clone(),
            contacts_made: loaded.record.contacts_made,
            directory,
        }
    }

    /// Returns the contact. Creates one if there is none.
    pub(crate) fn contact_mut(&mut self, connection: &ConnectionId, now: Timestamp) -> &mut Contact {
        let id = || ContactId::of(connection, self.contacts_made);
        self.contact.get_or_insert_with(|| Contact::new(id(), now))
    }

    /// Returns an error if a value changed since `before` and is now larger than its limit.
    pub(crate) fn within_limits(&self, before: &Self) -> Result<(), AppError> {
        if !self.session.is_same(&before.session) {
            self.session.within_limit()?;
        }
        match &self.contact {
            Some(contact) if self.contact != before.contact => Ok(contact.within_limits()?),
            _ => Ok(()),
        }
    }
}
