//! Plays each file in tests/transcripts/: on the bench and over HTTP, inline and queued.

use std::path::Path;
use std::process::ExitCode;

use threadless::local::{LocalProject, transcripts};

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts");
    let template = include_str!("../template.yaml");
    transcripts::main(LocalProject { code: functions::PROJECT, template }, &folder)
}
