//! Logs as JSON lines with fixed field names, for CloudWatch Logs.

use std::panic;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Has everything logged as JSON on standard output, from `filter` up: `info`, or `info,threadless=debug`.
///
/// Panics are logged too, instead of being written to standard error in lines of their own. An invalid filter
/// counts as `info`. Call it once.
pub fn start_logging(filter: &str) {
    let _ = tracing::subscriber::set_global_default(json_logs(filter, std::io::stdout));
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, outcome = "panicked", "a panic, caught where its task ends");
    }));
}

/// The logs as [`start_logging`] has them, written to another place.
///
/// Each line has `timestamp`, `level`, `message` and, where they make sense, `backend`, `message_id`, `identity`
/// (masked), `app`, `phase`, `outcome`, `error`. From `info` up no line holds a message's text or a whole number of a
/// person.
pub fn json_logs<W>(filter: &str, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}
