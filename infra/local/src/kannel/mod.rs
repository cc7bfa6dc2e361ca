//! The gateway's side: writes Kannel's configuration (`cargo run -- kannel-conf`), and reads an existing one for what
//! loses or garbles messages (`cargo run -- kannel-check`).
//!
//! What is said here of Kannel was measured with 1.4.5, where its user guide says less or something else.

mod backends;
pub mod check;
pub mod file;
mod url;

/// Stands where something must be filled in; the check finds it.
pub const PLACEHOLDER: &str = "FILL-IN";
