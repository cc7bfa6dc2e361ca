//! The gateway's side: writes Kannel's configuration (`cargo run -- kannel-conf`), and reads an existing one for what
//! loses or garbles messages (`cargo run -- kannel-check`).
//!
//! What is said here of Kannel was measured with 1.4.5, where its user guide says less or something else.

mod backends;
pub mod check;
pub mod conf;
pub mod file;
mod url;

/// What a service carries of each message, as Kannel's escape codes.
pub(crate) const GET_URL: &str =
    "id=%p&to=%P&hex=%e&charset=%C&coding=%c&udh=%u&mid=%I&smsc=%i&account=%o&ts=%T";

/// What is printed, and with which exit status.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// For standard output.
    pub(crate) text: String,
    /// 0 unless something was found.
    pub(crate) status: u8,
}

/// Stands where something must be filled in; the check finds it.
pub const PLACEHOLDER: &str = "FILL-IN";
