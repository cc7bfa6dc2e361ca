//! The stack as a process, in an empty environment and in its own folder.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tests::http::get;
use tests::ports::free_port;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The time limit of each step.
pub(crate) const LIMIT: Duration = Duration::from_mins(3);

/// Returns flags with free ports, so that the stack can start beside others.
pub(crate) fn free_ports() -> Result<Vec<String>> {
    let flag = |name: &str| Ok(format!("--{name}={}", free_port()?));
    ["port", "dynamodb-port", "sqs-port"].into_iter().map(flag).collect()
}

/// Returns the command in an empty environment.
pub(crate) fn command<S: AsRef<OsStr>>(folder: &Path, args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command.env_clear().current_dir(folder).args(args).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns a shell that gets the command as arguments, to start it in another way.
fn by_shell<S: AsRef<OsStr>>(script: &str, folder: &Path, args: &[S]) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(folder).kill_on_drop(true);
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_stack")]).args(args);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// The outputs and the status of a command that ended by itself.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command to its end, which must come soon.
pub(crate) async fn run<S: AsRef<OsStr>>(folder: &Path, args: &[S]) -> Result<Ended> {
    run_with(folder, args, Stdio::piped(), Stdio::piped()).await
}

/// Runs the command like `run`, with other outputs.
pub(crate) async fn run_with<S: AsRef<OsStr>>(
    folder: &Path,
    args: &[S],
    stdout: Stdio,
    stderr: Stdio,
) -> Result<Ended> {
    let child = command(folder, args).stdout(stdout).stderr(stderr).spawn()?;
    let output = timeout(LIMIT, child.wait_with_output()).await.context("it goes on")??;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes);
    Ok(Ended { status: output.status, stdout: text(output.stdout)?, stderr: text(output.stderr)? })
}

/// The running stack. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: watch::Receiver<String>,
    reading: JoinHandle<()>,
}

impl Running {
    /// Starts the stack and waits until it prints that it is up.
    pub(crate) async fn start<S: AsRef<OsStr>>(
        folder: &Path,
        args: &[S],
        env: &[(&str, String)],
    ) -> Result<Self> {
        let mut command = command(folder, args);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        Self::up(command).await
    }

    /// Starts the stack by a script, which has the command as its arguments: `exec "$@"`.
    pub(crate) async fn start_by<S: AsRef<OsStr>>(script: &str, folder: &Path, args: &[S]) -> Result<Self> {
        Self::up(by_shell(script, folder, args)).await
    }

    async fn up(mut command: Command) -> Result<Self> {
        let mut child = command.spawn()?;
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

    /// Waits until its standard output contains this text, and returns the whole output.
    pub(crate) async fn shown(&mut self, wanted: &str) -> Result<String> {
        let found = timeout(LIMIT, self.stdout.wait_for(|text| text.contains(wanted))).await;
        found.ok().and_then(Result::ok).map(|text| text.clone()).with_context(|| format!("no {wanted:?}"))
    }

    /// Returns the URL of its only backend, as it prints it.
    pub(crate) fn url(&self) -> Result<String> {
        let text = self.stdout.borrow();
        let line = text.lines().find(|line| line.contains("/backend/")).context("no URL")?;
        line.split_whitespace().last().map(str::to_owned).context("no URL")
    }

    /// Returns the id of the process.
    pub(crate) fn id(&self) -> Result<u32> {
        self.child.id().context("it has ended")
    }

    /// Sends a signal.
    pub(crate) fn send(&self, signal: Signal) -> Result<()> {
        send(&self.child, signal)
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn stop(mut self, signal: Signal) -> Result<Ended> {
        self.send(signal)?;
        self.ended().await
    }

    /// Returns its outputs and status if it ends within this time.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> Result<Option<Ended>> {
        match timeout(limit, self.child.wait()).await {
            Ok(_) => self.ended().await.map(Some),
            Err(_) => Ok(None),
        }
    }

    async fn ended(&mut self) -> Result<Ended> {
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().context("no stderr")?;
        let (status, _) =
            timeout(LIMIT, async { tokio::join!(self.child.wait(), pipe.read_to_string(&mut stderr)) })
                .await
                .context("it goes on")?;
        (&mut self.reading).await?;
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

fn send(child: &Child, signal: Signal) -> Result<()> {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
        kill_process(pid, signal)?;
    }
    Ok(())
}

/// The running stack, whose outputs go where the test chooses. It is killed when this is dropped.
pub(crate) struct Silent {
    pub(crate) child: Child,
    base: String,
}

impl Silent {
    /// Starts the stack and waits until it answers at the port in the flags.
    pub(crate) async fn start(folder: &Path, flags: &[String], stdout: Stdio, stderr: Stdio) -> Result<Self> {
        let port = flags.iter().find_map(|flag| flag.strip_prefix("--port=")).context("no port")?;
        let child = command(folder, flags).stdout(stdout).stderr(stderr).spawn()?;
        let mut silent = Self { child, base: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while get(&silent.url("/")).await.is_err() {
            if let Some(status) = silent.child.try_wait()? {
                bail!("it ended: {status}");
            }
            ensure!(begun.elapsed() < LIMIT, "it does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(silent)
    }

    /// Returns the URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn stop(mut self, signal: Signal) -> Result<ExitStatus> {
        send(&self.child, signal)?;
        Ok(timeout(LIMIT, self.child.wait()).await.context("it goes on")??)
    }
}
