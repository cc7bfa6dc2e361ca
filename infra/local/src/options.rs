//! What the command line and the environment say.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::kannel::check::command::CheckOptions;
use crate::kannel::conf::command::ConfOptions;
use crate::redrive::RedriveOptions;
use crate::script::ScriptOptions;
use crate::serving::HostName;

/// The whole stack on this machine: functions, DynamoDB, SQS and, where none listens, a gateway that prints.
#[derive(Debug, Parser)]
#[command(name = "threadless", version, max_term_width = 100)]
pub struct Options {
    /// Where the functions answer
    #[arg(long, env = "THREADLESS_PORT", default_value_t = 8000)]
    pub port: u16,

    /// Where the embedded DynamoDB answers
    #[arg(long, env = "THREADLESS_DYNAMODB_PORT", default_value_t = 8001)]
    pub dynamodb_port: u16,

    /// Where the embedded SQS answers
    #[arg(long, env = "THREADLESS_SQS_PORT", default_value_t = 8002)]
    pub sqs_port: u16,

    /// Where messages, connections and queues are kept; delete it to begin anew
    #[arg(long, env = "THREADLESS_DATA", value_name = "DIR", default_value = ".threadless")]
    pub data: PathBuf,

    /// Survive a power cut, too: wait for the disk at every write, which makes the stack slower. The death of the
    /// process alone never loses what was acknowledged
    #[arg(long, env = "THREADLESS_DURABLE")]
    pub durable: bool,

    /// A host by which the stack may be called beside localhost, 127.0.0.1 and `[::1]`; several with commas between
    #[arg(long, env = "THREADLESS_ALLOW_HOST", value_name = "HOST", value_delimiter = ',')]
    pub allow_host: Vec<HostName>,

    /// Settings in the place of functions/settings.toml
    #[arg(long, env = "THREADLESS_SETTINGS_FILE", value_name = "FILE", global = true)]
    pub settings: Option<PathBuf>,

    /// How often what is left in outboxes is looked for; on AWS it is 60
    #[arg(long, env = "THREADLESS_TICK_SECONDS", value_name = "SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub tick_seconds: u64,

    /// What is logged: error, warn, info, debug
    #[arg(long, env = "THREADLESS_LOG", value_name = "LEVEL", default_value = "warn", global = true)]
    pub log: String,

    /// Something else than the stack.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What can be done beside running the stack.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes a kannel.conf for the backends of the settings, and the TLS sidecar beside it
    KannelConf(ConfOptions),
    /// Reads a kannel.conf, and says what in it will lose or garble messages
    KannelCheck(CheckOptions),
    /// Plays transcripts against a stack, and says whether every reply came and no other
    Script(ScriptOptions),
    /// Brings jobs back from the dead-letter queue of a deployed stack, after what made them fail was mended
    Redrive(RedriveOptions),
}
