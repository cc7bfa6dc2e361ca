//! Serves the message tester, a phone in a browser.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("httptester")
}
