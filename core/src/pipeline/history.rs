//! The history of messages: written beside the way of a message, which it never holds up.

use futures_util::future::join_all;
use tracing::warn;

use crate::project::Project;
use crate::store::HistoryRow;

/// History is for people to read: where it cannot be written, the message goes its way all the same.
pub(crate) async fn write_history(project: &Project, rows: Vec<HistoryRow>) {
    for problem in join_all(rows.iter().map(|row| project.ports.store.record(row))).await {
        if let Err(problem) = problem {
            warn!(outcome = "history_lost", error = %problem, "a row of history was not written");
        }
    }
}
