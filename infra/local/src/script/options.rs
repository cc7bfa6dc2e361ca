//! What the command line of `script` says.

use std::path::PathBuf;

use clap::Args;
use threadless::BackendName;

/// Plays transcripts against a stack, and says whether every reply came and no other.
///
/// Without --url against a stack of its own, with the apps and settings of functions/, in memory; its clock moves with
/// the time stamps. With --url against any stack that runs, on this machine or deployed.
///
/// Ends with 0 where all of them came true, with 1 where one did not, with 2 where one could not be played.
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ScriptOptions {
    /// Transcripts, or folders of them (*.txt)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The stack to play against: what stands before /backend/ and /httptester/ in its URLs
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// The backend of lines that name none [default: a kannel one of the settings, else an http one, else a tester;
    /// with a --url that is not on this machine the tester first]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<BackendName>,

    /// With --url: what the backend's URL asks for, in the place of the secret that the settings name
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

    /// With --url and a gateway: where the stack sends replies to, so that this is the gateway [default: the port of
    /// the settings]
    #[arg(long, value_name = "PORT", requires = "url")]
    pub gateway_port: Option<u16>,

    /// With --url: how long replies may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "url")]
    pub timeout: u64,

    /// With --url: how long to wait for replies that nobody scripted, where none is expected
    #[arg(long, value_name = "SECONDS", default_value_t = 2, requires = "url")]
    pub settle: u64,
}
