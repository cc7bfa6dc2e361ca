//! The errors of SQS. Their names, codes and texts are those of recorded real queues, as far as there are records.

use std::fmt::Display;
use std::path::Path;

/// The reason why the queues cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the queues{place} cannot be opened: {problem}")]
pub struct OpenError {
    place: String,
    problem: String,
}

impl OpenError {
    pub(super) fn new(file: Option<&Path>, problem: &impl ToString) -> Self {
        let place = file.map_or_else(String::new, |file| format!(" in {}", file.display()));
        Self { place, problem: problem.to_string() }
    }

    pub(super) fn queue(name: &str, problem: &SqsError) -> Self {
        Self { place: format!(" ({name})"), problem: problem.message.clone() }
    }
}

/// An error, in the form of the protocol.
#[derive(Debug)]
pub(super) struct SqsError {
    /// The name of the error's shape in the JSON protocol.
    pub(super) shape: &'static str,
    /// The error's code in the older query protocol. SDKs show this code.
    pub(super) code: &'static str,
    /// The description of the error.
    pub(super) message: String,
    /// Whether the server caused the error.
    pub(super) ours: bool,
}

impl SqsError {
    fn new(shape: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { shape, code, message: message.into(), ours: false }
    }

    pub(super) fn no_queue() -> Self {
        let code = "AWS.SimpleQueueService.NonExistentQueue";
        Self::new("QueueDoesNotExist", code, "The specified queue does not exist.")
    }

    /// Makes the error for a queue that exists already with another value of this attribute.
    pub(super) fn queue_exists(attribute: &str) -> Self {
        let message = format!(
            "A queue already exists with the same name and a different value for attribute {attribute}"
        );
        Self::new("QueueNameExists", "QueueAlreadyExists", message)
    }

    pub(super) fn missing(parameter: &str) -> Self {
        let message = format!("The request must contain the parameter {parameter}.");
        Self::new("MissingRequiredParameterException", "MissingParameter", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValueException", "InvalidParameterValue", message)
    }

    pub(super) fn value(parameter: &str, value: impl Display, reason: impl Display) -> Self {
        Self::invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}."))
    }

    /// Makes the error for a request that cannot be read.
    pub(super) fn malformed(problem: impl Into<String>) -> Self {
        Self::new("SerializationException", "MalformedInput", problem)
    }

    pub(super) fn attribute_name(name: &str) -> Self {
        Self::new("InvalidAttributeName", "InvalidAttributeName", format!("Unknown Attribute {name}."))
    }

    pub(super) fn attribute_value(name: &str, reason: &str) -> Self {
        let message = format!("Invalid value for the parameter {name}. Reason: {reason}.");
        Self::new("InvalidAttributeValue", "InvalidAttributeValue", message)
    }

    pub(super) fn contents() -> Self {
        let message = "Invalid characters found. Valid characters: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to \
                       #xFFFD | #x10000 to #x10FFFF.";
        Self::new("InvalidMessageContents", "InvalidMessageContents", message)
    }

    pub(super) fn receipt(handle: &str) -> Self {
        let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        Self::new("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", message)
    }

    pub(super) fn not_in_flight() -> Self {
        let code = "AWS.SimpleQueueService.MessageNotInflight";
        Self::new("MessageNotInflight", code, "The message is not in flight.")
    }

    pub(super) fn empty_batch() -> Self {
        let code = "AWS.SimpleQueueService.EmptyBatchRequest";
        Self::new("EmptyBatchRequest", code, "There should be at least one entry in the request.")
    }

    pub(super) fn long_batch(entries: usize) -> Self {
        let code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        let message = format!("Maximum number of entries per request are 10. You have sent {entries}.");
        Self::new("TooManyEntriesInBatchRequest", code, message)
    }

    pub(super) fn entry_id() -> Self {
        let code = "AWS.SimpleQueueService.InvalidBatchEntryId";
        let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can \
                       be at most 80 letters long.";
        Self::new("InvalidBatchEntryId", code, message)
    }

    pub(super) fn equal_ids(id: &str) -> Self {
        let code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
        Self::new("BatchEntryIdsNotDistinct", code, format!("Id {id} repeated."))
    }

    pub(super) fn long_request(bytes: usize) -> Self {
        let code = "AWS.SimpleQueueService.BatchRequestTooLong";
        let message =
            format!("Batch requests cannot be longer than 1048576 bytes. You have sent {bytes} bytes.");
        Self::new("BatchRequestTooLong", code, message)
    }

    pub(super) fn unsupported(what: &str) -> Self {
        let code = "AWS.SimpleQueueService.UnsupportedOperation";
        Self::new("UnsupportedOperation", code, format!("{what} is not supported by this emulator."))
    }

    /// Makes the error for a request whose caller has no permission.
    pub(super) fn denied(problem: impl Into<String>) -> Self {
        Self::new("AccessDeniedException", "AccessDenied", problem)
    }

    /// Makes an error that the client did not cause.
    pub(super) fn internal(problem: &impl Display) -> Self {
        let message = format!("The queues cannot be read or written: {problem}.");
        Self { ours: true, ..Self::new("InternalError", "InternalError", message) }
    }
}

impl From<rusqlite::Error> for SqsError {
    fn from(problem: rusqlite::Error) -> Self {
        Self::internal(&problem)
    }
}

/// Stored data cannot be read again.
impl From<serde_json::Error> for SqsError {
    fn from(problem: serde_json::Error) -> Self {
        Self::internal(&problem)
    }
}
