//! The gateway's side. It writes Kannel's configuration (`cargo run -- kannel-conf`), and checks an existing
//! configuration for lines that lose or garble messages (`cargo run -- kannel-check`).
//!
//! Statements about Kannel in these files were measured with Kannel 1.4.5, where the Kannel user guide is incomplete or
//! differs.

mod backends;
pub mod check;
pub mod conf;
pub mod file;
mod finding;
mod url;

pub use backends::SettingsFile;

/// The parameters that a service sends for each message, as Kannel's escape codes.
pub const GET_URL: &str = "id=%p&to=%P&hex=%e&charset=%C&coding=%c&udh=%u&mid=%I&smsc=%i&account=%o&ts=%T";

/// The output of a command, and its exit status.
#[derive(Debug)]
pub struct Outcome {
    /// The text for standard output.
    pub text: String,
    /// The exit status: 0 unless something was found.
    pub status: u8,
}

/// A placeholder for a value that a person must fill in. The check finds it.
pub const PLACEHOLDER: &str = "FILL-IN";
