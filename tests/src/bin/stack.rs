//! The local stack as `cargo run` starts it, as a program that tests can kill. Beside the project's apps it has one
//! that counts, and one that blocks its thread.

use std::process::ExitCode;

use tests::apps::{Blocking, Counting};

fn main() -> ExitCode {
    local::launch(|router| functions::apps(router.app(Counting).app(Blocking)))
}
