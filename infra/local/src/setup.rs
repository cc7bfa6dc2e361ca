//! The options of a stack, and the errors at its start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use threadless::{Clock, SystemClock, lambda};

use crate::project::LocalProject;
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
    /// The project.
    pub project: LocalProject,
    /// The text of the settings, which replaces the project's own.
    pub settings: String,
    /// The time between two runs of the scheduled functions.
    pub tick: Duration,
    /// The function that shows messages. If it is set, the stack stands in for each gateway that does not listen.
    pub gateway: Option<fn(&str, &str)>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl StackOptions {
    /// Returns options for tests: free ports, nothing on disk, no pretend gateway, a tick every second.
    pub fn ephemeral(project: LocalProject, settings: &str) -> Self {
        Self {
            port: 0,
            dynamodb_port: 0,
            sqs_port: 0,
            data: None,
            durable: false,
            allow_hosts: Vec::new(),
            project,
            settings: settings.to_owned(),
            tick: Duration::from_secs(1),
            gateway: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The reason why the stack does not start. Each reason is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port is not available.
    #[error("cannot listen on port {port} for {what}: {problem}")]
    Port {
        /// The port.
        port: u16,
        /// The service that needs the port.
        what: &'static str,
        /// The error of the operating system.
        #[source]
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
    #[error("template.yaml has the function {0}, which the project does not have")]
    Function(String),
}
