//! The HTTP server in front of the queues.

pub use threadless_sqs::{ACCOUNT, OpenError, Sqs};

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use threadless_sqs::Refusal;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::guests::STRANGER;
use crate::serving::{self, Hosts, Room};

/// The most bytes of a request: ten messages, in the longest form that JSON escapes can give.
const LONGEST_BODY: usize = 8 << 20;

/// The memory for the bodies of all requests together, in bytes.
const ROOM: usize = 128 << 20;

/// The longest time for request line and headers. It is longer than clients keep an unused connection open. So the
/// server closes no connection while its client sends.
const LONGEST_HEAD_WAIT: Duration = Duration::from_secs(180);

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
        format!("http://{}/{ACCOUNT}/{name}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers requests on `listener` until the result is dropped. It accepts only requests that name this machine as their
/// host.
pub fn serve(sqs: &Sqs, listener: TcpListener) -> std::io::Result<Served> {
    serve_to(sqs, listener, Hosts::default())
}

/// Does the same, and also accepts requests that name one of these hosts.
pub(crate) fn serve_to(sqs: &Sqs, listener: TcpListener, hosts: Hosts) -> std::io::Result<Served> {
    let address = listener.local_addr()?;
    let (sqs, room) = (sqs.clone(), Room::new(ROOM));
    let task = tokio::spawn(serving::serve(listener, LONGEST_HEAD_WAIT, move |request, _| {
        let (sqs, hosts, room) = (sqs.clone(), hosts.clone(), room.clone());
        async move { respond(&sqs, &hosts, &room, request, address).await.map(Full::new) }
    }));
    Ok(Served { address, task })
}

async fn respond(
    sqs: &Sqs,
    hosts: &Hosts,
    room: &Room,
    request: Request<Incoming>,
    address: SocketAddr,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    if !hosts.are_ours(&parts.uri, &parts.headers) {
        return Refusal::Denied(STRANGER).response();
    }
    match room.read(body, LONGEST_BODY).await {
        Ok(body) => sqs.answer(&parts.headers, &body.bytes, &base(&parts.headers, address)).await,
        Err(_) => Refusal::Unread("The request is too long, too slow or incomplete.").response(),
    }
}

/// Returns the beginning of the queue URLs: the name by which the client knows this server.
fn base(headers: &HeaderMap, address: SocketAddr) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(|| format!("http://{address}"), |host| format!("http://{host}"))
}
