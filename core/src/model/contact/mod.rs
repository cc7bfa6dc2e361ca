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

/// A person (or machine) whom messages come from and go to, by one or several connections.
///
/// [`Context::contact`](crate::Context::contact) has the one behind a message;
/// [`Context::contact_mut`](crate::Context::contact_mut) changes it, and makes one where there is none. What a
/// message changes is committed together with its replies, or not at all; two messages of one contact by different
/// connections cannot undo what the other changed.
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
/// A phase that leaves a contact beyond its limits fails like one that returned an error: a name of
/// [`Contact::MAX_NAME_BYTES`], fields of [`Contact::MAX_FIELD_BYTES`] as JSON, and
/// [`Contact::MAX_CONNECTIONS`] connections are the most.
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

/// What is wrong with a contact that an app changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// The name is too long.
    #[error("a contact's name has {bytes} bytes; at most {} are kept", Contact::MAX_NAME_BYTES)]
    LongName {
        /// Its bytes.
        bytes: usize,
    },
    /// The fields are too large.
    #[error("a contact's fields have {bytes} bytes as JSON; at most {} are kept", Contact::MAX_FIELD_BYTES)]
    LargeFields {
        /// Their bytes.
        bytes: usize,
    },
    /// It has as many connections as it can have.
    #[error("a contact has at most {} connections", Contact::MAX_CONNECTIONS)]
    ManyConnections,
}

impl Contact {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_NAME_BYTES: usize = 256;

    /// The most that all fields together may have, in bytes of their JSON form.
    pub const MAX_FIELD_BYTES: usize = 16_384;

    /// The most connections of one contact.
    pub const MAX_CONNECTIONS: usize = 20;

    /// A contact of which nothing is known yet.
    pub fn new(id: ContactId, created_at: Timestamp) -> Self {
        let (fields, connections) = (Arc::default(), Arc::default());
        Self { id, version: 0, created_at, name: String::new(), language: None, fields, connections }
    }

    /// Its own name, which no other has.
    pub fn id(&self) -> &ContactId {
        &self.id
    }

    /// How often it was written; 0 for one that is not stored yet.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was made.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// What the person is called; empty where nobody said so.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets what the person is called.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// The language in which they want to be spoken to, if they said so.
    pub fn language(&self) -> Option<&Language> {
        self.language.as_ref()
    }

    /// Sets the language in which they want to be spoken to. Replies that were queued before stay as they are.
    pub fn set_language(&mut self, language: impl Into<Option<Language>>) {
        self.language = language.into();
    }

    /// What is kept of them under `key`. An error if it is there but not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, serde_json::Error> {
        self.fields.get(key).map(T::deserialize).transpose()
    }

    /// Keeps `value` under `key`, in place of what was there. An error if it has no JSON form.
    ///
    /// Keys are shared by all apps; what only one of them needs is led by that app's name.
    pub fn set<T: Serialize>(&mut self, key: impl Into<String>, value: &T) -> Result<(), serde_json::Error> {
        let value = serde_json::to_value(value)?;
        Arc::make_mut(&mut self.fields).insert(key.into(), value);
        Ok(())
    }

    /// Forgets what is under `key`.
    pub fn remove(&mut self, key: &str) {
        if self.fields.contains_key(key) {
            Arc::make_mut(&mut self.fields).remove(key);
        }
    }

    /// All that is kept of them, by key.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The connections by which they can be reached, in the order in which they were added. A new contact has the
    /// present one only once it is committed.
    pub fn connections(&self) -> &[ConnectionId] {
        &self.connections
    }

    /// The JSON object of the fields, as stores keep it; `None` where there are none.
    pub(crate) fn fields_json(&self) -> Option<String> {
        (!self.fields.is_empty()).then(|| serde_json::to_string(&*self.fields).unwrap_or_default())
    }

    /// An error where it is beyond its limits.
    pub(crate) fn within_limits(&self) -> Result<(), ContactError> {
        if self.name.len() > Self::MAX_NAME_BYTES {
            return Err(ContactError::LongName { bytes: self.name.len() });
        }
        match self.fields_json().map_or(0, |json| json.len()) {
            0..=Self::MAX_FIELD_BYTES => Ok(()),
            bytes => Err(ContactError::LargeFields { bytes }),
        }
    }

    /// Whether it is not stored yet.
    pub(crate) fn is_new(&self) -> bool {
        self.version == 0
    }

    /// Whether nothing is known of it.
    fn is_blank(&self) -> bool {
        self.name.is_empty() && self.language.is_none() && self.fields.is_empty()
    }

    /// An error where it has no room for a further connection.
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
