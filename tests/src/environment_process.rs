//! One environment of a Lambda function as a process of its own. A test can freeze it while the rest of the stack
//! continues.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use threadless_local::Stack;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::frozen::until_frozen;

/// The environment. It is killed when this is dropped.
pub struct EnvironmentProcess {
    child: Child,
    pid: Pid,
    events: ChildStdin,
    results: Lines<BufReader<ChildStdout>>,
}

impl EnvironmentProcess {
    /// Starts an environment of a Lambda function for a stack, with the stack's table and queue. `executable` is the
    /// program of `src/bin/environment.rs`.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start(executable: &str, function: &str, stack: &Stack, settings: &Path) -> Result<Self> {
        let sqs = stack.queue_url.split('/').take(3).collect::<Vec<_>>().join("/");
        let mut child = Command::new(executable)
            .args([function, &format!("http://{}", stack.dynamodb), &sqs, &stack.queue_url])
            .arg(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{executable} cannot be started"))?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).context("it has ended")?;
        let events = child.stdin.take().context("no standard input")?;
        let results = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        Ok(Self { child, pid, events, results })
    }

    /// Gives the environment an event.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn invoke(&mut self, event: &str) -> Result<()> {
        self.events.write_all(format!("{}\n", event.replace('\n', " ")).as_bytes()).await?;
        Ok(self.events.flush().await?)
    }

    /// Waits for the result of the earliest event that has none yet.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn result(&mut self) -> Result<String> {
        match self.results.next_line().await? {
            Some(result) => Ok(result),
            None => bail!("it ended without a result: {}", self.child.wait().await?),
        }
    }

    /// Freezes the environment, as Lambda may do at any time, and waits until it is frozen.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn pause(&self) -> Result<()> {
        kill_process(self.pid, Signal::STOP)?;
        until_frozen(self.pid, "the environment").await
    }

    /// Lets the environment continue.
    ///
    /// # Errors
    /// The process has ended.
    pub fn resume(&self) -> Result<()> {
        Ok(kill_process(self.pid, Signal::CONT)?)
    }
}
