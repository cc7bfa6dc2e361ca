//! A request of the AWS SDKs and its response, and the wait of long polls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::Sqs;
use super::error::SqsError;
use super::wire::{self, ReceiveRequest};

/// The longest time that a waiting receiver sleeps before it looks again. If a message becomes visible because time
/// passes, nothing notifies the receiver.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The reason why a server refuses a request before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// The caller may not use the queues. The text says why.
    Denied(&'a str),
    /// The body could not be read completely. The text says why.
    Unread(&'a str),
}

impl Refusal<'_> {
    /// Returns the response to the refused request.
    pub fn response(&self) -> Response<Bytes> {
        failed(&match self {
            Self::Denied(reason) => SqsError::denied(*reason),
            Self::Unread(reason) => SqsError::malformed(*reason),
        })
    }
}

impl Sqs {
    /// Answers one request. `base` is the beginning of the queue URLs in the answer, such as `http://127.0.0.1:8002`.
    ///
    /// A receiver that asks for a long poll gets its answer when there is a message or its time is over. Every error of
    /// SQS is a response, too.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use http::HeaderMap;
    /// use threadless::SystemClock;
    /// use threadless_sqs::Sqs;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sqs = Sqs::open(None, false, Arc::new(SystemClock))?;
    /// let attributes = [("FifoQueue".to_owned(), "true".to_owned())].into();
    /// sqs.ensure_queue("jobs.fifo", &attributes)?;
    /// let mut headers = HeaderMap::new();
    /// headers.insert("x-amz-target", "AmazonSQS.ListQueues".parse()?);
    /// let response = sqs.answer(&headers, b"{}", "http://127.0.0.1:8002").await;
    /// assert_eq!(response.body(), r#"{"QueueUrls":["http://127.0.0.1:8002/000000000000/jobs.fifo"]}"#);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn answer(&self, headers: &HeaderMap, body: &[u8], base: &str) -> Response<Bytes> {
        let Some(operation) = operation(headers) else {
            return failed(&SqsError::unsupported("A request without X-Amz-Target: AmazonSQS.…"));
        };
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return failed(&SqsError::malformed("The request is not JSON."));
        };
        let answer = if operation == "ReceiveMessage" {
            receive(self, &body).await
        } else {
            let base = base.to_owned();
            let answer = self.run(move |engine| wire::answer(engine, &operation, &body, &base)).await;
            self.0.changed.notify_waiters();
            answer
        };
        match answer {
            Ok(answer) => response(StatusCode::OK, &answer, None),
            Err(problem) => failed(&problem),
        }
    }
}

async fn receive(sqs: &Sqs, body: &Value) -> Result<Value, SqsError> {
    let request = Arc::new(ReceiveRequest::read(body)?);
    let asked = Arc::clone(&request);
    let wait = sqs.run(move |engine| asked.wait(engine)).await?;
    let until = Instant::now() + Duration::from_secs(wait);
    loop {
        // The receiver subscribes before it looks, so that it misses no change between the two.
        let changed = sqs.0.changed.notified();
        let asked = Arc::clone(&request);
        if let Some(messages) = sqs.run(move |engine| asked.receive(engine)).await? {
            return Ok(messages);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(json!({}));
        }
        let _ = timeout(left.min(LOOK_AGAIN), changed).await;
    }
}

fn operation(headers: &HeaderMap) -> Option<String> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.strip_prefix("AmazonSQS.").map(str::to_owned)
}

fn failed(problem: &SqsError) -> Response<Bytes> {
    let body =
        json!({ "__type": format!("com.amazonaws.sqs#{}", problem.shape), "message": problem.message });
    let (status, whose) = if problem.ours {
        (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
    } else {
        (StatusCode::BAD_REQUEST, "Sender")
    };
    response(status, &body, Some(format!("{};{whose}", problem.code)))
}

fn response(status: StatusCode, body: &Value, query_error: Option<String>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(value) = query_error.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert("x-amzn-query-error", value);
    }
    response
}
