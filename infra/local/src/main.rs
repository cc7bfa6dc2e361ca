//! The program that `cargo run` starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::launch(functions::apps)
}
