//! Once a deployment: refuses one whose settings are faulty.

use std::process::ExitCode;

fn main() -> ExitCode {
    functions::start("check")
}
