//! The queue on SQS: one FIFO queue, with deduplication and throughput per message group.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::{Queue, QueueError, Ticket};
use crate::aws::{Access, CallError, sdk_config, sort};

/// A [`Queue`] on one SQS FIFO queue.
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue at `url`. Makes no call.
    pub fn new(access: &Access, http: SharedHttpClient, url: impl Into<String>) -> Self {
        let config = sdk_config!(aws_sdk_sqs, access, http);
        Self { client: Client::from_conf(config), url: url.into() }
    }

    /// Has a message that was handed out wait so long before it is handed out again.
    pub async fn postpone(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
        let seconds = i32::try_from(wait.as_secs()).unwrap_or(i32::MAX);
        let call = self.client.change_message_visibility().queue_url(&self.url);
        let call = call.receipt_handle(receipt_handle).visibility_timeout(seconds);
        call.send().await.map_err(|error| sort("ChangeMessageVisibility", &error))?;
        Ok(())
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
        call.send().await.map_err(|error| sort("SendMessage", &error))?;
        Ok(())
    }
}
