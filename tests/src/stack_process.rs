//! The local stack as a process of its own, to be killed or frozen.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::frozen::until_frozen;

/// The stack as a process of its own, on ports that it keeps. It is killed when this is dropped.
pub struct StackProcess {
    child: Child,
    /// The ports of the functions, of DynamoDB and of SQS.
    pub ports: [u16; 3],
}

impl StackProcess {
    /// Starts the executable with its data, and the file `settings.toml`, in a folder.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(executable: &str, data: &Path, ports: [u16; 3]) -> Result<Self> {
        Self::start_with(executable, data, ports, |_| {})
    }

    /// The same, with an environment or an output of its own.
    ///
    /// # Errors
    /// It cannot be started.
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

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it with SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// It is gone already.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Freezes it with SIGSTOP, and waits until it is frozen.
    ///
    /// # Errors
    /// It is gone, or goes on for 20 seconds.
    pub async fn pause(&self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP)?;
        until_frozen(pid, "the stack").await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It is gone.
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
