//! Errors that the whole crate uses: the error of an app, and the fault in a field.

/// The error of a phase of an app. The operator `?` and the function `into()` turn any error, or a text, into an
/// `AppError`.
///
/// The log records the error. The error stops neither the other apps nor the message.
pub type AppError = Box<dyn std::error::Error + Send + Sync>;

/// A fault in one field of a request, or in one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The name of the field, such as `id` or `backends.clinic.sendsms_url`.
    pub field: String,
    /// The problem with this field.
    pub problem: String,
}

impl Fault {
    /// Creates a fault from the name of a field and a problem.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}
