//! The local stack as a process of its own, which tests can kill or freeze.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::frozen::until_frozen;

/// The stack as a process of its own, on fixed ports. It is killed when this is dropped.
pub struct StackProcess {
    child: Child,
    /// The ports of the functions, of DynamoDB and of SQS.
    pub ports: [u16; 3],
}

impl StackProcess {
    /// Starts the executable with its data and the file `settings.toml` in a folder.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start(executable: &str, data: &Path, ports: [u16; 3]) -> Result<Self> {
        Self::start_with(executable, data, ports, |_| {})
    }

    /// Starts the executable like `start`, with its own environment or output.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start_with(
        executable: &str,
        data: &Path,
        ports: [u16; 3],
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let [port, dynamodb, sqs] = ports.map(|port| port.to_string());
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", executable])
            .args(["--port", &port, "--dynamodb-port", &dynamodb, "--sqs-port", &sqs])
            .args(["--tick-seconds", "1", "--log", "error"])
            .arg("--data")
            .arg(data)
            .arg("--settings")
            .arg(data.join("settings.toml"))
            .stdout(Stdio::null());
        prepare(&mut command);
        let child = command.spawn().with_context(|| format!("{executable} cannot be started"))?;
        Ok(Self { child, ports })
    }

    /// Returns whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the process with SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// The process is already gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Freezes the process with SIGSTOP, and waits until it is frozen.
    ///
    /// # Errors
    /// The process is gone, or still runs after 20 seconds.
    pub async fn pause(&self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP)?;
        until_frozen(pid, "the stack").await
    }

    /// Lets the process continue.
    ///
    /// # Errors
    /// The process is gone.
    pub fn resume(&self) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }
}

impl Drop for StackProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
