//! The name of a contact.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::message::{ConnectionId, digest};
use crate::util::hex::hex;

/// The name of one [`Contact`](super::Contact): 32 hexadecimal digits.
///
/// It is derived from the connection that the contact was made for, so that phases which run again make the same
/// one, and so that the contact of a connection can be read together with it. Who knows a phone number can compute
/// it: it is personal data like the number.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactId(Arc<str>);

impl ContactId {
    /// The id of the contact that is made for this connection after so many others were: 0 for the first.
    pub fn of(connection: &ConnectionId, made_before: u32) -> Self {
        let parts = ["contact", connection.backend.as_str(), connection.identity.as_str()];
        let nth = made_before.to_string();
        Self(hex(&digest(&[parts.as_slice(), &[nth.as_str()]].concat())[..16]).into())
    }

    /// The id as text.
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
