//! Converts a batch from SQS to records for the responder, and the failed records to batch item failures.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{Host, InvokeError};
use crate::util::clock::Deadline;
use crate::worker::{self, Failure, Record};

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    #[serde(default)]
    receipt_handle: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    attributes: HashMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchResult<'a> {
    batch_item_failures: Vec<ItemFailure<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure<'a> {
    item_identifier: &'a str,
}

/// The time that is reserved to postpone failed records.
const POSTPONE_TIME: Duration = Duration::from_secs(1);

/// Processes a batch, and ends before `end`.
pub(super) async fn invoke(host: &Host, event: &str, end: Deadline) -> Result<String, InvokeError> {
    let event: Event =
        serde_json::from_str(event).map_err(|problem| InvokeError::Event(problem.to_string()))?;
    let mut handles = HashMap::new();
    let mut records = Vec::new();
    for message in event.records {
        let count = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
        let sent_at = message.attributes.get("SentTimestamp").and_then(|at| at.parse().ok());
        records.push(Record {
            id: message.message_id.clone(),
            group: message.attributes.get("MessageGroupId").cloned(),
            body: message.body,
            receive_count: count.unwrap_or(1),
            sent_at: sent_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
        });
        handles.insert(message.message_id, message.receipt_handle);
    }
    let count = records.len();
    let failures = worker::respond(&host.project, records, end.less(POSTPONE_TIME)).await;
    info!(records = count, failures = failures.len(), outcome = "processed", "batch");
    // Lambda must learn which records failed. It is less important when these records come again.
    if timeout(end.remaining() / 2, postpone(host, &handles, &failures)).await.is_err() {
        warn!(outcome = "not_postponed", "the failed records come again after their visibility time-out");
    }
    let failures = failures.iter().map(|failure| ItemFailure { item_identifier: &failure.id });
    serde_json::to_string(&BatchResult { batch_item_failures: failures.collect() })
        .map_err(|problem| InvokeError::Event(problem.to_string()))
}

/// Shortens the wait of failed records. Without this call, a failed record would wait for the whole visibility time-out
/// of the queue.
async fn postpone(host: &Host, handles: &HashMap<String, String>, failures: &[Failure]) {
    let Some(queue) = &host.queue else { return };
    let postpone = |failure: &Failure| {
        let handle = handles.get(&failure.id).cloned().unwrap_or_default();
        let wait = failure.retry_after;
        async move { queue.postpone(&handle, wait).await }
    };
    for postponed in join_all(failures.iter().map(postpone)).await {
        if let Err(problem) = postponed {
            warn!(
                outcome = "not_postponed",
                error = %problem,
                "the failed record comes again after its visibility time-out"
            );
        }
    }
}
