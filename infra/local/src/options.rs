//! The options of the command line and the environment.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use threadless_kannel::check::command::CheckOptions;
use threadless_kannel::conf::command::ConfOptions;

use crate::figures::status::StatusOptions;
use crate::new::NewOptions;
use crate::redrive::RedriveOptions;
use crate::script::ScriptOptions;
use crate::serving::HostName;

/// The port of the functions, unless the command line has another.
pub(crate) const DEFAULT_PORT: u16 = 8000;

/// Runs the whole stack on this machine: functions, DynamoDB, SQS, and a gateway that prints messages if no gateway
/// listens.
#[derive(Debug, Parser)]
#[command(name = "threadless", version, max_term_width = 100)]
pub struct Options {
    /// The port of the functions
    #[arg(long, env = "THREADLESS_PORT", value_name = "PORT", default_value_t = DEFAULT_PORT)]
    pub port: u16,

    /// The port of the embedded DynamoDB
    #[arg(long, env = "THREADLESS_DYNAMODB_PORT", value_name = "PORT", default_value_t = 8001)]
    pub dynamodb_port: u16,

    /// The port of the embedded SQS
    #[arg(long, env = "THREADLESS_SQS_PORT", value_name = "PORT", default_value_t = 8002)]
    pub sqs_port: u16,

    /// The folder that keeps messages, connections and queues. Delete it to start again without data
    #[arg(long, env = "THREADLESS_DATA", value_name = "DIR", default_value = ".threadless")]
    pub data: PathBuf,

    /// Lose no data in a power cut: each write waits for the disk, so the stack is slower. If only the process dies, no
    /// acknowledged data is lost, even without this option
    #[arg(long, env = "THREADLESS_DURABLE", value_parser = clap::builder::FalseyValueParser::new())]
    pub durable: bool,

    /// A host by which the stack may be called, in addition to localhost, 127.0.0.1 and `[::1]`; separate several hosts
    /// with commas
    #[arg(long, env = "THREADLESS_ALLOW_HOST", value_name = "HOST", value_delimiter = ',')]
    pub allow_host: Vec<HostName>,

    /// A settings file to use instead of functions/settings.toml
    #[arg(long, env = "THREADLESS_SETTINGS_FILE", value_name = "FILE", global = true)]
    pub settings: Option<PathBuf>,

    /// The number of seconds between two searches for messages that are left in outboxes; on AWS it is 60
    #[arg(long, env = "THREADLESS_TICK_SECONDS", value_name = "SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub tick_seconds: u64,

    /// The log level: error, warn, info, debug
    #[arg(long, env = "THREADLESS_LOG", value_name = "LEVEL", default_value = "warn", global = true)]
    pub log: String,

    /// A command other than running the stack.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands beside running the stack.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A command that needs no project.
    #[command(flatten)]
    Tool(ToolCommand),
    /// Plays transcripts against a stack, and reports whether exactly the expected replies came
    Script(ScriptOptions),
}

/// Begins a project, and helps with Kannel and with a deployed stack. Inside a project, `cargo run -- help` has these
/// commands and more.
#[derive(Debug, Parser)]
#[command(name = "threadless", version, max_term_width = 100)]
pub(crate) struct Tool {
    /// A settings file; kannel-conf uses functions/settings.toml if it is not given
    #[arg(long, env = "THREADLESS_SETTINGS_FILE", value_name = "FILE", global = true)]
    pub(crate) settings: Option<PathBuf>,

    /// The command.
    #[command(subcommand)]
    pub(crate) command: ToolCommand,
}

/// The commands that need no project.
#[derive(Debug, Subcommand)]
pub enum ToolCommand {
    /// Writes a project of your own: apps, settings, template and tests
    New(NewOptions),
    /// Writes a kannel.conf for the backends of the settings, and the TLS sidecar for it
    KannelConf(ConfOptions),
    /// Reads a kannel.conf, and reports the lines that lose or damage messages
    KannelCheck(CheckOptions),
    /// Brings jobs back from the dead-letter queue of a deployed stack, after the cause of their failure was fixed
    Redrive(RedriveOptions),
    /// Shows the state of the running stack, by backend: last messages, waiting messages, failures, circuit breaker
    Status(StatusOptions),
}
