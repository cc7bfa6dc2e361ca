//! The options of a stack, and the errors at its start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use threadless::project::Settings;
use threadless::{Clock, Router, SystemClock, lambda};

use crate::serving::HostName;

/// The options of a stack.
#[derive(Clone)]
pub struct StackOptions {
    /// The front's port; 0 for any free port.
    pub port: u16,
    /// DynamoDB's port.
    pub dynamodb_port: u16,
    /// SQS's port.
    pub sqs_port: u16,
    /// The data folder. Without it, data is in memory.
    pub data: Option<PathBuf>,
    /// Whether a write waits until the disk has it, and so survives a power cut. In both cases, acknowledged data
    /// survives the death of the process.
    pub durable: bool,
    /// The hosts that requests may name, in addition to this machine: the names by which others reach the stack.
    pub allow_hosts: Vec<HostName>,
    /// The text of the settings.
    pub settings: String,
    /// The function that installs the apps.
    pub apps: fn(Router) -> Router,
    /// The time between two runs of the scheduled functions.
    pub tick: Duration,
    /// The function that shows messages. If it is set, the stack stands in for each gateway that does not listen.
    pub gateway: Option<fn(&str, &str)>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl StackOptions {
    /// Returns options for tests: free ports, nothing on disk, no pretend gateway, a tick every second.
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

/// Returns the text of the settings in a file, or of the project's settings. The error is one line.
pub(crate) fn settings_text(file: Option<&Path>) -> Result<String, String> {
    let Some(file) = file else { return Ok(functions::SETTINGS.to_owned()) };
    let bytes = std::fs::read(file)
        .map_err(|problem| format!("the settings in {} cannot be read: {problem}", file.display()))?;
    Settings::text(bytes).map_err(|problem| format!("{}: {problem}", file.display()))
}

/// The reason why the stack does not start. Each reason is one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is not available.
    #[error("cannot listen on port {port} for {what}: {problem}")]
    Port {
        /// The port.
        port: u16,
        /// The service that needs the port.
        what: &'static str,
        /// The error of the operating system.
        problem: std::io::Error,
    },
    /// The data cannot be opened.
    #[error("the data in {place} cannot be opened: {problem}")]
    Data {
        /// The folder of the data.
        place: String,
        /// The reason.
        problem: String,
    },
    /// The settings or the environment are faulty.
    #[error(transparent)]
    Environment(#[from] lambda::EnvironmentError),
    /// The template is faulty.
    #[error(transparent)]
    Template(#[from] crate::template::TemplateError),
    /// The functions and the template do not fit together.
    #[error("template.yaml has the function {0}, which the functions package does not have")]
    Function(String),
}
