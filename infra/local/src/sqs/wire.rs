//! The operations as the JSON 1.0 protocol has them: requests in, answers out.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::attributes::{self, Attributes};
use super::checksums::{MessageAttributes, of_attributes, of_body};
use super::engine::{Engine, Queue, Send, Sent, arn, size};
use super::error::SqsError;
use super::receive::Received;

type Answer = Result<Value, SqsError>;

/// The most bytes of a request's messages.
const LONGEST_REQUEST: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueRequest {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NameRequest {
    queue_name: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    #[serde(default)]
    queue_name_prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendRequest {
    message_body: Option<String>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    delay_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HandleRequest {
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchRequest {
    #[serde(default)]
    entries: Vec<Map<String, Value>>,
}

/// A request for messages. The server waits for them where `wait` says so.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveRequest {
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    attribute_names: BTreeSet<String>,
    #[serde(default)]
    message_system_attribute_names: BTreeSet<String>,
    #[serde(default)]
    message_attribute_names: BTreeSet<String>,
}

/// Answers one operation. `ReceiveMessage` is the server's, which can wait.
pub(super) fn answer(engine: &mut Engine, operation: &str, body: &Value, base: &str) -> Answer {
    match operation {
        "CreateQueue" => {
            let NameRequest { queue_name, attributes } = read(body)?;
            engine.create_queue(&queue_name, &attributes)?;
            Ok(json!({ "QueueUrl": url(base, &queue_name) }))
        }
        "GetQueueUrl" => {
            let NameRequest { queue_name, .. } = read(body)?;
            engine.queue(&queue_name)?;
            Ok(json!({ "QueueUrl": url(base, &queue_name) }))
        }
        "ListQueues" => {
            let ListRequest { queue_name_prefix } = read(body)?;
            let names = engine.queues(&queue_name_prefix)?;
            Ok(json!({ "QueueUrls": names.iter().map(|name| url(base, name)).collect::<Vec<_>>() }))
        }
        "DeleteQueue" => engine.delete_queue(&queue_of(engine, body)?.name).map(|()| json!({})),
        "PurgeQueue" => engine.purge(&queue_of(engine, body)?.name).map(|()| json!({})),
        "GetQueueAttributes" => queue_attributes(engine, body),
        "SetQueueAttributes" => {
            let request: QueueRequest = read(body)?;
            engine.set_attributes(name_of(&request.queue_url), &request.attributes).map(|()| json!({}))
        }
        "SendMessage" => send(engine, &queue_of(engine, body)?, body),
        "SendMessageBatch" => send_batch(engine, body),
        "DeleteMessage" => delete(engine, &queue_of(engine, body)?, body),
        "DeleteMessageBatch" => batch(engine, body, delete),
        "ChangeMessageVisibility" => change_visibility(engine, &queue_of(engine, body)?, body),
        "ChangeMessageVisibilityBatch" => batch(engine, body, change_visibility),
        other => Err(SqsError::unsupported(other)),
    }
}

impl ReceiveRequest {
    pub(super) fn read(body: &Value) -> Result<Self, SqsError> {
        read(body)
    }

    /// How many seconds to wait for messages.
    pub(super) fn wait(&self, engine: &Engine) -> Result<i64, SqsError> {
        let queue = engine.queue(name_of(&self.queue_url))?;
        let given = self.wait_time_seconds;
        let wait =
            given.unwrap_or_else(|| attributes::number(&queue.attributes, "ReceiveMessageWaitTimeSeconds"));
        in_range("WaitTimeSeconds", wait, 0, 20)
    }

    /// What there is to receive now.
    pub(super) fn receive(&self, engine: &mut Engine) -> Result<Option<Value>, SqsError> {
        let queue = engine.queue(name_of(&self.queue_url))?;
        let most = in_range("MaxNumberOfMessages", self.max_number_of_messages.unwrap_or(1), 1, 10)?;
        let given = self.visibility_timeout;
        let visibility = given.unwrap_or_else(|| attributes::number(&queue.attributes, "VisibilityTimeout"));
        let visibility = in_range("VisibilityTimeout", visibility, 0, 43_200)?;
        let messages = engine.receive(&queue, most, visibility)?;
        let messages: Vec<Value> = messages.iter().map(|message| self.message(message)).collect();
        Ok((!messages.is_empty()).then(|| json!({ "Messages": messages })))
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
        let wanted = |name: &str| {
            let names = [&self.attribute_names, &self.message_system_attribute_names];
            names.iter().any(|names| names.contains("All") || names.contains(name))
        };
        let system: Map<String, Value> = system
            .into_iter()
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
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "MD5OfBody": of_body(&message.body),
            "Attributes": system,
        });
        if let Some(sum) = of_attributes(&own) {
            answer["MD5OfMessageAttributes"] = sum.into();
            answer["MessageAttributes"] = json!(own);
        }
        answer
    }
}

/// `All`, a whole name, or `prefix.*`.
fn asked_for(names: &BTreeSet<String>, name: &str) -> bool {
    names.iter().any(|asked| match asked.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => asked == "All" || asked == name,
    })
}

fn queue_attributes(engine: &Engine, body: &Value) -> Answer {
    let request: QueueRequest = read(body)?;
    let queue = engine.queue(name_of(&request.queue_url))?;
    let counts = engine.counts(&queue.name)?;
    let mut all = attributes::all(&queue.attributes);
    let more = [
        ("QueueArn", arn(&queue.name)),
        ("CreatedTimestamp", (queue.created_at / 1000).to_string()),
        ("LastModifiedTimestamp", (queue.created_at / 1000).to_string()),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
    ];
    all.extend(more.map(|(name, value)| (name.to_owned(), value)));
    let names = &request.attribute_names;
    if let Some(unknown) = names.iter().find(|name| *name != "All" && !all.contains_key(*name)) {
        // Attributes that a queue can have but this one has not are left out of the answer.
        attributes::check(&Attributes::from([(unknown.clone(), String::new())]))
            .or_else(|problem| if problem.shape == "InvalidAttributeName" { Err(problem) } else { Ok(()) })?;
    }
    all.retain(|name, _| names.iter().any(|asked| asked == "All" || asked == name));
    Ok(if all.is_empty() { json!({}) } else { json!({ "Attributes": all }) })
}

fn to_send(body: &Value) -> Result<Send, SqsError> {
    let request: SendRequest = read(body)?;
    Ok(Send {
        body: request.message_body.ok_or_else(|| SqsError::missing("MessageBody"))?,
        attributes: request.message_attributes,
        group: request.message_group_id,
        dedupe_id: request.message_deduplication_id,
        delay: request.delay_seconds,
    })
}

fn send(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let message = to_send(body)?;
    let sums = (of_body(&message.body), of_attributes(&message.attributes));
    let Sent { id, sequence } = engine.send(queue, &message)?;
    let mut answer = json!({
        "MessageId": id,
        "MD5OfMessageBody": sums.0,
        "SequenceNumber": sequence_number(sequence),
    });
    if let Some(sum) = sums.1 {
        answer["MD5OfMessageAttributes"] = sum.into();
    }
    Ok(answer)
}

fn send_batch(engine: &mut Engine, body: &Value) -> Answer {
    let request: BatchRequest = read(body)?;
    let messages = request.entries.iter().map(|entry| to_send(&Value::Object(entry.clone())));
    let bytes: usize = messages.flatten().map(|message| size(&message)).sum();
    if bytes > LONGEST_REQUEST {
        return Err(SqsError::long_request(bytes));
    }
    batch(engine, body, send)
}

fn delete(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let request: HandleRequest = read(body)?;
    let handle = request.receipt_handle.ok_or_else(|| SqsError::missing("ReceiptHandle"))?;
    engine.delete(queue, &handle).map(|()| json!({}))
}

fn change_visibility(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let request: HandleRequest = read(body)?;
    let handle = request.receipt_handle.ok_or_else(|| SqsError::missing("ReceiptHandle"))?;
    let seconds = request.visibility_timeout.ok_or_else(|| SqsError::missing("VisibilityTimeout"))?;
    engine.change_visibility(queue, &handle, seconds).map(|()| json!({}))
}

/// Does one operation for each entry; those that fail are told apart from those that did not.
fn batch(engine: &mut Engine, body: &Value, one: fn(&mut Engine, &Queue, &Value) -> Answer) -> Answer {
    let queue = queue_of(engine, body)?;
    let request: BatchRequest = read(body)?;
    if request.entries.is_empty() {
        return Err(SqsError::empty_batch());
    }
    if request.entries.len() > 10 {
        return Err(SqsError::long_batch(request.entries.len()));
    }
    let mut ids = BTreeSet::new();
    for entry in &request.entries {
        let id = entry.get("Id").and_then(Value::as_str).ok_or_else(|| SqsError::missing("Id"))?;
        if !ids.insert(id.to_owned()) {
            return Err(SqsError::equal_ids(id));
        }
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in request.entries {
        let id = entry.get("Id").cloned().unwrap_or_default();
        match one(engine, &queue, &Value::Object(entry)) {
            Ok(mut done) => {
                done["Id"] = id;
                successful.push(done);
            }
            Err(problem) => failed.push(json!({
                "Id": id,
                "Code": problem.code,
                "Message": problem.message,
                "SenderFault": !problem.ours,
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, SqsError> {
    T::deserialize(body).map_err(|problem| {
        let text = problem.to_string();
        match text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(field) => SqsError::missing(field),
            None => SqsError::value("the request", text),
        }
    })
}

fn in_range(parameter: &str, value: i64, least: i64, most: i64) -> Result<i64, SqsError> {
    let reason = || format!("Must be >= {least} and <= {most}, if provided");
    if (least..=most).contains(&value) { Ok(value) } else { Err(SqsError::value(parameter, reason())) }
}

fn queue_of(engine: &Engine, body: &Value) -> Result<Queue, SqsError> {
    let url = body.get("QueueUrl").and_then(Value::as_str).ok_or_else(|| SqsError::missing("QueueUrl"))?;
    engine.queue(name_of(url))
}

/// A queue's URL ends in its name; SDKs may send the name alone.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

fn url(base: &str, name: &str) -> String {
    format!("{base}/{}/{name}", super::ACCOUNT)
}

/// Twenty digits, so that numbers compare as texts do.
fn sequence_number(sequence: i64) -> String {
    format!("{sequence:020}")
}
