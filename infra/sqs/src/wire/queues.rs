//! The operations on queues.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, read};
use crate::ACCOUNT;
use crate::attributes::{self, Attributes};
use crate::engine::{Engine, Queue, arn};
use crate::error::SqsError;

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
struct AttributesRequest {
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    attributes: Attributes,
}

pub(super) fn create(engine: &mut Engine, body: &Value, base: &str) -> Answer {
    let NameRequest { queue_name, attributes } = read(body)?;
    engine.create_queue(&queue_name, &attributes)?;
    Ok(json!({ "QueueUrl": url(base, &queue_name) }))
}

pub(super) fn url_of(engine: &Engine, body: &Value, base: &str) -> Answer {
    let NameRequest { queue_name, .. } = read(body)?;
    engine.queue(&queue_name)?;
    Ok(json!({ "QueueUrl": url(base, &queue_name) }))
}

/// Lists all queues in one answer, because a machine has few.
pub(super) fn list(engine: &Engine, body: &Value, base: &str) -> Answer {
    let ListRequest { queue_name_prefix } = read(body)?;
    let names = engine.queues(&queue_name_prefix)?;
    Ok(json!({ "QueueUrls": names.iter().map(|name| url(base, name)).collect::<Vec<_>>() }))
}

pub(super) fn delete(engine: &mut Engine, queue: &Queue) -> Answer {
    engine.delete_queue(queue).map(|()| json!({}))
}

pub(super) fn purge(engine: &mut Engine, queue: &Queue) -> Answer {
    engine.purge(queue).map(|()| json!({}))
}

pub(super) fn attributes(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let AttributesRequest { attribute_names: names, .. } = read(body)?;
    let counts = engine.counts(queue)?;
    let mut all = attributes::all(&queue.attributes);
    let more = [
        ("QueueArn", arn(&queue.name)),
        ("CreatedTimestamp", (queue.created_at / 1000).to_string()),
        ("LastModifiedTimestamp", (queue.modified_at / 1000).to_string()),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
    ];
    all.extend(more.map(|(name, value)| (name.to_owned(), value)));
    // The answer leaves out attributes that a queue can have but that this queue does not have.
    let known = |name: &str| name == "All" || all.contains_key(name) || attributes::is_known(name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(SqsError::attribute_name(unknown));
    }
    all.retain(|name, _| names.iter().any(|asked| asked == "All" || asked == name));
    Ok(if all.is_empty() { json!({}) } else { json!({ "Attributes": all }) })
}

pub(super) fn set_attributes(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let AttributesRequest { attributes, .. } = read(body)?;
    engine.set_attributes(&queue.name, &attributes).map(|()| json!({}))
}

fn url(base: &str, name: &str) -> String {
    format!("{base}/{ACCOUNT}/{name}")
}
