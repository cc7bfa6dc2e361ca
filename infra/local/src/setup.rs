//! What to start, and why it may not start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::serving::HostName;
use threadless::{Clock, Router, SystemClock, lambda};

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
            allow_hosts: Vec::new(),
            settings: settings.to_owned(),
            apps: functions::apps,
            tick: Duration::from_secs(1),
            gateway: None,
            clock: Arc::new(SystemClock),
        }
    }
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
