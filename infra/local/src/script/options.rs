//! The command-line options of `script`.

use std::path::PathBuf;

use clap::Args;
use threadless::BackendName;

/// Plays transcripts against a stack, and reports whether exactly the expected replies came.
///
/// Without --url, it plays against a stack of its own, in memory, with the apps and the settings of functions/. The
/// clock of this stack moves with the time stamps. With --url, it plays against any running stack, on this machine or
/// deployed.
///
/// The exit status is 0 if every transcript passed, 1 if one failed, and 2 if one could not be played.
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ScriptOptions {
    /// Transcripts, or folders of them (*.txt)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The stack to play against: the part of its URLs before /backend/ and /httptester/
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// The backend for lines that name no backend [default: a kannel backend of the settings, else an http backend, else
    /// a tester; if --url is another machine, a tester comes first]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<BackendName>,

    /// With --url: the token that the backend requires, instead of the secret that the settings name
    #[arg(
        long,
        env = "THREADLESS_SCRIPT_TOKEN",
        value_name = "TEXT",
        hide_env_values = true,
        requires = "url"
    )]
    pub token: Option<String>,

    /// With --url and a message tester: the password of its pages
    #[arg(
        long,
        env = "THREADLESS_SCRIPT_PASSWORD",
        value_name = "TEXT",
        hide_env_values = true,
        requires = "url"
    )]
    pub password: Option<String>,

    /// With --url and a gateway: the port to which the stack sends replies, so that this program is the gateway
    /// [default: the port of the settings]
    #[arg(long, value_name = "PORT", requires = "url")]
    pub gateway_port: Option<u16>,

    /// With --url: the number of seconds to wait for replies
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "url")]
    pub timeout: u64,

    /// With --url: the number of seconds to wait for unexpected replies, in a turn without replies
    #[arg(long, value_name = "SECONDS", default_value_t = 2, requires = "url")]
    pub settle: u64,
}
