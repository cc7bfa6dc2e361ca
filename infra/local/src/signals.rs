//! The signals that end the stack.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals Ctrl-C, SIGTERM and SIGHUP. A terminal sends SIGHUP when it closes.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if SIGHUP is ignored. `nohup` sets it to ignored, and it stays ignored.
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// Catches the signals from now on. Before this, each signal ends the process at once.
    pub(crate) fn new() -> std::io::Result<Self> {
        let hang_up = if takes_hang_up() { Some(signal(SignalKind::hangup())?) } else { None };
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    /// Waits for the next signal.
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

/// Returns whether SIGHUP is surely not ignored. If the system does not tell, the default action of the system stays:
/// it ends the process or does nothing. In both cases no accepted message is lost.
fn takes_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first bit of the mask is signal 1, SIGHUP.
    ignored.is_some_and(|mask| mask & 1 == 0)
}
