//! What is known of a connection when the phases of its message begin.

use jiff::Timestamp;

use crate::app::contact_lookup::Directory;
use crate::error::AppError;
use crate::model::contact::{Contact, ContactId};
use crate::model::message::ConnectionId;
use crate::model::session::Session;
use crate::store::Loaded;

/// What is known of a connection when the phases of its message begin.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What the apps remember of it.
    pub session: Session,
    /// Who is behind it.
    pub contact: Option<Contact>,
    /// How many contacts were made for it so far.
    pub contacts_made: u32,
    /// Where others can be looked up.
    pub directory: Directory,
}

impl From<Session> for Snapshot {
    /// A connection with this session and without a contact.
    fn from(session: Session) -> Self {
        Self { session, ..Self::default() }
    }
}

impl Snapshot {
    /// A connection as it was read, and the directory of the same store.
    pub(crate) fn of(loaded: &Loaded, directory: Directory) -> Self {
        Self {
            session: loaded.record.session.clone(),
            contact: loaded.contact.clone(),
            contacts_made: loaded.record.contacts_made,
            directory,
        }
    }

    /// The contact, made where there is none.
    pub(crate) fn contact_mut(&mut self, connection: &ConnectionId, now: Timestamp) -> &mut Contact {
        let id = || ContactId::of(connection, self.contacts_made);
        self.contact.get_or_insert_with(|| Contact::new(id(), now))
    }

    /// An error where what changed since `before` is larger than it may be.
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
