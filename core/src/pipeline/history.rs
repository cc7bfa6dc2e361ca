//! Writing the history of messages. The write runs beside the delivery of a message and never delays it.

use futures_util::future::join_all;
use tracing::warn;

use crate::project::Project;
use crate::store::HistoryRow;

/// Writes rows of history. The history is for people to read, so a failed write does not stop the message.
pub(crate) async fn write_history(project: &Project, rows: Vec<HistoryRow>) {
    for problem in join_all(rows.iter().map(|row| project.ports.store.record(row))).await {
        if let Err(problem) = problem {
            warn!(
                outcome = "history_not_written",
                error = %problem,
                "a row of the history could not be written"
            );
        }
    }
}
