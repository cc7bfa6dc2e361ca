//! Works off the queue: handles messages and sends replies.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("responder")
}
