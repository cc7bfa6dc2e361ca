//! Writes logs as JSON lines with fixed field names, for CloudWatch Logs.

use std::panic;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Starts the log on standard output, as JSON lines. `filter` gives the lowest level: `info`, or
/// `info,threadless=debug`.
///
/// The log also contains panics, which would otherwise go to standard error as separate lines. An invalid filter counts
/// as `info`. Call this function once.
pub fn start_logging(filter: &str) {
    let _ = tracing::subscriber::set_global_default(json_logs(filter, std::io::stdout));
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, outcome = "panicked", "a task panicked");
    }));
}

/// Returns the same log as [`start_logging`], written to another place.
///
/// Each line has `timestamp`, `level` and `message`. A line also has those of these fields that apply: `backend`,
/// `message_id`, `identity` (masked), `app`, `phase`, `outcome`, `error`. At `info` and higher levels, no line contains
/// the text of a message or a complete phone number of a person.
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
