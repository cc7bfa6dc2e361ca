//! Threads for app code, which may block its thread. A thread is created when it is needed, waits some time for more
//! work, and then ends.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The work of one thread.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// The time that a thread without work waits for more.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thread that waits for work, and the channel to send it some.
type Waiting = (ThreadId, SyncSender<Work>);

/// The threads that wait for work. The last one in the list became free last, and is taken first. So a thread that is not
/// needed can end.
static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());

fn waiting() -> MutexGuard<'static, Vec<Waiting>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs this work on a thread of its own. Returns an error if the system provides no further thread; then the work is
/// dropped.
pub(crate) fn run(mut work: Work) -> io::Result<()> {
    while let Some((_, thread)) = { waiting().pop() } {
        match thread.send(work) {
            Ok(()) => return Ok(()),
            Err(unsent) => work = unsent.0,
        }
    }
    thread::Builder::new().name("threadless-app".to_owned()).spawn(move || serve(work)).map(drop)
}

fn serve(mut work: Work) {
    let (sender, receiver) = sync_channel(1);
    loop {
        work();
        waiting().push((thread::current().id(), sender.clone()));
        let Some(more) = wait(&receiver) else { return };
        work = more;
    }
}

/// Waits for more work. Returns `None` if no work comes for some time.
fn wait(receiver: &Receiver<Work>) -> Option<Work> {
    if let Ok(work) = receiver.recv_timeout(PATIENCE) {
        return Some(work);
    }
    let this = thread::current().id();
    let mut waiting = waiting();
    let place = waiting.iter().position(|(thread, _)| *thread == this);
    if let Some(place) = place {
        waiting.remove(place);
        return None;
    }
    // Another thread has just removed this thread from the list, and is about to send work.
    drop(waiting);
    receiver.recv().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_that_is_held_up_is_replaced_and_one_that_is_free_is_used_again() {
        let (told, tell) = channel();
        let (free, held) = channel::<()>();
        let first = told.clone();
        run(Box::new(move || {
            first.send(thread::current().id()).unwrap();
            held.recv().ok();
        }))
        .unwrap();
        let held_up = tell.recv().unwrap();
        for _ in 0..3 {
            let told = told.clone();
            run(Box::new(move || told.send(thread::current().id()).unwrap())).unwrap();
            assert_ne!(tell.recv().unwrap(), held_up);
        }
        drop(free);
        while !waiting().iter().any(|(thread, _)| *thread == held_up) {
            thread::yield_now();
        }
    }
}
