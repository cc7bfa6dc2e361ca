//! Logs as JSON lines with fixed field names, for `CloudWatch` Logs.

use std::panic;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Has everything logged as JSON on standard output, from `filter` up: `info`, or `info,threadless=debug`.
///
/// Panics are logged too, instead of being written to standard error in lines of their own. An invalid filter
/// counts as `info`. Call it once.
pub fn start_logging(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_span_events(FmtSpan::NONE)
        .with_target(false)
        .with_env_filter(filter)
        .try_init();
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, outcome = "panicked", "a panic, caught where its task ends");
    }));
}
