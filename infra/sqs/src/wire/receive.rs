//! `ReceiveMessage`: its request, and its messages in the form of the answer.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{name_of, read, sequence_number};
use crate::attributes;
use crate::checksums::{of_attributes, of_body};
use crate::engine::{Engine, Queue};
use crate::error::SqsError;
use crate::message::MessageAttributes;
use crate::receive::Received;

/// A request for messages. If `wait` is more than 0, the server waits for them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReceiveRequest {
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    /// The older name of `message_system_attribute_names`.
    #[serde(default)]
    attribute_names: BTreeSet<String>,
    #[serde(default)]
    message_system_attribute_names: BTreeSet<String>,
    #[serde(default)]
    message_attribute_names: BTreeSet<String>,
}

impl ReceiveRequest {
    pub(crate) fn read(body: &Value) -> Result<Self, SqsError> {
        read(body)
    }

    /// Returns how many seconds to wait for messages.
    pub(crate) fn wait(&self, engine: &Engine) -> Result<u64, SqsError> {
        let queue = self.queue(engine)?;
        let given = self.wait_time_seconds;
        let wait =
            given.unwrap_or_else(|| attributes::number(&queue.attributes, "ReceiveMessageWaitTimeSeconds"));
        let short = u64::try_from(wait).ok().filter(|wait| *wait <= 20);
        short.ok_or_else(|| SqsError::value("WaitTimeSeconds", wait, "Must be >= 0 and <= 20, if provided"))
    }

    /// Receives the messages that are available now.
    pub(crate) fn receive(&self, engine: &mut Engine) -> Result<Option<Value>, SqsError> {
        let queue = self.queue(engine)?;
        let most = self.max_number_of_messages.unwrap_or(1);
        let few = usize::try_from(most).ok().filter(|most| (1..=10).contains(most));
        let few = few.ok_or_else(|| {
            SqsError::value("MaxNumberOfMessages", most, "Must be between 1 and 10, if provided")
        })?;
        let given = self.visibility_timeout;
        let visibility = given.unwrap_or_else(|| attributes::number(&queue.attributes, "VisibilityTimeout"));
        if !(0..=43_200).contains(&visibility) {
            let reason = "Must be >= 0 and <= 43200, if provided";
            return Err(SqsError::value("VisibilityTimeout", visibility, reason));
        }
        let messages = engine.receive(&queue, few, visibility)?;
        let messages: Vec<Value> = messages.iter().map(|message| self.message(message)).collect();
        Ok((!messages.is_empty()).then(|| json!({ "Messages": messages })))
    }

    fn queue(&self, engine: &Engine) -> Result<Queue, SqsError> {
        engine.queue(name_of(&self.queue_url))
    }

    fn message(&self, message: &Received) -> Value {
        let system = [
            ("ApproximateReceiveCount", message.received.to_string()),
            ("ApproximateFirstReceiveTimestamp", message.first_received_at.to_string()),
            ("SentTimestamp", message.sent_at.to_string()),
            ("SenderId", "local".to_owned()),
            ("MessageGroupId", message.group.clone()),
            ("MessageDeduplicationId", message.dedupe_id.clone()),
            ("SequenceNumber", sequence_number(message.sequence)),
        ];
        let more = [
            ("AWSTraceHeader", &message.trace_header),
            ("DeadLetterQueueSourceArn", &message.dead_letter_of),
        ];
        let more = more.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let wanted = |name: &str| {
            let names = [&self.attribute_names, &self.message_system_attribute_names];
            names.iter().any(|names| names.contains("All") || names.contains(name))
        };
        let system: Map<String, Value> = system
            .into_iter()
            .chain(more)
            .filter(|(name, _)| wanted(name))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let own: MessageAttributes = message
            .attributes
            .iter()
            .filter(|(name, _)| asked_for(&self.message_attribute_names, name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut answer = json!({
            "MessageId": message.id,
            "ReceiptHandle": message.receipt.to_string(),
            "Body": message.body,
            "MD5OfBody": of_body(&message.body),
        });
        if !system.is_empty() {
            answer["Attributes"] = system.into();
        }
        if let Some(sum) = of_attributes(&own) {
            answer["MD5OfMessageAttributes"] = sum.into();
            answer["MessageAttributes"] = json!(own);
        }
        answer
    }
}

/// Returns whether the names ask for this name: with `All`, the whole name, or `prefix.*`.
fn asked_for(names: &BTreeSet<String>, name: &str) -> bool {
    names.iter().any(|asked| match asked.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => asked == "All" || asked == name,
    })
}
