//! The commands that need no project, as a program to install: `cargo install --path infra/local`.

use std::process::ExitCode;

fn main() -> ExitCode {
    threadless_local::tool()
}
