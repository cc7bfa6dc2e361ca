//! The signals that end the stack.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, SIGTERM, and SIGHUP, which a terminal sends when it is closed.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// None where nobody may send it: `nohup` has it ignored, and so it stays.
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// Takes them from now on. Before, each ends the process by itself.
    pub(crate) fn new() -> std::io::Result<Self> {
        let hang_up = if takes_hang_up() { Some(signal(SignalKind::hangup())?) } else { None };
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether SIGHUP is known not to be ignored. Where the system does not tell, it does by itself what it does: end the
/// process or not. Either way nothing that was taken in is lost.
fn takes_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first bit is the first signal.
    ignored.is_some_and(|mask| mask & 1 == 0)
}
