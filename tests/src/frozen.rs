//! Waiting until a process is frozen. SIGSTOP only requests that: each thread continues until the kernel stops it.

use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::time::{Instant, sleep};

/// The time for which a process may continue after SIGSTOP.
const GRACE: Duration = Duration::from_secs(20);

/// Waits until a child that got SIGSTOP is frozen.
///
/// # Errors
/// The process is no child of this process, or it still runs after 20 seconds.
pub(crate) async fn until_frozen(child: Pid, name: &str) -> Result<()> {
    let frozen = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let patience = Instant::now() + GRACE;
    while waitid(WaitId::Pid(child), frozen)?.is_none() {
        ensure!(Instant::now() < patience, "{name} was not frozen within {GRACE:?}");
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
