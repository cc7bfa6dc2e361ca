//! A message before it is sent: its parts, and the rules of SQS for them.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::attributes;
use super::engine::Queue;
use super::error::SqsError;

/// The most attributes of one message.
const MOST_ATTRIBUTES: usize = 10;

/// A message to send.
#[derive(Debug, Default)]
pub(super) struct NewMessage {
    pub(super) body: String,
    pub(super) attributes: MessageAttributes,
    /// The trace header of X-Ray. It is the only system attribute that a sender may give.
    pub(super) trace_header: Option<String>,
    pub(super) group: Option<String>,
    pub(super) dedupe_id: Option<String>,
    /// The delay in seconds. A FIFO queue accepts none.
    pub(super) delay: Option<i64>,
}

/// One message attribute, in the form of the protocol. A binary value is in Base64.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MessageAttribute {
    pub(super) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) string_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) binary_value: Option<String>,
}

/// The attributes of a message, by name.
pub(super) type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// The group and the deduplication id of a message.
pub(super) struct FifoIds {
    pub(super) group: String,
    pub(super) dedupe_id: String,
}

impl MessageAttribute {
    /// Returns the bytes of the value: the bytes of the text, or the bytes that the Base64 stands for.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        match &self.binary_value {
            Some(base64) => BASE64_STANDARD.decode(base64).ok(),
            None => self.string_value.clone().map(String::into_bytes),
        }
    }
}

impl NewMessage {
    /// Returns the size that counts against the limit, in bytes: the body, and the attributes with their names and
    /// types.
    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, attribute)| {
            name.len() + attribute.data_type.len() + attribute.bytes().map_or(0, |bytes| bytes.len())
        });
        self.body.len() + attributes.sum::<usize>()
    }

    /// Returns the group and the deduplication id of this message in `queue`. If one message lacks them, the whole
    /// batch fails.
    pub(super) fn fifo_ids(&self, queue: &Queue) -> Result<FifoIds, SqsError> {
        let group = self.group.clone().ok_or_else(|| SqsError::missing("MessageGroupId"))?;
        check_id("MessageGroupId", &group)?;
        let by_content = attributes::is(&queue.attributes, "ContentBasedDeduplication", "true");
        let dedupe_id = match &self.dedupe_id {
            Some(id) => id.clone(),
            None if by_content => format!("{:x}", Sha256::digest(&self.body)),
            None => {
                return Err(SqsError::invalid(
                    "The queue should either have ContentBasedDeduplication enabled or \
                     MessageDeduplicationId provided explicitly",
                ));
            }
        };
        check_id("MessageDeduplicationId", &dedupe_id)?;
        Ok(FifoIds { group, dedupe_id })
    }

    /// Checks the other parts of the message. If this check fails for one message of a batch, only this message fails.
    pub(super) fn check(&self, queue: &Queue) -> Result<(), SqsError> {
        if let Some(seconds) = self.delay.filter(|seconds| *seconds != 0) {
            let reason = "The request include parameter that is not valid for this queue type";
            return Err(SqsError::value("DelaySeconds", seconds, reason));
        }
        if self.body.is_empty() {
            return Err(SqsError::missing("MessageBody"));
        }
        check_characters(&self.body)?;
        let most = attributes::number(&queue.attributes, "MaximumMessageSize");
        if i64::try_from(self.size()).unwrap_or(i64::MAX) > most {
            let reason = format!("Message must be shorter than {most} bytes.");
            return Err(SqsError::invalid(format!("One or more parameters are invalid. Reason: {reason}")));
        }
        if self.attributes.len() > MOST_ATTRIBUTES {
            return Err(SqsError::invalid(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{MOST_ATTRIBUTES}].",
                self.attributes.len()
            )));
        }
        self.attributes.iter().try_for_each(|(name, attribute)| check_attribute(name, attribute))
    }
}

fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), SqsError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let lower = name.to_ascii_lowercase();
    let ours = lower.starts_with("aws.") || lower.starts_with("amazon.");
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if !(1..=256).contains(&name.len()) || !name.bytes().all(legal) || dots || ours {
        let message = format!("Message (user) attribute name '{name}' is invalid.");
        return Err(SqsError::invalid(message));
    }
    let data_type = &attribute.data_type;
    let value = match (data_type.split('.').next(), &attribute.string_value, &attribute.binary_value) {
        (Some("String"), Some(text), None) => Some(text.clone()).filter(|text| !text.is_empty()),
        (Some("Number"), Some(text), None) => Some(text.clone()).filter(|text| text.parse::<f64>().is_ok()),
        (Some("Binary"), None, Some(_)) => {
            return match attribute.bytes() {
                Some(bytes) if !bytes.is_empty() => Ok(()),
                _ => Err(no_value(name, data_type)),
            };
        }
        (Some("String" | "Number" | "Binary"), ..) => None,
        _ => {
            let message = format!("The type of message (user) attribute '{name}' is invalid: '{data_type}'.");
            return Err(SqsError::invalid(message));
        }
    };
    value.map_or_else(|| Err(no_value(name, data_type)), |text| check_characters(&text))
}

fn no_value(name: &str, data_type: &str) -> SqsError {
    let message =
        format!("Message (user) attribute '{name}' must contain a non-empty value of type '{data_type}'.");
    SqsError::invalid(message)
}

/// Checks the characters of a text. SQS accepts only the characters of XML 1.0.
fn check_characters(text: &str) -> Result<(), SqsError> {
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(legal) { Ok(()) } else { Err(SqsError::contents()) }
}

/// Checks an id: 1 to 128 ASCII letters, digits and punctuation characters.
fn check_id(parameter: &str, id: &str) -> Result<(), SqsError> {
    if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason =
        format!("{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length");
    Err(SqsError::value(parameter, id, reason))
}
