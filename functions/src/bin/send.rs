//! Messages that nobody asked for, to many at once.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("send")
}
