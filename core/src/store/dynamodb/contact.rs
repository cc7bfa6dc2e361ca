//! Contacts: items of their own, written in the transaction of the message that changes them.

use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::item::{names as n, number, text, time};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::model::contact::Contact;

impl DynamoStore {
    /// Returns whether a connection is likely to have a contact. So a project without contacts does not pay for the
    /// read.
    pub(super) fn expects_contacts(&self) -> bool {
        self.contacts_met.load(Ordering::Relaxed)
    }

    /// Returns the write of a contact. It succeeds only if the stored contact has the version before.
    pub(super) fn contact_action(&self, contact: &Contact) -> Result<TransactWriteItem, StoreError> {
        self.contacts_met.store(true, Ordering::Relaxed);
        let before = contact.version().saturating_sub(1);
        let connection = |connection| text(keys::of_connection(connection));
        let connections = contact.connections().iter().map(connection).collect();
        let mut update = Update::new();
        update
            .set(n::VERSION, number(contact.version()))
            .set(n::CREATED_AT, time(contact.created_at()))
            .set(n::NAME, text(contact.name()))
            .set(n::CONNECTIONS, AttributeValue::L(connections));
        match contact.language() {
            Some(language) => update.set(n::LANGUAGE, text(language.as_str())),
            None => update.remove(&[n::LANGUAGE]),
        };
        match contact.fields_json() {
            Some(json) => update.set(n::FIELDS, text(json)),
            None => update.remove(&[n::FIELDS]),
        };
        update.only_if_is(n::VERSION, (before > 0).then(|| number(before)));
        self.update_action(&keys::of_contact(contact.id()), keys::CONTACT, update)
    }
}
