//! The recipient of a message that nobody asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::contact::{Contact, ContactId};
use super::message::{BackendName, ConnectionId, Identity, InvalidName};

/// The recipient of a message that nobody asked for.
///
/// The text form of a connection is `backend:identity`. JSON also accepts `{"backend": "…", "identity": "…"}`. A
/// contact is `{"contact": "…"}` in JSON.
///
/// ```
/// use threadless::Recipient;
/// let recipient: Recipient = "my-kannel-backend:+251911223344".parse()?;
/// assert_eq!(recipient.to_string(), "my-kannel-backend:+251911223344");
/// assert_eq!(serde_json::from_str::<Recipient>(r#"{"backend":"my-kannel-backend","identity":"+251911223344"}"#)?, recipient);
/// assert!("+251911223344".parse::<Recipient>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Recipient {
    /// One identity at one backend.
    Connection(ConnectionId),
    /// A person. The message goes to the connection that was added last. If a gateway refuses the message for good, the
    /// message goes to the connection before that one, and so on back to the first.
    Contact(ContactId),
}

/// The reason why a text is not a [`Recipient`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRecipient {
    /// The text has no colon.
    #[error("a recipient must have the form backend:identity")]
    NoBackend,
    /// The backend name or the identity is invalid.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

impl From<ConnectionId> for Recipient {
    fn from(connection: ConnectionId) -> Self {
        Self::Connection(connection)
    }
}

impl From<ContactId> for Recipient {
    fn from(contact: ContactId) -> Self {
        Self::Contact(contact)
    }
}

impl From<&Contact> for Recipient {
    fn from(contact: &Contact) -> Self {
        Self::Contact(contact.id().clone())
    }
}

impl From<&ConnectionId> for Recipient {
    fn from(connection: &ConnectionId) -> Self {
        Self::Connection(connection.clone())
    }
}

impl FromStr for Recipient {
    type Err = InvalidRecipient;

    /// Reads `backend:identity`. The first colon ends the backend's name, because the name cannot contain a colon.
    fn from_str(text: &str) -> Result<Self, InvalidRecipient> {
        let (backend, identity) = text.split_once(':').ok_or(InvalidRecipient::NoBackend)?;
        Ok(Self::Connection(ConnectionId::new(backend.parse()?, identity.parse()?)))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(ConnectionId { backend, identity }) => {
                write!(f, "{backend}:{}", identity.as_str())
            }
            Self::Contact(id) => write!(f, "contact {id}"),
        }
    }
}

impl Serialize for Recipient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Connection(_) => serializer.collect_str(self),
            Self::Contact(id) => serializer.collect_map([("contact", id)]),
        }
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a recipient is \"backend:identity\", {\"backend\": …, \"identity\": …} or {\"contact\": …}"
)]
enum Written {
    Text(String),
    Parts(Parts),
    Person(Person),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    contact: ContactId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    backend: String,
    identity: String,
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match Written::deserialize(deserializer)? {
            Written::Text(text) => text.parse().map_err(D::Error::custom),
            Written::Person(Person { contact }) => Ok(Self::Contact(contact)),
            Written::Parts(Parts { backend, identity }) => {
                let backend = backend.parse::<BackendName>().map_err(D::Error::custom)?;
                let identity = identity.parse::<Identity>().map_err(D::Error::custom)?;
                Ok(Self::Connection(ConnectionId::new(backend, identity)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_read_as_it_is_written() {
        for text in ["k:+251911", "k:a:b", "k:\u{1230}\u{120b}", "K_-1: "] {
            let recipient: Recipient = text.parse().unwrap();
            assert_eq!(recipient.to_string(), text);
            let json = serde_json::to_string(&recipient).unwrap();
            assert_eq!(serde_json::from_str::<Recipient>(&json).unwrap(), recipient);
        }
        for text in ["", "k", "k:", ":1", "no spaces:1"] {
            assert!(text.parse::<Recipient>().is_err(), "{text}");
        }
        for json in ["1", "{}", r#"{"backend":"k"}"#, r#"{"backend":"k","identity":"1","more":1}"#, "null"] {
            let problem = serde_json::from_str::<Recipient>(json).unwrap_err().to_string();
            assert!(problem.starts_with("a recipient is"), "{json}: {problem}");
        }
    }
}
