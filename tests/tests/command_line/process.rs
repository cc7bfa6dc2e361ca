//! The stack as a process, in an empty environment and a folder of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use tests::ports::free_port;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long anything may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(3);

/// Flags that let it start beside others: ports that are free.
pub(crate) fn free_ports() -> Result<Vec<String>> {
    let flag = |name: &str| Ok(format!("--{name}={}", free_port()?));
    ["port", "dynamodb-port", "sqs-port"].into_iter().map(flag).collect()
}

/// The command in an empty environment.
fn command<S: AsRef<OsStr>>(folder: &Path, args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command.env_clear().current_dir(folder).args(args).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command that ends by itself left.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs it to its end, which must come soon.
pub(crate) async fn run<S: AsRef<OsStr>>(folder: &Path, args: &[S]) -> Result<Ended> {
    let output = timeout(LIMIT, command(folder, args).output()).await.context("it goes on")??;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes);
    Ok(Ended { status: output.status, stdout: text(output.stdout)?, stderr: text(output.stderr)? })
}

/// The stack at work. Killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: watch::Receiver<String>,
    reading: JoinHandle<()>,
}

impl Running {
    /// Starts it and waits until it says that it is up.
    pub(crate) async fn start<S: AsRef<OsStr>>(
        folder: &Path,
        args: &[S],
        env: &[(&str, String)],
    ) -> Result<Self> {
        let mut child = command(folder, args).envs(env.iter().map(|(name, value)| (name, value))).spawn()?;
        let (sender, stdout) = watch::channel(String::new());
        let pipe = child.stdout.take().context("no stdout")?;
        let reading = tokio::spawn(read(pipe, sender));
        let mut running = Self { child, stdout, reading };
        if running.shown("get-url").await.is_err() {
            let ended = running.stop(Signal::KILL).await?;
            anyhow::bail!("it is not up: {}{}", ended.stdout, ended.stderr);
        }
        Ok(running)
    }

    /// Waits until its standard output has this in it, and returns all of it.
    pub(crate) async fn shown(&mut self, wanted: &str) -> Result<String> {
        let found = timeout(LIMIT, self.stdout.wait_for(|text| text.contains(wanted))).await;
        found.ok().and_then(Result::ok).map(|text| text.clone()).with_context(|| format!("no {wanted:?}"))
    }

    /// The URL of its only backend, as it shows it.
    pub(crate) fn url(&self) -> Result<String> {
        let text = self.stdout.borrow();
        let line = text.lines().find(|line| line.contains("/backend/")).context("no URL")?;
        line.split_whitespace().last().map(str::to_owned).context("no URL")
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn stop(mut self, signal: Signal) -> Result<Ended> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, signal)?;
        }
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().context("no stderr")?;
        let (status, _) =
            timeout(LIMIT, async { tokio::join!(self.child.wait(), pipe.read_to_string(&mut stderr)) })
                .await
                .context("it goes on")?;
        self.reading.await?;
        let stdout = self.stdout.borrow().clone();
        Ok(Ended { status: status?, stdout, stderr })
    }
}

async fn read(pipe: impl AsyncRead + Unpin, sender: watch::Sender<String>) {
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        sender.send_modify(|text| text.extend([line.as_str(), "\n"]));
    }
}
