//! The front: an HTTP API on this machine. It makes each request into the event that AWS would make, invokes the Lambda
//! function, and returns its response. It has the limits of AWS.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use threadless::lambda::{Function, Host};
use threadless::{BackendName, Clock};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::data::Data;
use crate::figures::{Page, Totals, page};
use crate::guests::{Guests, STRANGER};
use crate::serving::{self, Room, Unread};
use crate::sqs::Sqs;
use crate::stack::DEAD_LETTERS;
use crate::template::Route;
use crate::{event, invocation};

/// The longest request line and headers together, in bytes.
const LONGEST_HEAD: usize = 10_240;

/// The longest body, in bytes.
const LONGEST_BODY: usize = 10_000_000;

/// The longest time for an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The longest time for request line and headers.
const LONGEST_HEAD_WAIT: Duration = Duration::from_secs(30);

/// The memory for the bodies of all requests together, in bytes.
const ROOM: usize = 64_000_000;

/// The path of the page of metrics. It is not a route of the template: on AWS the metrics are in CloudWatch.
const METRICS: &str = "/metrics";

/// The most invocations at the same time, including invocations whose client has gone.
const AT_ONCE: usize = 500;

/// The routes, with the Lambda functions behind them.
pub(crate) struct Front {
    pub(crate) routes: Vec<(Route, Function, Duration)>,
    pub(crate) host: Host,
    pub(crate) clock: Arc<dyn Clock>,
    /// The rules for the hosts and pages that may send requests.
    pub(crate) guests: Guests,
    /// The data folder.
    pub(crate) data: Option<Arc<Data>>,
    /// The memory for bodies.
    pub(crate) room: Room,
    /// The figures of all invocations.
    pub(crate) totals: Arc<Totals>,
    /// The queues, whose dead letters the page of metrics counts.
    pub(crate) queues: Sqs,
    /// The invocations that are running.
    pub(crate) running: TaskTracker,
}

/// Returns the memory for bodies.
pub(crate) fn room() -> Room {
    Room::new(ROOM)
}

/// Answers requests on `listener` until this future is dropped. The drop cuts off every request without an answer.
pub(crate) async fn serve(front: Arc<Front>, listener: TcpListener) {
    serving::serve(listener, LONGEST_HEAD_WAIT, move |request, peer| {
        let front = Arc::clone(&front);
        async move { front.answer(request, peer).await }
    })
    .await;
}

impl Front {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if head_size(&parts) > LONGEST_HEAD {
            return message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
        }
        if parts.uri.path() == METRICS {
            return self.metrics(&parts).await;
        }
        let Some((route, function, timeout)) = self.route(&parts) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        if let Some(refusal) = self.guests.refusal(*function, &parts) {
            return message(StatusCode::FORBIDDEN, refusal);
        }
        let body = match self.room.read(body, LONGEST_BODY).await {
            Ok(body) => body,
            Err(problem) => return unread(problem),
        };
        if self.running.len() >= AT_ONCE {
            return message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        }
        if let Some(problem) = self.data.as_ref().and_then(|data| data.problem()) {
            return message(StatusCode::SERVICE_UNAVAILABLE, &problem);
        }
        let source = peer.ip().to_string();
        let event = event::of_request(&parts, &body.bytes, &route.key, &source, self.clock.now());
        let (function, host) = (*function, self.host.clone());
        let timeout = *timeout;
        // The invocation runs in a task of its own: as on AWS, it goes on after its client has gone.
        let invoked = self.running.spawn(async move {
            // The event holds a copy of the body, so the body counts against the memory until the event is done.
            let _body = body;
            invocation::invoke(function, &host, &event, timeout).await
        });
        match tokio::time::timeout(LONGEST_WAIT, invoked).await {
            Ok(Ok(Ok(result))) => match event::to_response(&result) {
                Some(response) => response.map(Full::new),
                None => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            },
            Ok(Ok(Err(problem))) => {
                tracing::error!(function = route.function, error = %problem, "the invocation failed");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Ok(Err(_)) => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Err(_) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }

    /// Answers with the figures of this stack, as Prometheus reads them.
    async fn metrics(&self, parts: &Parts) -> Response<Full<Bytes>> {
        if !self.guests.hosts.are_ours(&parts.uri, &parts.headers) {
            return message(StatusCode::FORBIDDEN, STRANGER);
        }
        if parts.method != Method::GET {
            return message(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        }
        let (project, now) = (&self.host.project, self.clock.now());
        let circuit = |(name, _): (&BackendName, _)| (name.to_string(), project.is_paused(name));
        let text = page(&Page {
            sums: self.totals.now(),
            backends: project.backends().map(circuit).collect(),
            dead_letters: self.queues.count(DEAD_LETTERS).await,
            now,
        });
        let mut response = Response::new(Full::new(Bytes::from(text)));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }

    fn route(&self, parts: &Parts) -> Option<&(Route, Function, Duration)> {
        let matches = |(route, ..): &&(Route, Function, Duration)| {
            let Some((method, pattern)) = route.key.split_once(' ') else { return false };
            (method == "ANY" || method == parts.method.as_str()) && covers(pattern, parts.uri.path())
        };
        // The longest pattern is the most specific one.
        self.routes.iter().filter(matches).max_by_key(|(route, ..)| route.key.len())
    }
}

/// Returns whether a route's pattern covers a path. `{name}` covers one segment, and `{name+}` at the end covers one or
/// more. If the pattern does not end with such a segment, a slash at the end of the path makes no difference, because
/// the service allows no route that ends with a slash.
fn covers(pattern: &str, path: &str) -> bool {
    let path = if pattern.ends_with('}') { path } else { path.strip_suffix('/').unwrap_or(path) };
    let mut segments = path.split('/');
    let mut parts = pattern.split('/').peekable();
    while let Some(part) = parts.next() {
        let Some(segment) = segments.next() else { return false };
        if part.ends_with("+}") && parts.peek().is_none() {
            return !segment.is_empty() || segments.next().is_some();
        }
        if !(part.starts_with('{') && part.ends_with('}') || part == segment) {
            return false;
        }
    }
    segments.next().is_none()
}

fn head_size(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len() + " HTTP/1.1 ".len();
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": ".len());
    line + headers.sum::<usize>()
}

/// Answers a request whose body was not read.
fn unread(problem: Unread) -> Response<Full<Bytes>> {
    match problem {
        Unread::TooLarge => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        Unread::BrokenOff => message(StatusCode::BAD_REQUEST, "Bad Request: the body is incomplete"),
        Unread::TooSlow => message(StatusCode::REQUEST_TIMEOUT, "Request Timeout: the body took too long"),
        Unread::NoRoom => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}

/// Makes an answer of the HTTP API itself.
fn message(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "message": words }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_an_http_api_lets_them_cover() {
        let table = [
            ("/backend/{proxy+}", "/backend/k/", true),
            ("/backend/{proxy+}", "/backend/k", true),
            ("/backend/{proxy+}", "/backend/k/x/y", true),
            ("/backend/{proxy+}", "/backend/", false),
            ("/backend/{proxy+}", "/backend", false),
            ("/backend/{proxy+}", "/", false),
            ("/httptester", "/httptester/", true),
            ("/httptester", "/httptester//", false),
            ("/httptester", "/httptester/x", false),
            ("/{name}/x", "/a/x", true),
            ("/{name}/x", "/a/b/x", false),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(covers(pattern, path), expected, "{pattern} {path}");
        }
    }
}
