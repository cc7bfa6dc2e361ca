//! Calls that wait for their turn, so that a scheduler decides which one is next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::plan::Call;
use crate::port::Port;

/// Where calls wait until a scheduler lets them through.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// Whether calls need not wait any more.
    open: bool,
    calls: Vec<(usize, Call, oneshot::Sender<()>)>,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn. History is written beside the rest and read by nobody, so that it needs none.
    pub(crate) async fn wait(&self, port: &Port, call: Call) {
        let turn = {
            let mut waiting = self.lock();
            if waiting.open || matches!(call, Call::Record | Call::OpenBackend) {
                return;
            }
            let (turn, wait) = oneshot::channel();
            waiting.calls.push((port.environment, call, turn));
            wait
        };
        let _ = turn.await;
    }

    /// Returns who waits with which call, in a fixed order.
    pub(crate) fn waiting(&self) -> Vec<(usize, Call)> {
        let mut waiting = self.lock();
        waiting.calls.retain(|(.., turn)| !turn.is_closed());
        waiting.calls.sort_by_key(|(environment, call, _)| (*environment, *call));
        waiting.calls.iter().map(|(environment, call, _)| (*environment, *call)).collect()
    }

    /// Lets one of those through.
    pub(crate) fn let_through(&self, at: usize) {
        let (.., turn) = self.lock().calls.remove(at);
        let _ = turn.send(());
    }

    /// Lets everyone through from now on.
    pub(crate) fn open(&self) {
        let mut waiting = self.lock();
        waiting.open = true;
        for (.., turn) in waiting.calls.drain(..) {
            let _ = turn.send(());
        }
    }
}
