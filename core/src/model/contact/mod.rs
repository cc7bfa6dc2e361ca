//! Contacts: the people (or machines) behind connections.

mod change;
mod id;

#[cfg(feature = "dynamodb")]
mod stored;

pub use change::ContactChange;
pub use id::ContactId;
#[cfg(feature = "dynamodb")]
pub(crate) use stored::Stored;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::language::Language;
use crate::model::message::ConnectionId;
use crate::model::value::ValueError;

/// A person (or machine) who sends and receives messages, through one or several connections.
///
/// [`Context::contact`](crate::Context::contact) returns the contact behind a message.
/// [`Context::contact_mut`](crate::Context::contact_mut) changes it, and creates one if there is none. The changes of a
/// message are committed together with its replies, or not at all. Two messages of one contact through different
/// connections cannot undo each other's changes.
///
/// ```
/// use threadless::{App, AppError, Context, Handled};
///
/// /// `village Debre Zeit`
/// struct Village;
///
/// impl App for Village {
///     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
///         let Some(village) = cx.text().strip_prefix("village ").map(str::to_owned) else {
///             return Ok(Handled::No);
///         };
///         cx.contact_mut().set("village", &village)?;
///         cx.reply(format!("You live in {village}."));
///         Ok(Handled::Yes)
///     }
/// }
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use threadless::{Router, testing::Bench};
/// # let bench = Bench::new(Router::new().app(Village));
/// # bench.transcript("1112223333 > village Debre Zeit\n1112223333 < You live in Debre Zeit.").await;
/// # let contact = bench.contact("1112223333").await.unwrap();
/// # assert_eq!(contact.get::<String>("village").unwrap().as_deref(), Some("Debre Zeit"));
/// # });
/// ```
///
/// A contact has a name of at most [`Contact::MAX_NAME_BYTES`], fields of at most [`Contact::MAX_FIELD_BYTES`] as JSON,
/// and at most [`Contact::MAX_CONNECTIONS`] connections. A phase that goes beyond a limit fails, as if it had returned
/// an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    id: ContactId,
    version: u64,
    created_at: Timestamp,
    name: String,
    language: Option<Language>,
    fields: Arc<BTreeMap<String, Value>>,
    connections: Arc<Vec<ConnectionId>>,
}

/// A fault in a contact that an app changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactError {
    /// The name is too long.
    #[error("a contact's name has {bytes} bytes; at most {} are allowed", Contact::MAX_NAME_BYTES)]
    LongName {
        /// The length of the name in bytes.
        bytes: usize,
    },
    /// The fields are too large.
    #[error(
        "a contact's fields have {bytes} bytes as JSON; at most {} are allowed",
        Contact::MAX_FIELD_BYTES
    )]
    LargeFields {
        /// The size of the fields in bytes.
        bytes: usize,
    },
    /// The contact already has as many connections as it can have.
    #[error("a contact has at most {} connections", Contact::MAX_CONNECTIONS)]
    ManyConnections,
}

impl Contact {
    /// The largest length of the name, in bytes of UTF-8.
    pub const MAX_NAME_BYTES: usize = 256;

    /// The largest size of all fields together, in bytes of their JSON form.
    pub const MAX_FIELD_BYTES: usize = 16_384;

    /// The largest number of connections of one contact.
    pub const MAX_CONNECTIONS: usize = 20;

    /// Creates a contact without data.
    pub fn new(id: ContactId, created_at: Timestamp) -> Self {
        let (fields, connections) = (Arc::default(), Arc::default());
        Self { id, version: 0, created_at, name: String::new(), language: None, fields, connections }
    }

    /// Returns the id of the contact. It is unique.
    pub fn id(&self) -> &ContactId {
        &self.id
    }

    /// Returns how often the contact was written; 0 for a contact that is not stored yet.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the time at which the contact was created.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns the person's name; empty if no app has set it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets the person's name.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Returns the language that the person chose, if any. Replies use this language.
    pub fn language(&self) -> Option<&Language> {
        self.language.as_ref()
    }

    /// Sets the language for replies to this person. Replies that are already queued stay as they are.
    pub fn set_language(&mut self, language: impl Into<Option<Language>>) {
        self.language = language.into();
    }

    /// Returns the field under `key`, if there is one. Returns an error if the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        self.fields.get(key).map(T::deserialize).transpose().map_err(ValueError::new)
    }

    /// Stores `value` under `key`, and replaces the value before it. Returns an error if the value has no JSON form.
    ///
    /// All apps share the keys. If only one app needs a key, begin the key with the name of that app.
    pub fn set<T: Serialize>(&mut self, key: impl Into<String>, value: &T) -> Result<(), ValueError> {
        let value = serde_json::to_value(value).map_err(ValueError::new)?;
        Arc::make_mut(&mut self.fields).insert(key.into(), value);
        Ok(())
    }

    /// Removes the field under `key`.
    pub fn remove(&mut self, key: &str) {
        if self.fields.contains_key(key) {
            Arc::make_mut(&mut self.fields).remove(key);
        }
    }

    /// Returns all fields, by key. Each value is JSON.
    pub fn fields(&self) -> impl Iterator<Item = (&str, String)> {
        self.fields.iter().map(|(key, value)| (key.as_str(), value.to_string()))
    }

    /// Returns the person's connections, in the order in which they were added. A new contact has the present
    /// connection only after the commit.
    pub fn connections(&self) -> &[ConnectionId] {
        &self.connections
    }

    /// Returns the JSON object of the fields, as stores keep it; `None` if there are no fields.
    pub(crate) fn fields_json(&self) -> Option<String> {
        (!self.fields.is_empty()).then(|| serde_json::to_string(&*self.fields).unwrap_or_default())
    }

    /// Returns an error if the contact is beyond its limits.
    pub(crate) fn within_limits(&self) -> Result<(), ContactError> {
        if self.name.len() > Self::MAX_NAME_BYTES {
            return Err(ContactError::LongName { bytes: self.name.len() });
        }
        match self.fields_json().map_or(0, |json| json.len()) {
            0..=Self::MAX_FIELD_BYTES => Ok(()),
            bytes => Err(ContactError::LargeFields { bytes }),
        }
    }

    /// Returns whether the contact is not stored yet.
    pub(crate) fn is_new(&self) -> bool {
        self.version == 0
    }

    /// Returns whether the contact has no data.
    fn is_blank(&self) -> bool {
        self.name.is_empty() && self.language.is_none() && self.fields.is_empty()
    }

    /// Returns an error if the contact has no room for a further connection.
    pub(crate) fn can_take(&self, connection: &ConnectionId) -> Result<(), ContactError> {
        let full = self.connections.len() >= Self::MAX_CONNECTIONS;
        if full && !self.connections.contains(connection) {
            Err(ContactError::ManyConnections)
        } else {
            Ok(())
        }
    }

    fn with(&self, connection: &ConnectionId) -> Self {
        let mut contact = self.clone();
        if !contact.connections.contains(connection) {
            Arc::make_mut(&mut contact.connections).push(connection.clone());
        }
        contact
    }

    fn without(&self, connection: &ConnectionId) -> Self {
        let mut contact = self.clone();
        Arc::make_mut(&mut contact.connections).retain(|one| one != connection);
        contact
    }

    fn next_version(self) -> Self {
        Self { version: self.version + 1, ..self }
    }
}
