//! Calls that wait for their turn. A scheduler decides which call is next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::plan::Call;
use crate::port::Port;

/// The calls that wait until a scheduler lets them through.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// Whether calls no longer need to wait.
    open: bool,
    calls: Vec<(usize, Call, oneshot::Sender<()>)>,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of this call. A write of history needs no turn, because it runs beside the rest and no actor
    /// reads it.
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

    /// Returns the waiting actors with their calls, in a fixed order.
    pub(crate) fn waiting(&self) -> Vec<(usize, Call)> {
        let mut waiting = self.lock();
        waiting.calls.retain(|(.., turn)| !turn.is_closed());
        waiting.calls.sort_by_key(|(environment, call, _)| (*environment, *call));
        waiting.calls.iter().map(|(environment, call, _)| (*environment, *call)).collect()
    }

    /// Lets one of the waiting calls through.
    pub(crate) fn let_through(&self, at: usize) {
        let (.., turn) = self.lock().calls.remove(at);
        let _ = turn.send(());
    }

    /// Lets all calls through from now on.
    pub(crate) fn open(&self) {
        let mut waiting = self.lock();
        waiting.open = true;
        for (.., turn) in waiting.calls.drain(..) {
            let _ = turn.send(());
        }
    }
}
