//! The project: its [settings](SETTINGS), its [apps], and the Lambda functions that run the apps.
//!
//! To add an app or a backend, edit `src/apps.rs` and `settings.toml`. Nothing in this file depends on them.

mod apps;

use std::process::ExitCode;

use threadless::backend::Engines;
use threadless::lambda::{self, Environment, Function};

pub use apps::apps;

/// The settings, embedded in the binary. The environment variable `THREADLESS_SETTINGS` replaces them at run time.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// The task of each Lambda function, by the name of its binary.
pub const FUNCTIONS: [(&str, Function); 7] = [
    ("kannel", Function::Http { engine: "kannel" }),
    ("http", Function::Http { engine: "http" }),
    ("httptester", Function::Tester { engine: "httptester" }),
    ("send", Function::Send),
    ("responder", Function::Responder),
    ("tick", Function::Tick),
    ("check", Function::Check),
];

/// Returns the kinds of gateway that the settings can name. Add your own with [`Engines::with`].
pub fn engines() -> Engines {
    Engines::standard()
}

/// Returns the task of the Lambda function of this name.
pub fn function(name: &str) -> Option<Function> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

/// Runs one Lambda function. Each binary calls this as its main function. It takes events from Lambda until Lambda ends
/// the process.
///
/// If the environment or the settings are faulty, the function writes one line to the log and ends the cold start.
pub fn start(name: &str) -> ExitCode {
    // The runtime has two threads on every machine. Apps do not run on these threads: the phases of each message run on
    // a thread of their own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(name)),
        Err(problem) => {
            tracing::error!(function = name, outcome = "not_started", error = %problem, "start");
            ExitCode::FAILURE
        }
    }
}

async fn serve(name: &str) -> ExitCode {
    let environment = Environment::read();
    lambda::start_logging(environment.as_ref().map_or("info", |environment| environment.log.as_str()));
    let host = environment.and_then(|environment| environment.host(SETTINGS, &engines(), apps));
    let problem = match function(name) {
        Some(function) => match lambda::run(function, host).await {
            Ok(()) => return ExitCode::SUCCESS,
            Err(problem) => problem.to_string(),
        },
        None => format!("there is no function {name}"),
    };
    tracing::error!(function = name, outcome = "not_started", error = problem, "start");
    ExitCode::FAILURE
}
