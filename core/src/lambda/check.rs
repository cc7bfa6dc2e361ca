//! Checks the settings while a stack is deployed. `CloudFormation` calls this check before it changes any other Lambda
//! function. If the settings are faulty, `CloudFormation` rolls the deployment back.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>

use std::time::Duration;

use ::http::Request;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tracing::{error, info};

use super::{EnvironmentError, InvokeError};
use crate::backend::{HttpTransport, Transport as _};
use crate::error::Fault;
use crate::util::clock::Deadline;

/// The request of `CloudFormation` to a custom resource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Question {
    request_type: String,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
}

/// The answer to `CloudFormation`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    status: &'static str,
    reason: &'a str,
    physical_resource_id: &'static str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    data: Data<'a>,
}

/// The values that the template can show: `!GetAtt SettingsCheck.Warnings`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data<'a> {
    warnings: &'a str,
}

/// The maximum number of bytes of each text in an answer. The whole answer may have 4,096 bytes.
const MAX_TEXT: usize = 1_500;

/// The longest time in which `CloudFormation` may accept an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers one request with the fault or the warnings of the settings. A request of the type `Delete` always succeeds.
///
/// If `CloudFormation` does not accept the answer, this returns an error, so that Lambda invokes the function again.
pub(super) async fn invoke(
    settings: Result<&[Fault], &EnvironmentError>,
    event: &str,
    deadline: Deadline,
) -> Result<String, InvokeError> {
    let unread = |problem: serde_json::Error| InvokeError::Event(problem.to_string());
    let question: Question = serde_json::from_str(event).map_err(unread)?;
    let (status, reason, warnings) = match settings {
        _ if question.request_type == "Delete" => ("SUCCESS", "nothing to delete".to_owned(), String::new()),
        Ok(warnings) => ("SUCCESS", "the settings are valid".to_owned(), list(warnings)),
        Err(problem) => ("FAILED", problem.to_string(), String::new()),
    };
    if status == "FAILED" {
        error!(outcome = "refused", error = reason, "deployment");
    } else {
        info!(outcome = "allowed", warnings, "deployment");
    }
    let answer = Answer {
        status,
        reason: start(&reason),
        physical_resource_id: "settings",
        stack_id: &question.stack_id,
        request_id: &question.request_id,
        logical_resource_id: &question.logical_resource_id,
        data: Data { warnings: start(&warnings) },
    };
    let body = serde_json::to_vec(&answer).map_err(unread)?;
    // The request has no content type, because the signature of the URL includes none.
    let put = Request::put(&question.response_url).body(Bytes::from(body));
    let put = put.map_err(|problem| InvokeError::Event(problem.to_string()))?;
    let taken = HttpTransport::new().fetch(put, PATIENCE.min(deadline.remaining())).await;
    match taken {
        Ok(answer) if answer.status < 300 => Ok(format!(r#"{{"status":"{status}"}}"#)),
        Ok(answer) => Err(InvokeError::Unheard(format!("status {}", answer.status))),
        Err(problem) => Err(InvokeError::Unheard(problem.to_string())),
    }
}

fn list(warnings: &[Fault]) -> String {
    match warnings {
        [] => "none".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

/// Returns the start of a text, as much as an answer has room for.
fn start(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}
