//! The settings, checked while a stack is deployed: `CloudFormation` asks before it touches another function, and takes
//! the deployment back if they are faulty.
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

/// What `CloudFormation` asks of a custom resource.
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

/// What it is told.
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

/// What the template can show of it: `!GetAtt SettingsCheck.Warnings`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data<'a> {
    warnings: &'a str,
}

/// The most bytes of each text in an answer, which may have 4,096 in all.
const MAX_TEXT: usize = 1_500;

/// How long `CloudFormation` may take to take an answer in.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers one question with what is wrong with the settings, or with what looks wrong. What is to be deleted is
/// deleted in any case.
///
/// An answer that nobody took in is an error, so that Lambda asks again.
pub(super) async fn invoke(
    settings: Result<&[Fault], &EnvironmentError>,
    event: &str,
    deadline: Deadline,
) -> Result<String, InvokeError> {
    let unread = |problem: serde_json::Error| InvokeError::Event(problem.to_string());
    let question: Question = serde_json::from_str(event).map_err(unread)?;
    let (status, reason, warnings) = match settings {
        _ if question.request_type == "Delete" => ("SUCCESS", "nothing to delete".to_owned(), String::new()),
        Ok(warnings) => ("SUCCESS", "the settings are sound".to_owned(), list(warnings)),
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
    // Without a content type: the URL is signed for none.
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

/// As much of a text as an answer has room for.
fn start(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}
