//! Checks the settings once in each deployment, and refuses the deployment if they are faulty.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("check")
}
