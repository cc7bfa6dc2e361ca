//! One of Kannel's processes. It starts in a process group of its own, and the whole group is stopped, so that no
//! process remains.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{Instant, sleep};

use crate::frozen::until_frozen;

/// The time that a daemon may take to end after SIGTERM, before it is killed. Kannel needs up to 12 s.
const GRACE: Duration = Duration::from_secs(20);

/// A running process of Kannel. It is killed when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    name: &'static str,
    child: Child,
    group: Pid,
}

impl Daemon {
    /// Starts `bearerbox` or `smsbox` with a configuration. Its output goes to `<name>.err` beside the configuration.
    ///
    /// # Errors
    /// The program is not installed, or cannot be started.
    pub fn start(name: &'static str, config: &Path) -> Result<Self> {
        let binary = find(name)?;
        let printed =
            File::options().create(true).append(true).open(config.with_file_name(format!("{name}.err")))?;
        // The kernel kills this process when the test process dies for any reason.
        let mut command = Command::new(find("setpriv")?);
        command.args(["--pdeathsig", "KILL"]).arg(binary).args(["-v", "4"]).arg(config);
        command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed).process_group(0);
        let child = spawn(command).with_context(|| format!("starting {name}"))?;
        let group = Pid::from_child(&child);
        Ok(Self { name, child, group })
    }

    /// Returns whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to the process and to every process that it started.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process_group(self.group, signal).with_context(|| format!("signalling {}", self.name))
    }

    /// Freezes the process, and waits until it is frozen.
    pub(super) async fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        until_frozen(self.group, self.name).await
    }

    /// Asks the process to end, waits, and kills it if it does not end.
    pub async fn stop(mut self) {
        let patience = Instant::now() + GRACE;
        // A paused process would not notice SIGTERM.
        if self.signal(Signal::TERM).is_ok() && self.signal(Signal::CONT).is_ok() {
            while self.is_running() && Instant::now() < patience {
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // An error means that the process is already gone.
        self.signal(Signal::KILL).ok();
        self.child.wait().ok();
    }
}

/// Starts a process from a thread that lasts as long as this program. If the *thread* that started a process ends, the
/// kernel treats this as the end of the parent. A test's thread may end before its Kannel does.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, SyncSender<io::Result<Child>>);
    static ORDERS: LazyLock<Sender<Order>> = LazyLock::new(|| {
        let (orders, incoming) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in incoming {
                answer.send(command.spawn()).ok();
            }
        });
        orders
    });
    let (answer, child) = sync_channel(1);
    ORDERS.send((command, answer)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}

/// Finds a program in `PATH`, or in the folder in which Debian puts daemons.
fn find(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")]);
    match places.map(|place| place.join(name)).find(|file| file.is_file()) {
        Some(file) => Ok(file),
        None => bail!(
            "`{name}` is not installed, and this test runs a real Kannel. `tests/run` installs what it needs: \
             Debian's packages kannel and util-linux."
        ),
    }
}

/// Returns the last lines of a log, or the reason why there are none.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    match fs::read(log) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let all: Vec<&str> = text.lines().collect();
            all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
        }
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_binary_says_what_to_install() {
        let error = find("no-such-daemon").unwrap_err().to_string();
        assert!(error.contains("`no-such-daemon` is not installed"), "{error}");
        assert!(error.contains("tests/run"), "{error}");
    }

    #[tokio::test]
    async fn a_dropped_daemon_is_gone_with_all_that_it_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & sleep 600"]).process_group(0);
        let child = spawn(command).unwrap();
        let group = Pid::from_child(&child);
        drop(Daemon { name: "sh", child, group });
        // The second sleep no longer has a parent in this test, so the time of its reaping is unknown.
        while rustix::process::test_kill_process_group(group).is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}
