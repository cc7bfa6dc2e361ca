//! Another emulator of AWS, to compare ours with. It is started from the executable that `MINISTACK` names.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::ports::free_port;

/// The running emulator. It ends when this is dropped.
pub struct Ministack {
    child: Child,
    port: u16,
    _home: tempfile::TempDir,
}

impl Ministack {
    /// Starts the emulator, and waits until it answers.
    ///
    /// # Errors
    /// `MINISTACK` names no executable (`tests/run` installs one), or the emulator does not answer within a minute.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts the emulator like `start`. The functions deployed in it find these variables in their environment.
    ///
    /// The emulator ends with the thread that calls this.
    ///
    /// # Errors
    /// The same as for [`start`](Self::start).
    pub fn start_with(variables: &[(&str, &str)]) -> Result<Self> {
        let executable = std::env::var("MINISTACK").context("MINISTACK is not set: run tests/run")?;
        let port = free_port()?;
        let home = tempfile::tempdir()?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", &executable])
            .current_dir(home.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("LAMBDA_EXECUTOR", "local")
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("HOME", home.path())
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{executable} cannot be started"))?;
        let mut ministack = Self { child, port, _home: home };
        let begun = Instant::now();
        while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err() {
            if let Some(status) = ministack.child.try_wait()? {
                bail!("{executable} ended at once: {status}");
            }
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("{executable} does not answer on port {port}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(ministack)
    }

    /// Returns the URL at which the emulator answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
