//! The queue: handles messages, sends replies.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("responder")
}
