//! The local stack as `cargo run` starts it, as a program that tests can kill. Beside the project's apps it has those
//! that prove things.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::launch(tests::apps::proving)
}
