//! Code of apps, apart from ours: what goes wrong in it is put into words, and a thread that it blocks is its own.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use crate::error::AppError;
use crate::router::threads;

/// The time that a call has to end after its limit before its thread counts as blocked.
pub(crate) const GRACE: Duration = Duration::from_millis(100);

/// Why a call of an app has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It returned an error, with these words.
    Error(String),
    /// It panicked, with these words.
    Panic(String),
    /// It did not end within its limit.
    Timeout,
    /// It did not end within its limit, and still holds its thread.
    Blocked,
}

/// Runs a call of an app until a moment, on this thread.
pub(crate) async fn guarded<T>(
    call: impl Future<Output = Result<T, AppError>>,
    ends: Instant,
) -> Result<T, Failure> {
    // Putting an error into words is the app's code too.
    let call = async { call.await.map_err(|problem| problem.to_string()) };
    let mut call = Box::pin(AssertUnwindSafe(call).catch_unwind());
    let ended = timeout_at(ends, call.as_mut()).await;
    // So is what happens when the rest of a call is dropped.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(call)));
    match (ended, dropped) {
        (Ok(Ok(Ok(value))), _) => Ok(value),
        (Ok(Ok(Err(problem))), _) => Err(Failure::Error(problem)),
        (Ok(Err(panicked)), _) | (Err(_), Err(panicked)) => Err(Failure::Panic(words_of(panicked.as_ref()))),
        (Err(_), Ok(())) => Err(Failure::Timeout),
    }
}

/// Runs a call of an app within a limit, on a thread of its own if this runtime has more than one.
pub(crate) async fn apart<T: Send + 'static>(
    call: impl Future<Output = Result<T, AppError>> + Send + 'static,
    limit: Duration,
) -> Result<T, Failure> {
    let ends = Instant::now() + limit;
    if !has_threads() {
        return guarded(call, ends).await;
    }
    let (sender, ended) = oneshot::channel();
    let work = async move {
        let _ = sender.send(guarded(call, ends).await);
    };
    if let Err(problem) = on_a_thread(work) {
        return Err(Failure::Error(problem.to_string()));
    }
    tokio::select! {
        ended = ended => ended.unwrap_or_else(|_| Err(Failure::Panic(String::new()))),
        () = sleep_until(ends + GRACE) => Err(Failure::Blocked),
    }
}

/// Whether calls of apps have threads of their own. A runtime of one thread, as tests have it, does everything in turn and
/// in the same order each time.
pub(crate) fn has_threads() -> bool {
    Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread
}

/// Has a thread of its own run this to its end. Timers, sockets and further tasks are those of this runtime.
pub(crate) fn on_a_thread(work: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = Handle::current();
    let work = work.in_current_span().with_current_subscriber();
    threads::run(Box::new(move || {
        // A panic would take the thread with it, and is seen by what the work leaves undone.
        let _ = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    }))
}

/// What a call panicked with.
fn words_of(panicked: &(dyn std::any::Any + Send)) -> String {
    let text = panicked.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panicked.downcast_ref::<String>().cloned()).unwrap_or_default()
}
