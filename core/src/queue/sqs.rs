//! The queue on SQS: one FIFO queue, with deduplication and throughput per message group.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::time::sleep;

use super::{Queue, QueueError, Ticket};
use crate::aws::{Access, CallError, classify, sdk_config};
use crate::util::random;

/// A [`Queue`] on one SQS FIFO queue.
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// Makes the queue at `url`. Makes no call.
    pub fn new(access: &Access, http: SharedHttpClient, url: impl Into<String>) -> Self {
        let config = sdk_config!(aws_sdk_sqs, access, http);
        Self { client: Client::from_conf(config), url: url.into() }
    }

    /// Makes a message that was handed out wait for this time before it is handed out again.
    pub async fn postpone(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
        let seconds = i32::try_from(wait.as_secs()).unwrap_or(i32::MAX);
        let call = self.client.change_message_visibility().queue_url(&self.url);
        let call = call.receipt_handle(receipt_handle).visibility_timeout(seconds);
        call.send().await.map_err(|error| classify("ChangeMessageVisibility", &error))?;
        Ok(())
    }
}

/// The maximum number of jobs in one call.
const BATCH: usize = 10;

/// The maximum number of bytes in one call. SQS takes a mebibyte, but for a long time its emulators took only a quarter
/// of that.
const BATCH_BYTES: usize = 262_144;

/// The number of times that the rest of a call is tried.
const BATCH_TRIES: u32 = 3;

/// Divides the tickets into entries for calls. Each call is as large as it may be.
fn batches(tickets: Vec<Ticket>) -> Vec<Vec<BatchEntry>> {
    let mut batches: Vec<Vec<BatchEntry>> = Vec::new();
    let mut bytes = 0;
    for Ticket { job, group, dedupe_id } in tickets {
        let body = job.to_json();
        match batches.last_mut() {
            Some(last) if last.len() < BATCH && bytes + body.len() <= BATCH_BYTES => {
                bytes += body.len();
                last.push(BatchEntry { body, group, dedupe_id });
            }
            _ => {
                bytes = body.len();
                batches.push(vec![BatchEntry { body, group, dedupe_id }]);
            }
        }
    }
    batches
}

/// A ticket in the form of a call.
struct BatchEntry {
    body: String,
    group: String,
    dedupe_id: String,
}

impl SqsQueue {
    /// Sends a batch, and returns the entries that were not taken and may be taken later.
    async fn send_batch(&self, entries: Vec<BatchEntry>) -> Result<Vec<BatchEntry>, QueueError> {
        let mut call = self.client.send_message_batch().queue_url(&self.url);
        for (at, BatchEntry { body, group, dedupe_id }) in entries.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body);
            let entry = entry.message_group_id(group).message_deduplication_id(dedupe_id).build();
            call = call.entries(entry.map_err(|problem| QueueError::Refused(problem.to_string()))?);
        }
        let output = call.send().await.map_err(|error| classify("SendMessageBatch", &error))?;
        let failed = output.failed();
        if let Some(refused) = failed.iter().find(|failed| failed.sender_fault()) {
            let (code, message) = (refused.code(), refused.message().unwrap_or("no message"));
            return Err(QueueError::Refused(format!("SendMessageBatch: {code}: {message}")));
        }
        // The rest begins at the first entry that was not taken, so that each group stays in order. The queue knows the
        // later entries that it took by their deduplication ids.
        let first = failed.iter().filter_map(|failed| failed.id().parse::<usize>().ok()).min();
        Ok(first.map(|first| entries.into_iter().skip(first).collect()).unwrap_or_default())
    }
}

impl From<CallError> for QueueError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable(problem) => Self::Unavailable(problem),
            CallError::Refused(problem) => Self::Refused(problem),
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError> {
        let call = self.client.send_message().queue_url(&self.url).message_body(ticket.job.to_json());
        let call = call.message_group_id(ticket.group).message_deduplication_id(ticket.dedupe_id);
        call.send().await.map_err(|error| classify("SendMessage", &error))?;
        Ok(())
    }

    /// Sends one batch after the other. The rest of a batch goes with the next try of the same batch.
    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError> {
        for batch in batches(tickets) {
            let mut left = batch;
            for tries_left in (0..BATCH_TRIES).rev() {
                left = self.send_batch(left).await?;
                if left.is_empty() {
                    break;
                }
                if tries_left == 0 {
                    let problem = format!("SendMessageBatch: {} jobs were not accepted", left.len());
                    return Err(QueueError::Unavailable(problem));
                }
                sleep(random::up_to(Duration::from_millis(100))).await;
            }
        }
        Ok(())
    }

    /// The count of SQS is approximate and some seconds late.
    async fn waiting(&self) -> Result<Option<usize>, QueueError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        let output = call.send().await.map_err(|error| classify("GetQueueAttributes", &error))?;
        let count = output.attributes().and_then(|attributes| attributes.get(&name));
        Ok(count.and_then(|count| count.parse().ok()))
    }
}
