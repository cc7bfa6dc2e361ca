//! The project: its [settings](SETTINGS), its [apps], and the Lambda functions that run the apps.
//!
//! To add an app or a backend, edit `src/apps.rs` and `settings.toml`. Nothing in this file depends on them.

mod apps;

use std::process::ExitCode;

use threadless::backend::Engines;
use threadless::lambda::{self, Function, ProjectCode};

pub use apps::apps;

/// The settings, embedded in the binary. The environment variable `THREADLESS_SETTINGS` replaces them at run time.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// The task of each Lambda function, by the name of the function in `template.yaml`.
pub const FUNCTIONS: [(&str, Function); 7] = [
    ("kannel", Function::Http { engine: "kannel" }),
    ("http", Function::Http { engine: "http" }),
    ("httptester", Function::Tester { engine: "httptester" }),
    ("send", Function::Send),
    ("responder", Function::Responder),
    ("tick", Function::Tick),
    ("check", Function::Check),
];

/// The whole project, for the Lambda functions and for the local stack.
pub const PROJECT: ProjectCode = ProjectCode { settings: SETTINGS, engines, apps, functions: &FUNCTIONS };

/// Returns the kinds of gateway that the settings can name. Add your own with [`Engines::with`].
pub fn engines() -> Engines {
    Engines::standard()
}

/// Runs one Lambda function. Each binary in `src/bin/` calls this as its main function.
pub fn start(name: &str) -> ExitCode {
    lambda::start(&PROJECT, name)
}
