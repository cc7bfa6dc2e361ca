//! An HTTP server with scripted answers that records every request unchanged. To Kannel it is the app's endpoint, and
//! to the router it is the gateway.

mod answer;
mod connection;
mod recorded;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

pub use answer::{Answer, Reply};
pub use recorded::Recorded;

type Fallback = Arc<dyn Fn(&Recorded) -> Answer + Send + Sync>;

/// The server. It stops and closes every connection when it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> anyhow::Result<()> {
/// use tests::http::{self, get};
/// use tests::recorder::{Recorder, Reply};
///
/// let gateway = Recorder::start().await?;
/// gateway.script([Reply::status(503), Reply::text("0: Accepted for delivery").with_status(202)]);
/// assert_eq!(get(&gateway.url("/sendsms?to=1")).await?.status, 503);
/// assert_eq!(get(&gateway.url("/sendsms?to=%31")).await?.status, 202);
/// assert_eq!(get(&gateway.url("/")).await?.status, 200); // the script is over
/// assert_eq!(gateway.requests()[1].target, "/sendsms?to=%31");
/// # Ok(()) }
/// ```
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Option<AbortHandle>,
}

/// The data that the server and its connections share.
struct Shared {
    log: watch::Sender<Log>,
    script: Mutex<VecDeque<Answer>>,
    fallback: Mutex<Fallback>,
}

#[derive(Default)]
struct Log {
    requests: Vec<Recorded>,
    connections: usize,
    open: usize,
}

impl Shared {
    /// Returns whether the next answer is to close a connection without reading it. If so, removes that answer from the
    /// script.
    fn closes_unread(&self) -> bool {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.pop_front_if(|answer| matches!(answer, Answer::CloseUnread)).is_some()
    }

    fn answer(&self, request: &Recorded) -> Answer {
        let scripted = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        scripted.unwrap_or_else(|| {
            let fallback = Arc::clone(&self.fallback.lock().unwrap_or_else(PoisonError::into_inner));
            fallback(request)
        })
    }
}

impl Recorder {
    /// Listens on a free port of the loopback and answers everything with an empty 200.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let shared = Arc::new(Shared {
            log: watch::Sender::default(),
            script: Mutex::default(),
            fallback: Mutex::new(Arc::new(|_| Reply::text("").into())),
        });
        let mut recorder = Self { address: listener.local_addr()?, shared, serving: None };
        recorder.serve(listener);
        Ok(recorder)
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a path (with its query) on this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Adds answers for the next requests, in order. Later requests get the answer of [`otherwise`](Self::otherwise).
    pub fn script<A: Into<Answer>>(&self, answers: impl IntoIterator<Item = A>) {
        let mut script = self.shared.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.extend(answers.into_iter().map(Into::into));
    }

    /// Sets the answer to each request for which the script has none. The request is recorded before this function is
    /// called. [`Answer::CloseUnread`] is only for scripts: here the request has been read.
    pub fn otherwise(&self, answer: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) {
        *self.shared.fallback.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(answer);
    }

    /// Returns the requests so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.borrow().requests.clone()
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> usize {
        self.shared.log.borrow().connections
    }

    /// Returns the number of open connections.
    pub fn open_connections(&self) -> usize {
        self.shared.log.borrow().open
    }

    /// Waits until there are `count` requests or more, and returns all of them.
    ///
    /// # Errors
    /// The requests do not come within the limit. The error shows those that came.
    pub async fn wait_for(&self, count: usize, limit: Duration) -> Result<Vec<Recorded>> {
        self.wait_until(limit, |requests| requests.len() >= count)
            .await
            .with_context(|| format!("waiting for {count} requests"))
    }

    /// Waits until the requests so far satisfy a condition, and returns them.
    ///
    /// # Errors
    /// The requests do not satisfy the condition within the limit. The error shows those that came.
    pub async fn wait_until(
        &self,
        limit: Duration,
        condition: impl Fn(&[Recorded]) -> bool,
    ) -> Result<Vec<Recorded>> {
        let mut log = self.shared.log.subscribe();
        let reached = timeout(limit, log.wait_for(|log| condition(&log.requests))).await.is_ok();
        let requests = self.requests();
        anyhow::ensure!(reached, "not within {limit:?}; {} came: {requests:#?}", requests.len());
        Ok(requests)
    }

    /// Stops listening and closes every connection. From now on connections are refused.
    pub async fn refuse(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            while !serving.is_finished() {
                tokio::task::yield_now().await;
            }
            // The end of the server aborts the tasks of the connections, which takes a moment more.
            self.shared.log.subscribe().wait_for(|log| log.open == 0).await.ok();
        }
    }

    /// Listens again, on the same port, after [`refuse`](Self::refuse).
    ///
    /// # Errors
    /// The port was taken in between.
    pub async fn listen_again(&mut self) -> Result<()> {
        if self.serving.is_none() {
            self.serve(TcpListener::bind(self.address).await.context("the port was taken")?);
        }
        Ok(())
    }

    fn serve(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            // There is nobody to tell about a failed accept. The client that connected sees it.
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection::serve(stream, Arc::clone(&shared)));
            }
        });
        self.serving = Some(task.abort_handle());
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}
