//! The error of a value that has no JSON form, or not the expected type.

/// The reason why a value was not stored or not read: it has no JSON form, or the stored value has another type.
///
/// ```
/// use threadless::Session;
///
/// let mut session = Session::default();
/// session.set("survey.step", &"two")?;
/// assert!(session.get::<u32>("survey.step").is_err());
/// # Ok::<(), threadless::ValueError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ValueError(serde_json::Error);

impl ValueError {
    pub(crate) fn new(problem: serde_json::Error) -> Self {
        Self(problem)
    }
}
