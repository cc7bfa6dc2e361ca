//! The HTTP server in front of the Lambda functions, DynamoDB, SQS and the pretend gateway. It limits what one client,
//! or all clients together, may use: connections, time and memory. A client that is slow on purpose does not block the
//! others for long.

mod body;
mod hosts;
mod stall;

pub(crate) use body::{Room, Unread};
pub use hosts::HostName;
pub(crate) use hosts::{Hosts, is_of_another_site};

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use stall::Stalling;

/// The most connections of one server at the same time. If another client comes, the oldest connection ends after its
/// current request. Without this rule, unused connections that clients keep open would block all other clients.
const CONNECTIONS: usize = 256;

/// The time that a connection gets to end, before the next connection is told to end too. The connection may be in the
/// middle of a request.
const GIVE_WAY: Duration = Duration::from_millis(100);

/// The longest time in which a client must read the next bytes of an answer.
const LONGEST_STALL: Duration = Duration::from_secs(30);

/// The most bytes of an unfinished request line and headers that the server keeps.
const HEAD_BUFFER: usize = 64 * 1024;

/// Answers requests on `listener` until this future is dropped. The drop cuts off every request without an answer.
///
/// `longest_head` limits the time for request line and headers, and the time between two requests on one connection.
/// After this time, the server closes the connection.
pub(crate) async fn serve<F, A>(listener: TcpListener, longest_head: Duration, answer: F)
where
    F: Fn(Request<Incoming>, SocketAddr) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let crowded = Arc::new(Notify::new());
    // When this future is dropped, this set and all its connections are dropped too.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = listener.accept().await;
        let place = loop {
            match timeout(GIVE_WAY, Arc::clone(&free).acquire_owned()).await {
                Ok(Ok(place)) => break place,
                Ok(Err(_)) => return,
                Err(_) => crowded.notify_one(),
            }
        };
        // A permit that nobody took would end the new connection.
        let _ = timeout(Duration::ZERO, crowded.notified()).await;
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(problem) => {
                tracing::warn!(error = %problem, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (answer, crowded) = (answer.clone(), Arc::clone(&crowded));
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answered = answer(request, peer);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(longest_head)
                .max_buf_size(HEAD_BUFFER)
                .serve_connection(TokioIo::new(Stalling::new(stream, LONGEST_STALL)), service);
            let mut connection = pin!(connection);
            // An error here means that the client went away, was too slow, or does not speak HTTP.
            tokio::select! {
                biased;
                _ = connection.as_mut() => {}
                () = crowded.notified() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            drop(place);
        });
    }
}
