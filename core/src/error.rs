//! Errors that every room knows: why an app failed, and what is wrong with a field.

/// Why a phase of an app failed. Any error, or a text, turns into one with `?` or `into()`.
///
/// It is logged; it stops neither the other apps nor the message.
pub type AppError = Box<dyn std::error::Error + Send + Sync>;

/// What is wrong with one field of a request or a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field: `id`, `backends.clinic.sendsms_url`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Fault {
    /// Puts the two together.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}
