//! The HTTP server in front of the queues, and the wait of long polls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::Sqs;
use super::error::SqsError;
use super::wire::{self, ReceiveRequest};
use crate::guests::STRANGER;
use crate::serving::{self, Hosts, Room};

/// The most bytes of a request: ten messages, in the longest form that JSON escapes can give.
const LONGEST_BODY: usize = 8 << 20;

/// The memory for the bodies of all requests together, in bytes.
const ROOM: usize = 128 << 20;

/// The longest time for request line and headers. It is longer than clients keep an unused connection open. So the
/// server closes no connection while its client sends.
const LONGEST_HEAD_WAIT: Duration = Duration::from_secs(180);

/// The longest time that a waiting receiver sleeps before it looks again. If a message becomes visible because time
/// passes, nothing notifies the receiver.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A running server. It ends when this value is dropped.
pub struct Served {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    /// Returns the address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a queue on this server.
    pub fn queue_url(&self, name: &str) -> String {
        format!("http://{}/{}/{name}", self.address, super::ACCOUNT)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn serve(sqs: Sqs, listener: TcpListener, hosts: Hosts) -> std::io::Result<Served> {
    let address = listener.local_addr()?;
    let room = Room::new(ROOM);
    let task = tokio::spawn(serving::serve(listener, LONGEST_HEAD_WAIT, move |request, _| {
        let (sqs, hosts, room) = (sqs.clone(), hosts.clone(), room.clone());
        async move { respond(&sqs, &hosts, &room, request, address).await }
    }));
    Ok(Served { address, task })
}

async fn respond(
    sqs: &Sqs,
    hosts: &Hosts,
    room: &Room,
    request: Request<Incoming>,
    address: SocketAddr,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    if !hosts.are_ours(&parts.uri, &parts.headers) {
        return error(&SqsError::denied(STRANGER));
    }
    let operation = operation(&parts.headers);
    let base = base(&parts.headers, address);
    let Ok(body) = room.read(body, LONGEST_BODY).await else {
        return error(&SqsError::malformed("The request is too long, too slow or incomplete."));
    };
    let Some(operation) = operation else {
        return error(&SqsError::unsupported("A request without X-Amz-Target: AmazonSQS.…"));
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body.bytes) else {
        return error(&SqsError::malformed("The request is not JSON."));
    };
    let answer = if operation == "ReceiveMessage" {
        receive(sqs, &body).await
    } else {
        let answer = sqs.run(move |engine| wire::answer(engine, &operation, &body, &base)).await;
        sqs.0.changed.notify_waiters();
        answer
    };
    match answer {
        Ok(answer) => response(StatusCode::OK, &answer, None),
        Err(problem) => error(&problem),
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

/// Returns the beginning of the queue URLs: the name by which the client knows this server.
fn base(headers: &HeaderMap, address: SocketAddr) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(|| format!("http://{address}"), |host| format!("http://{host}"))
}

fn error(problem: &SqsError) -> Response<Full<Bytes>> {
    let body =
        json!({ "__type": format!("com.amazonaws.sqs#{}", problem.shape), "message": problem.message });
    let (status, whose) = if problem.ours {
        (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
    } else {
        (StatusCode::BAD_REQUEST, "Sender")
    };
    response(status, &body, Some(format!("{};{whose}", problem.code)))
}

fn response(status: StatusCode, body: &Value, query_error: Option<String>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
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
