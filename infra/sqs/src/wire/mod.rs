//! The operations of the JSON 1.0 protocol: requests in, answers out.

mod batch;
mod messages;
mod queues;
mod receive;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::engine::{Engine, Queue};
use super::error::SqsError;

pub(super) use receive::ReceiveRequest;

type Answer = Result<Value, SqsError>;

/// Answers one operation. The server handles `ReceiveMessage`, because the server can wait.
pub(super) fn answer(engine: &mut Engine, operation: &str, body: &Value, base: &str) -> Answer {
    match operation {
        "CreateQueue" => queues::create(engine, body, base),
        "GetQueueUrl" => queues::url_of(engine, body, base),
        "ListQueues" => queues::list(engine, body, base),
        "DeleteQueue" => queues::delete(engine, &queue_of(engine, body)?),
        "PurgeQueue" => queues::purge(engine, &queue_of(engine, body)?),
        "GetQueueAttributes" => queues::attributes(engine, &queue_of(engine, body)?, body),
        "SetQueueAttributes" => queues::set_attributes(engine, &queue_of(engine, body)?, body),
        "SendMessage" => messages::send(engine, &queue_of(engine, body)?, body),
        "SendMessageBatch" => batch::send(engine, &queue_of(engine, body)?, body),
        "DeleteMessage" => messages::delete(engine, &queue_of(engine, body)?, body),
        "DeleteMessageBatch" => batch::each(engine, &queue_of(engine, body)?, body, messages::delete),
        "ChangeMessageVisibility" => messages::change_visibility(engine, &queue_of(engine, body)?, body),
        "ChangeMessageVisibilityBatch" => {
            batch::each(engine, &queue_of(engine, body)?, body, messages::change_visibility)
        }
        other => Err(SqsError::unsupported(other)),
    }
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, SqsError> {
    T::deserialize(body).map_err(|problem| {
        let text = problem.to_string();
        match text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(field) => SqsError::missing(field),
            None => SqsError::malformed(text),
        }
    })
}

/// Returns the value of a parameter, or an error if it is missing.
fn given<T>(value: Option<T>, parameter: &str) -> Result<T, SqsError> {
    value.ok_or_else(|| SqsError::missing(parameter))
}

fn queue_of(engine: &Engine, body: &Value) -> Result<Queue, SqsError> {
    let url = given(body.get("QueueUrl").and_then(Value::as_str), "QueueUrl")?;
    engine.queue(name_of(url))
}

/// Returns the name of a queue. A queue's URL ends in its name; SDKs may send the name alone.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

/// Formats a sequence number with twenty digits, so that texts sort in the same order as numbers.
fn sequence_number(sequence: i64) -> String {
    format!("{sequence:020}")
}
