//! The local stack as `cargo run` starts it, as a program that tests can kill. In addition to the project's apps it has
//! the apps of these tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    threadless_local::launch(tests::stack::PROJECT.with_apps(tests::apps::proving))
}
