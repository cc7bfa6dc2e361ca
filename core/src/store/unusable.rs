//! Messages of an authenticated gateway that cannot be used.

use jiff::{SignedDuration, Timestamp};

use crate::model::message::BackendName;

/// A message of an authenticated gateway that cannot be used, kept so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The backend it came to.
    pub backend: BackendName,
    /// When.
    pub at: Timestamp,
    /// The request as its backend [keeps](crate::backend::Backend::redact) it: Kannel's query string as it came, of
    /// another gateway the whole request; without secrets.
    pub raw: String,
    /// What is wrong with it, field by field.
    pub problems: Vec<String>,
}

impl Unusable {
    /// For how long it is kept: 90 days.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

    /// The most bytes of a request that are kept: an item of DynamoDB has 400 KB for all of it.
    pub const MAX_RAW: usize = 200_000;
}
