//! The stack that `cargo run` of a page starts.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tests::ports::free_port;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::programs::Programs;

/// The time limit of each step.
const LIMIT: Duration = Duration::from_mins(2);

/// The running stack. It is killed when this is dropped.
pub(crate) struct Running {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    output: String,
    port: u16,
}

impl Running {
    /// Starts `cargo run` with other ports than those of the pages, because a stack may run on this machine.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) async fn start(programs: &Programs) -> Result<Self> {
        let [port, dynamodb, sqs, gateway] = [free_port()?, free_port()?, free_port()?, free_port()?];
        let settings = functions::SETTINGS;
        ensure!(settings.contains("127.0.0.1:13013"), "the settings have another port");
        let settings = settings.replace("127.0.0.1:13013", &format!("127.0.0.1:{gateway}"));
        fs::write(programs.folder().join("settings.toml"), settings)?;
        let ports = format!("--port {port} --dynamodb-port {dynamodb} --sqs-port {sqs}");
        let line = format!("exec cargo run -- {ports} --settings settings.toml --tick-seconds 1");
        let mut command = Command::from(programs.shell(&line)?);
        command.stderr(Stdio::inherit()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut running = Self { _child: child, lines, output: String::new(), port };
        running.shown("get-url").await?;
        Ok(running)
    }

    /// Waits until the first terminal shows this text.
    ///
    /// # Errors
    /// It does not, within the limit.
    pub(crate) async fn shown(&mut self, wanted: &str) -> Result<()> {
        while !self.output.contains(wanted) {
            let line = timeout(LIMIT, self.lines.next_line()).await;
            let line = line.with_context(|| format!("no {wanted:?} in {}", self.output))??;
            let line = line.with_context(|| format!("it ended: {}", self.output))?;
            self.output.extend([line.as_str(), "\n"]);
        }
        Ok(())
    }

    /// Returns a text of a page with the port of this stack.
    pub(crate) fn there(&self, text: &str) -> String {
        text.replace("127.0.0.1:8000", &format!("127.0.0.1:{}", self.port))
    }
}
