//! Receives messages from HTTP gateways.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("http")
}
