//! The main function of the Lambda functions of a project.

use std::process::ExitCode;

use super::environment::{Environment, need};
use super::{Function, run, start_logging};
use crate::backend::Engines;
use crate::router::Router;

/// The environment variable that says which function a program is, if the program has all functions of a project.
const CHOSEN: &str = "THREADLESS_FUNCTION";

/// The code of a project: everything that its owner writes. The Lambda functions run it, and so does the local stack.
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::lambda::{Function, ProjectCode};
/// use threadless::{Router, apps};
///
/// /// The project of a clinic, whose only gateway is Kannel.
/// pub const PROJECT: ProjectCode = ProjectCode {
///     settings: "[project]\nname = \"Clinic\"\n",
///     engines: Engines::standard,
///     apps: |router: Router| router.app(apps::Ping),
///     functions: &[("kannel", Function::Http { engine: "kannel" }), ("responder", Function::Responder)],
/// };
/// assert_eq!(PROJECT.function("responder"), Some(Function::Responder));
/// assert_eq!(PROJECT.function("tick"), None);
/// ```
#[derive(Clone, Copy)]
pub struct ProjectCode {
    /// The text of the settings. In a Lambda function, the environment variable `THREADLESS_SETTINGS` replaces it.
    pub settings: &'static str,
    /// Returns the kinds of gateway that the settings can name.
    pub engines: fn() -> Engines,
    /// Installs the apps.
    pub apps: fn(Router) -> Router,
    /// The Lambda functions, each with its name in the template.
    pub functions: &'static [(&'static str, Function)],
}

impl ProjectCode {
    /// Returns the kind of the Lambda function of this name, or `None` if the project has no such function.
    pub fn function(&self, name: &str) -> Option<Function> {
        self.functions.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }
}

/// Runs the Lambda function that the environment variable `THREADLESS_FUNCTION` names. It takes events from Lambda until
/// Lambda ends the process.
///
/// This is the main function of a program that contains all functions of a project, so that they are built only once.
/// If the variable is missing or names no function of the project, or if the environment or the settings are faulty,
/// this function writes one line to the log, and the cold start fails.
pub fn start_chosen(project: &ProjectCode) -> ExitCode {
    match need(CHOSEN) {
        Ok(name) => start(project, &name),
        Err(problem) => {
            start_logging("info");
            refused("?", &problem.to_string())
        }
    }
}

/// Runs the Lambda function of this name. It takes events from Lambda until Lambda ends the process.
///
/// If the project has no such function, or if the environment or the settings are faulty, this function writes one line
/// to the log, and the cold start fails.
pub fn start(project: &ProjectCode, name: &str) -> ExitCode {
    // The runtime has two threads on every machine. Apps do not run on these threads: the phases of each message run on
    // a thread of their own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(project, name)),
        Err(problem) => {
            start_logging("info");
            refused(name, &problem.to_string())
        }
    }
}

async fn serve(project: &ProjectCode, name: &str) -> ExitCode {
    let environment = Environment::read();
    start_logging(environment.as_ref().map_or("info", |environment| environment.log.as_str()));
    let host = environment
        .and_then(|environment| environment.host(project.settings, &(project.engines)(), project.apps));
    let problem = match project.function(name) {
        Some(function) => match run(function, host).await {
            Ok(()) => return ExitCode::SUCCESS,
            Err(problem) => problem.to_string(),
        },
        None => format!("the project has no function {name}"),
    };
    refused(name, &problem)
}

fn refused(name: &str, problem: &str) -> ExitCode {
    tracing::error!(function = name, outcome = "not_started", error = problem, "start");
    ExitCode::FAILURE
}
