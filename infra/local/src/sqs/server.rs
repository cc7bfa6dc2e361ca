//! The HTTP server before the queues, and the waiting of long polls.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};

use super::Sqs;
use super::error::SqsError;
use super::wire::{self, ReceiveRequest};

/// The most bytes of a request: ten messages, escaped as JSON can.
const LONGEST_BODY: usize = 8 << 20;

/// How long a waiting receiver sleeps at most before it looks again: what becomes visible by the passing of time
/// tells nobody.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A server at work. It ends when this is dropped.
pub struct Served {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a queue on it.
    pub fn queue_url(&self, name: &str) -> String {
        format!("http://{}/{}/{name}", self.address, super::ACCOUNT)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn serve(sqs: Sqs, listener: TcpListener) -> std::io::Result<Served> {
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        // Dropped with this task, and every connection with it.
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let sqs = sqs.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let sqs = sqs.clone();
                    async move { Ok::<_, Infallible>(respond(&sqs, request, address).await) }
                });
                // An error here is a client that went away.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Served { address, task })
}

async fn respond(sqs: &Sqs, request: Request<Incoming>, address: SocketAddr) -> Response<Full<Bytes>> {
    let operation = operation(request.headers());
    let base = base(request.headers(), address);
    let Ok(body) = Limited::new(request.into_body(), LONGEST_BODY).collect().await else {
        return error(&SqsError::malformed("The request is too long, or broke off."));
    };
    let Some(operation) = operation else {
        return error(&SqsError::unsupported("A request without X-Amz-Target: AmazonSQS.…"));
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body.to_bytes()) else {
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
        // Asked for before the look, so that nothing between the two goes unnoticed.
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

/// Queue URLs begin with the name that the client knows this server by.
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
