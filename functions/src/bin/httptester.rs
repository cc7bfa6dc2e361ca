//! The message tester in a browser.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("httptester")
}
