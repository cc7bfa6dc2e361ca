//! Finds, once a minute, the work that is due.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("tick")
}
