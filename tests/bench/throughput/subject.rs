//! What is measured: a process that answers Kannel.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tests::http::get;
use tests::ports::free_port;

use crate::gateway::Gateway;

/// A process, ended when this is dropped.
pub(crate) struct Subject {
    pub(crate) what: &'static str,
    pub(crate) port: u16,
    /// The path, to which a query is added.
    pub(crate) path: &'static str,
    child: Child,
    _folder: TempDir,
}

impl Drop for Subject {
    fn drop(&mut self) {
        for process in descendants(self.child.id()) {
            if let Some(pid) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
            }
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Subject {
    /// Starts a command that answers on `port`.
    pub(crate) fn start(
        what: &'static str,
        port: u16,
        path: &'static str,
        folder: TempDir,
        command: &mut Command,
    ) -> Result<Self> {
        let log = std::fs::File::create(folder.path().join("log"))?;
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| what.to_owned())?;
        Ok(Self { what, port, path, child, _folder: folder })
    }

    /// The least that could answer.
    pub(crate) fn echo(gateway: &Gateway) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--echo", &port.to_string(), "--gateway", &gateway.url()]);
        Self::start("hyper, keeps nothing", port, "/backend/k/", TempDir::new()?, &mut command)
    }

    /// The local stack, with its data on the disk.
    pub(crate) async fn stack(gateway: &Gateway, respond: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let settings = folder.path().join("settings.toml");
        let url = gateway.url();
        let text = format!(
            "[project]\nname = \"Bench\"\n[backends.k]\nengine = \"kannel\"\nrespond = \"{respond}\"\n\
             replies_per_hour = 0\nsendsms_url = \"{url}\"\n\
             sendsms_params = {{ username = \"u\", password = \"p\" }}\n"
        );
        tokio::fs::write(&settings, text).await?;
        let (port, dynamodb, sqs) = (free_port()?, free_port()?, free_port()?);
        let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_stack")));
        command.env_clear().args([
            format!("--port={port}"),
            format!("--dynamodb-port={dynamodb}"),
            format!("--sqs-port={sqs}"),
            format!("--settings={}", settings.display()),
        ]);
        let what = if respond == "queue" { "local stack, queued" } else { "local stack, inline" };
        Self::start(what, port, "/backend/k/", folder, &mut command)
    }

    /// Waits until it answers anything.
    pub(crate) async fn wait_until_up(&self) -> Result<()> {
        for _ in 0..600 {
            if get(&format!("http://127.0.0.1:{}/", self.port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("{} does not answer", self.what)
    }

    /// The processor time that it and those that it started have had.
    pub(crate) fn processor_time(&self) -> Duration {
        let mut all = descendants(self.child.id());
        all.push(self.child.id());
        let ticks: u64 = all.iter().filter_map(|process| ticks(*process)).sum();
        Duration::from_secs_f64(ticks_to_seconds(ticks))
    }
}

/// Linux counts in hundredths, whatever the machine.
#[allow(clippy::cast_precision_loss)] // Hours of them fit.
fn ticks_to_seconds(ticks: u64) -> f64 {
    ticks as f64 / 100.0
}

/// User and system time of one process, in ticks.
fn ticks(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// The children of a process, and theirs.
fn descendants(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children: Vec<u32> =
        children.unwrap_or_default().split_whitespace().filter_map(|child| child.parse().ok()).collect();
    let deeper: Vec<u32> = children.iter().flat_map(|child| descendants(*child)).collect();
    children.into_iter().chain(deeper).collect()
}
