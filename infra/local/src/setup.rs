//! What to start, and why it may not start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use threadless::project::Settings;
use threadless::{Clock, Router, SystemClock, lambda};

use crate::serving::HostName;

/// What to start.
#[derive(Clone)]
pub struct StackOptions {
    /// The front's port; 0 for any that is free.
    pub port: u16,
    /// DynamoDB's port.
    pub dynamodb_port: u16,
    /// SQS's port.
    pub sqs_port: u16,
    /// Where data is kept; in memory without it.
    pub data: Option<PathBuf>,
    /// Whether a write waits until the disk has it, and so survives a power cut. What is on disk survives the death of
    /// the process either way.
    pub durable: bool,
    /// The hosts beside this machine that requests may name: where the stack is meant to be reached by them.
    pub allow_hosts: Vec<HostName>,
    /// The text of the settings.
    pub settings: String,
    /// The apps.
    pub apps: fn(Router) -> Router,
    /// How often the scheduled functions run.
    pub tick: Duration,
    /// Whether to stand in for gateways that do not listen, and how to show what they get.
    pub gateway: Option<fn(&str, &str)>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl StackOptions {
    /// Any free ports, nothing on disk, no pretend gateway, a tick every second: for tests.
    pub fn ephemeral(settings: &str) -> Self {
        Self {
            port: 0,
            dynamodb_port: 0,
            sqs_port: 0,
            data: None,
            durable: false,
            allow_hosts: Vec::new(),
            settings: settings.to_owned(),
            apps: functions::apps,
            tick: Duration::from_secs(1),
            gateway: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Returns the text of the settings in a file, or of those of the project. The error is one line.
pub(crate) fn settings_text(file: Option<&Path>) -> Result<String, String> {
    let Some(file) = file else { return Ok(functions::SETTINGS.to_owned()) };
    let bytes = std::fs::read(file)
        .map_err(|problem| format!("the settings in {} cannot be read: {problem}", file.display()))?;
    Settings::text(bytes).map_err(|problem| format!("{}: {problem}", file.display()))
}

/// Why the stack does not start. One line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be had.
    #[error("port {port} for {what} cannot be had: {problem}")]
    Port {
        /// The port.
        port: u16,
        /// What for.
        what: &'static str,
        /// The system's words.
        problem: std::io::Error,
    },
    /// The data cannot be opened.
    #[error("the data in {place} cannot be opened: {problem}")]
    Data {
        /// Where.
        place: String,
        /// Why.
        problem: String,
    },
    /// The settings are faulty, or the environment is.
    #[error(transparent)]
    Environment(#[from] lambda::EnvironmentError),
    /// The template is faulty.
    #[error(transparent)]
    Template(#[from] crate::template::TemplateError),
    /// The functions and the template do not fit together.
    #[error("template.yaml has a function {0} that the functions package does not know")]
    Function(String),
}
