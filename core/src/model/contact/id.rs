//! The id of a contact.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::message::{ConnectionId, digest};
use crate::util::hex::hex;

/// The id of one [`Contact`](super::Contact): 32 hexadecimal digits.
///
/// The id is derived from the connection for which the contact was created. Phases that run again therefore create the
/// same contact, and the contact of a connection can be read together with the connection. A person who knows the phone
/// number can compute the id, so the id is personal data like the number.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactId(Arc<str>);

impl ContactId {
    /// Returns the id of a contact that is created for this connection. `made_before` is the number of contacts that
    /// were created for it before: 0 for the first one.
    pub fn of(connection: &ConnectionId, made_before: u32) -> Self {
        let parts = ["contact", connection.backend.as_str(), connection.identity.as_str()];
        let nth = made_before.to_string();
        Self(hex(&digest(&[parts.as_slice(), &[nth.as_str()]].concat())[..16]).into())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ContactId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
