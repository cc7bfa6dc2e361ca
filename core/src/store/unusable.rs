//! Unusable messages of an authenticated gateway.

use jiff::{SignedDuration, Timestamp};

use crate::model::message::BackendName;

/// A message of an authenticated gateway that cannot be used. It is kept so that nothing is lost.
///
/// ```
/// use threadless::store::Unusable;
///
/// # let now = "2026-11-24T11:25:33Z".parse().unwrap();
/// let problems = vec!["id: is missing".to_owned()];
/// let unusable = Unusable::new("clinic".parse()?, now, "text=hello", problems);
/// # assert_eq!((unusable.backend.as_str(), unusable.raw.as_str()), ("clinic", "text=hello"));
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unusable {
    /// The backend that received the message.
    pub backend: BackendName,
    /// The time when the message came.
    pub at: Timestamp,
    /// The request without secrets, as its backend [keeps](crate::backend::Backend::redact) it: Kannel's query string
    /// as it came, or the whole request of another gateway.
    pub raw: String,
    /// The faults of the message, field by field.
    pub problems: Vec<String>,
}

impl Unusable {
    /// The time for which the message is kept: 90 days.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

    /// The maximum number of bytes of a request that are kept. An item of DynamoDB has 400 KB for everything.
    pub const MAX_RAW: usize = 200_000;

    /// Creates an unusable message. `raw` is the request without secrets.
    pub fn new(backend: BackendName, at: Timestamp, raw: impl Into<String>, problems: Vec<String>) -> Self {
        Self { backend, at, raw: raw.into(), problems }
    }
}
