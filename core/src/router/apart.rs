//! Isolation of app code: an error or a panic of an app becomes a value with a text, and an app can block only its own
//! thread.

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

/// The time that a call still has after its limit, before its thread counts as blocked.
pub(crate) const GRACE: Duration = Duration::from_millis(100);

/// The reason why the call of an app has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The call returned an error with this text.
    Error(String),
    /// The call panicked with this text.
    Panic(String),
    /// The call did not end within its limit.
    Timeout,
    /// The call did not end within its limit, and still holds its thread.
    Blocked,
}

/// Runs a call of an app on this thread, until `ends` at the latest.
pub(crate) async fn guarded<T>(
    call: impl Future<Output = Result<T, AppError>>,
    ends: Instant,
) -> Result<T, Failure> {
    // `to_string` of an error is app code, too, so it runs inside the guarded call.
    let call = async { call.await.map_err(|problem| problem.to_string()) };
    let mut call = Box::pin(AssertUnwindSafe(call).catch_unwind());
    let ended = timeout_at(ends, call.as_mut()).await;
    // Dropping the rest of a call also runs app code, which can panic.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(call)));
    match (ended, dropped) {
        (Ok(Ok(Ok(value))), _) => Ok(value),
        (Ok(Ok(Err(problem))), _) => Err(Failure::Error(problem)),
        (Ok(Err(panicked)), _) | (Err(_), Err(panicked)) => Err(Failure::Panic(words_of(panicked.as_ref()))),
        (Err(_), Ok(())) => Err(Failure::Timeout),
    }
}

/// Runs a call of an app within a limit. The call gets a thread of its own if this runtime has more than one thread.
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

/// Returns whether calls of apps get threads of their own. A runtime with one thread, as in tests, runs everything one
/// after the other, in the same order each time.
pub(crate) fn has_threads() -> bool {
    Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread
}

/// Runs this work to its end on a thread of its own. Timers, sockets and further tasks belong to this runtime.
pub(crate) fn on_a_thread(work: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = Handle::current();
    let work = work.in_current_span().with_current_subscriber();
    threads::run(Box::new(move || {
        // A panic would end the thread. The caller notices it, because the work does not finish.
        let _ = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    }))
}

/// Returns the text of a panic.
fn words_of(panicked: &(dyn std::any::Any + Send)) -> String {
    let text = panicked.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panicked.downcast_ref::<String>().cloned()).unwrap_or_default()
}
