//! Conversion from the data that a store keeps to a contact.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Contact, ContactId};
use crate::model::language::Language;
use crate::model::message::ConnectionId;

/// The data that a store keeps of a contact, without the id.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) name: String,
    pub(crate) language: Option<Language>,
    pub(crate) fields_json: Option<String>,
    pub(crate) connections: Vec<ConnectionId>,
}

impl Stored {
    /// Builds the contact from this data. Returns an error if its fields cannot be read.
    pub(crate) fn contact(self, id: ContactId) -> Result<Contact, serde_json::Error> {
        let fields =
            self.fields_json.map_or_else(|| Ok(BTreeMap::new()), |json| serde_json::from_str(&json))?;
        let Self { version, created_at, name, language, connections, .. } = self;
        let (fields, connections) = (Arc::new(fields), Arc::new(connections));
        Ok(Contact { id, version, created_at, name, language, fields, connections })
    }
}
