//! The program that `cargo run` starts: this project with everything around it, on one machine.

use std::process::ExitCode;

use threadless::local::{self, LocalProject};

fn main() -> ExitCode {
    let template = include_str!("../../../template.yaml");
    local::launch(LocalProject { code: functions::PROJECT, template })
}
