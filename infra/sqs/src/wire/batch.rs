//! Several messages in one request: the errors that fail the whole request, and the errors that fail one entry.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::messages::{self, to_send};
use super::{Answer, given, read};
use crate::engine::{Engine, Queue};
use crate::error::SqsError;

/// The most bytes of all messages in a request.
const LONGEST_REQUEST: usize = 1_048_576;

/// The most entries of a request.
const MOST_ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchRequest {
    #[serde(default)]
    entries: Vec<Map<String, Value>>,
}

/// Sends each message. All fail if they are too long together, or if one of them lacks a part that a FIFO queue needs.
pub(super) fn send(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let mut bytes = 0;
    for entry in entries(body)? {
        let message = to_send(&Value::Object(entry))?;
        message.fifo_ids(queue).map_err(|problem| SqsError::invalid(problem.message))?;
        bytes += message.size();
    }
    if bytes > LONGEST_REQUEST {
        return Err(SqsError::long_request(bytes));
    }
    each(engine, queue, body, messages::send)
}

/// Runs one operation for each entry. The answer lists the failed entries and the successful entries separately.
pub(super) fn each(
    engine: &mut Engine,
    queue: &Queue,
    body: &Value,
    one: fn(&mut Engine, &Queue, &Value) -> Answer,
) -> Answer {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries(body)? {
        let id = entry.get("Id").cloned().unwrap_or_default();
        match one(engine, queue, &Value::Object(entry)) {
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

/// Reads the entries of a batch request.
fn entries(body: &Value) -> Result<Vec<Map<String, Value>>, SqsError> {
    let BatchRequest { entries } = read(body)?;
    if entries.is_empty() {
        return Err(SqsError::empty_batch());
    }
    if entries.len() > MOST_ENTRIES {
        return Err(SqsError::long_batch(entries.len()));
    }
    let mut ids = BTreeSet::new();
    for entry in &entries {
        let id = given(entry.get("Id").and_then(Value::as_str), "Id")?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=80).contains(&id.len()) || !id.bytes().all(legal) {
            return Err(SqsError::entry_id());
        }
        if !ids.insert(id) {
            return Err(SqsError::equal_ids(id));
        }
    }
    Ok(entries)
}
