//! Receives messages from Kannel.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("kannel")
}
