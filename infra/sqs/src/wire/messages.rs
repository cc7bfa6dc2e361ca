//! The operations on one message. A batch consists of several of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, given, read, sequence_number};
use crate::checksums::{of_attributes, of_body};
use crate::engine::{Engine, Queue};
use crate::error::SqsError;
use crate::message::{MessageAttribute, MessageAttributes, NewMessage};
use crate::send::Sent;

/// The only system attribute that a sender may give.
const TRACE_HEADER: &str = "AWSTraceHeader";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendRequest {
    message_body: Option<String>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: MessageAttributes,
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

/// Reads the message that a request asks to send.
pub(super) fn to_send(body: &Value) -> Result<NewMessage, SqsError> {
    let mut request: SendRequest = read(body)?;
    let trace_header = request.message_system_attributes.remove(TRACE_HEADER);
    if let Some(name) = request.message_system_attributes.keys().next() {
        return Err(SqsError::invalid(format!("Message system attribute name '{name}' is invalid.")));
    }
    Ok(NewMessage {
        body: given(request.message_body, "MessageBody")?,
        attributes: request.message_attributes,
        trace_header: trace_header.and_then(|attribute| attribute.string_value),
        group: request.message_group_id,
        dedupe_id: request.message_deduplication_id,
        delay: request.delay_seconds,
    })
}

pub(super) fn send(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let message = to_send(body)?;
    let Sent { id, sequence } = engine.send(queue, &message)?;
    // The sums are of this request's message, even if the queue knows the message already.
    let mut answer = json!({
        "MessageId": id,
        "MD5OfMessageBody": of_body(&message.body),
        "SequenceNumber": sequence_number(sequence),
    });
    if let Some(sum) = of_attributes(&message.attributes) {
        answer["MD5OfMessageAttributes"] = sum.into();
    }
    let header = message.trace_header.map(|header| {
        let data_type = "String".to_owned();
        let value = MessageAttribute { data_type, string_value: Some(header), binary_value: None };
        (TRACE_HEADER.to_owned(), value)
    });
    if let Some(sum) = of_attributes(&BTreeMap::from_iter(header)) {
        answer["MD5OfMessageSystemAttributes"] = sum.into();
    }
    Ok(answer)
}

pub(super) fn delete(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let request: HandleRequest = read(body)?;
    let handle = given(request.receipt_handle, "ReceiptHandle")?;
    engine.delete(queue, &handle).map(|()| json!({}))
}

pub(super) fn change_visibility(engine: &mut Engine, queue: &Queue, body: &Value) -> Answer {
    let request: HandleRequest = read(body)?;
    let handle = given(request.receipt_handle, "ReceiptHandle")?;
    let seconds = given(request.visibility_timeout, "VisibilityTimeout")?;
    engine.change_visibility(queue, &handle, seconds).map(|()| json!({}))
}
