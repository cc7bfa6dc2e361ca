//! `cargo run`.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::launch(functions::apps)
}
