//! Once a minute: finds what is due.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("tick")
}
