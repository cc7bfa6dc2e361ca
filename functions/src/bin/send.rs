//! Sends broadcasts: messages that answer no other message, to many people at once.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("send")
}
