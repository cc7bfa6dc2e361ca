//! The local stack as a process of its own, to be killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

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
        let [port, dynamodb, sqs] = ports.map(|port| port.to_string());
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", executable])
            .args(["--port", &port, "--dynamodb-port", &dynamodb, "--sqs-port", &sqs])
            .args(["--tick-seconds", "1", "--log", "error"])
            .arg("--data")
            .arg(data)
            .arg("--settings")
            .arg(data.join("settings.toml"))
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{executable} cannot be started"))?;
        Ok(Self { child, ports })
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
}

impl Drop for StackProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
