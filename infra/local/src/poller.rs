//! The queue poller. It does the work of Lambda's event source mapping for the responder: it takes batches from the
//! queue, invokes the function with each batch, and deletes the finished messages. The other messages come back after
//! their visibility time-out.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use serde::Deserialize;
use serde_json::{Value, json};
use threadless::lambda::{Function, Host};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::invocation;

/// The number of batches that are worked off at the same time.
const AT_ONCE: usize = 10;

/// The queue, and the Lambda function that works it off.
pub(crate) struct Poller {
    pub(crate) client: Client,
    pub(crate) queue_url: String,
    pub(crate) batch_size: i32,
    pub(crate) function: Function,
    pub(crate) timeout: Duration,
    pub(crate) host: Host,
    /// The invocations that are running.
    pub(crate) running: TaskTracker,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchResult {
    #[serde(default)]
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

/// Works off the queue until this future is dropped. Running batches then go on.
pub(crate) async fn run(poller: Arc<Poller>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match poller.receive().await {
            Ok(messages) if messages.is_empty() => {}
            Ok(messages) => {
                let poller = Arc::clone(&poller);
                let running = poller.running.clone();
                running.spawn(async move {
                    poller.work_off(messages).await;
                    drop(permit);
                });
            }
            Err(problem) => {
                tracing::warn!(error = %problem, "the queue is not available");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

impl Poller {
    async fn receive(&self) -> Result<Vec<Message>, String> {
        let call = self.client.receive_message().queue_url(&self.queue_url);
        let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
        let call = call.max_number_of_messages(self.batch_size).wait_time_seconds(20);
        let output = call.send().await.map_err(|problem| format!("{problem:?}"))?;
        Ok(output.messages.unwrap_or_default())
    }

    async fn work_off(&self, messages: Vec<Message>) {
        let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() }).to_string();
        let result = invocation::invoke(self.function, &self.host, &event, self.timeout).await;
        let failed: HashSet<String> = match result.map(|result| serde_json::from_str::<BatchResult>(&result))
        {
            Ok(Ok(result)) => {
                result.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
            }
            // A result that cannot be read fails the whole batch, like an error or a time-out of the function.
            Ok(Err(problem)) => {
                return tracing::error!(error = %problem, "the result of the responder is not valid");
            }
            Err(problem) => return tracing::error!(error = %problem, "the responder failed"),
        };
        let done =
            messages.iter().filter(|message| !failed.contains(message.message_id().unwrap_or_default()));
        let entries: Vec<_> = done
            .enumerate()
            .filter_map(|(at, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(at.to_string());
                entry.receipt_handle(message.receipt_handle()?).build().ok()
            })
            .collect();
        if entries.is_empty() {
            return;
        }
        let call = self.client.delete_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
        if let Err(problem) = call.send().await {
            tracing::warn!(error = ?problem, "the finished messages were not deleted, and come again");
        }
    }
}

/// Converts one message to its record in the event.
fn record(message: &Message) -> Value {
    let attributes = message.attributes().into_iter().flatten();
    let attributes: serde_json::Map<String, Value> =
        attributes.map(|(name, value)| (name.as_str().to_owned(), value.as_str().into())).collect();
    json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:threadless.fifo",
        "awsRegion": "us-east-1",
    })
}
