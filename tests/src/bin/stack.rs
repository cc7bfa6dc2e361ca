//! The local stack as `cargo run` starts it, for tests that need it as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::launch(functions::apps)
}
