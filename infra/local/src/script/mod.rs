//! `cargo run -- script FILE…`: plays transcripts against a stack of its own, or against a stack that runs elsewhere.
//!
//! | stack | how messages go in | where replies come from | time stamps |
//! |---|---|---|---|
//! | an own stack | over HTTP, as each gateway sends them | this program is the gateway; it polls the tester | move the clock of the stack |
//! | `--url`, a `kannel` or `http` backend | the same, with the token of the settings or `--token` | this program is the gateway, at the port of the settings or `--gateway-port`; if a `cargo run` pretends to be that gateway, this program asks it for the messages that it took | refused |
//! | `--url`, a message tester | a POST, as a script sends it | this program polls the tester like its pages do, after a login if there is a password (`--password`) | refused |
//!
//! An own stack is quiet when no invocation is running and the queue is empty. So an unexpected reply is found in its
//! own turn. With a stack that runs elsewhere, nobody can know this: the program waits for as many replies as the turn
//! has. If the turn has none, it waits two seconds (`--settle`) for unexpected replies. So an unexpected reply may be
//! found one turn late. Such a stack also remembers a number from earlier: use numbers of your own.
//!
//! The settings define the backends and the credentials that they demand. If the stack was deployed with other
//! settings, give these settings with `--settings`. The program cannot sign requests (`signature_secret`).

mod backends;
mod client;
mod options;
mod own;
mod remote;
mod tester;

pub use backends::default_backend;
pub use options::ScriptOptions;
pub use own::OwnStack;

use std::error::Error as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use threadless::ConnectionId;
use threadless::testing::{Said, StageError, Transcript};

use self::backends::Backends;
use self::remote::Remote;
use crate::gateway::GatewayRequest;
use crate::project::LocalProject;

/// The reason why a transcript could not be played, for people to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

impl ScriptError {
    fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// Leaves out the parser's message. It quotes the settings, and the quoted part may contain a secret.
    fn of_settings(_: &toml::de::Error) -> Self {
        Self("the settings are not valid TOML; `cargo run` shows the line".to_owned())
    }

    fn of_http(url: &str, problem: &reqwest::Error) -> Self {
        let mut cause = problem.source();
        while let Some(deeper) = cause.and_then(std::error::Error::source) {
            cause = Some(deeper);
        }
        Self(format!("{url}: {}", cause.map_or_else(|| problem.to_string(), ToString::to_string)))
    }
}

impl From<ScriptError> for StageError {
    fn from(problem: ScriptError) -> Self {
        Self(problem.0)
    }
}

/// The result of all files together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every reply came, and no other.
    True,
    /// At least one transcript failed.
    False,
    /// At least one transcript could not be played.
    Unplayed,
}

/// Plays the files one after the other, and writes one line for each to `out`. For a failed transcript, it writes the
/// whole failure.
pub async fn run(
    options: &ScriptOptions,
    project: LocalProject,
    settings: &str,
    out: &mut (dyn Write + Send),
) -> Verdict {
    let files = match files(&options.files) {
        Ok(files) => files,
        Err(problem) => {
            let _ = writeln!(out, "{problem}");
            return Verdict::Unplayed;
        }
    };
    let (mut worst, mut failed) = (Verdict::True, 0);
    for file in &files {
        let (verdict, words) = play(options, project, settings, file).await;
        let _ = match verdict {
            Verdict::True => writeln!(out, "ok    {}  {words}", file.display()),
            Verdict::False => writeln!(out, "FAIL  {}\n\n{words}\n", file.display()),
            Verdict::Unplayed => writeln!(out, "ERROR {}\n\n{words}\n", file.display()),
        };
        failed += usize::from(verdict != Verdict::True);
        worst = worst.max(verdict);
    }
    if files.len() > 1 || failed > 0 {
        let _ = writeln!(out, "{} of {} passed", files.len() - failed, files.len());
    }
    worst
}

async fn play(
    options: &ScriptOptions,
    project: LocalProject,
    settings: &str,
    file: &Path,
) -> (Verdict, String) {
    let transcript = match Transcript::open(file) {
        Ok(transcript) => transcript,
        Err(problem) => return (Verdict::Unplayed, problem.to_string()),
    };
    let played = match &options.url {
        Some(url) => match Remote::start(options, url, settings, &transcript).await {
            Ok(mut remote) => transcript.play(&mut remote).await,
            Err(problem) => return (Verdict::Unplayed, problem.to_string()),
        },
        None => match OwnStack::start(project, settings, &transcript, options.backend.as_ref()).await {
            Ok(mut own) => {
                let played = transcript.play(&mut own).await;
                own.stop().await;
                played
            }
            Err(problem) => return (Verdict::Unplayed, problem.to_string()),
        },
    };
    match played {
        Ok(()) => {
            let (messages, replies) = transcript.count();
            (Verdict::True, format!("{messages} in, {replies} out"))
        }
        Err(mismatch) => (Verdict::False, mismatch.to_string()),
    }
}

/// Returns the named transcripts. A named file counts as it is; a named folder stands for its `*.txt` files, sorted by
/// name.
///
/// # Errors
/// Fails if a file does not exist, or if a folder has no transcripts.
pub fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, ScriptError> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = in_folder(path)?;
        if found.is_empty() {
            return Err(ScriptError::new(format!("{}: there is no *.txt in this folder", path.display())));
        }
        files.extend(found);
    }
    Ok(files)
}

/// Returns the `*.txt` files of a folder, sorted by name.
pub(crate) fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, ScriptError> {
    let unreadable = |problem| ScriptError::new(format!("{}: {problem}", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "txt") {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the reply in a request to the gateway.
fn said(backends: &Backends, taken: &GatewayRequest) -> Result<Said, ScriptError> {
    let Some((backend, to, text)) = backends.read(taken) else {
        let GatewayRequest { path, query, .. } = taken;
        return Err(ScriptError::new(format!("a reply came that belongs to no backend: {path}?{query}")));
    };
    let identity = to.parse().map_err(|problem| ScriptError::new(format!("a reply to {to:?}: {problem}")))?;
    Ok(Said { to: backends.normal(ConnectionId::new(backend, identity)), text })
}
