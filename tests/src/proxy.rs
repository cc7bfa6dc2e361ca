//! An unreliable network: an HTTP proxy between two parties. A test tells it which requests and answers to lose or to
//! delay.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::http::unescape;

/// The treatment of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request goes through, and the answer comes back.
    Pass,
    /// The request is read and goes nowhere. The connection is closed.
    Close,
    /// The request goes through, and the connection is closed instead of an answer.
    LoseAnswer,
    /// The request goes nowhere, and is answered with this status.
    Status(u16),
}

/// One request that was passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The path and the query, still escaped.
    pub target: String,
    /// The moment at which the request was passed on. The moments of all proxies of one process are on one scale.
    pub begun: usize,
    /// The moment at which the whole answer had come, and the status of the answer. `None` if no answer came.
    pub answered: Option<(usize, u16)>,
}

impl Passed {
    /// Returns a parameter of the query, unescaped, or `None` if it is absent. Bytes that are not UTF-8 are replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        Some(String::from_utf8_lossy(&unescape(value)).into_owned())
    }
}

/// Returns the next moment.
fn moment() -> usize {
    static MOMENT: AtomicUsize = AtomicUsize::new(0);
    MOMENT.fetch_add(1, Ordering::Relaxed)
}

/// The proxy. It takes requests without a body, one on each connection. It stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

struct Shared {
    plan: Mutex<Plan>,
    /// The number of holders that delay answers.
    held: watch::Sender<usize>,
    /// The number of requests that may be open at the same time.
    room: Semaphore,
}

#[derive(Default)]
struct Plan {
    target: Option<SocketAddr>,
    script: VecDeque<Verdict>,
    taken: usize,
    unreachable: Option<u16>,
    passed: Vec<Passed>,
}

/// A holder that delays answers as long as it lives.
pub struct Held(Arc<Shared>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.send_modify(|held| *held -= 1);
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a request is passed on, and returns its place in the log.
    fn begins(&self, request: &[u8]) -> usize {
        let line = String::from_utf8_lossy(request.split(|byte| *byte == b'\r').next().unwrap_or_default());
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut plan = self.plan();
        plan.passed.push(Passed { target, begun: moment(), answered: None });
        plan.passed.len() - 1
    }

    fn ends(&self, at: usize, answer: &[u8]) {
        let status = answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
        self.plan().passed[at].answered = status.map(|status| (moment(), status));
    }
}

impl Proxy {
    /// Listens on a free port of the loopback. Closes all connections until it [leads](Self::leads_to) to a target.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        Self::with_room(Semaphore::MAX_PERMITS).await
    }

    /// Starts a proxy like `start` that allows only this number of open requests. The others wait, as in a sidecar with
    /// `maxconn`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn with_room(room: usize) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            plan: Mutex::default(),
            held: watch::Sender::default(),
            room: Semaphore::new(room),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, serving })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the target of requests from now on.
    pub fn leads_to(&self, target: SocketAddr) {
        self.shared.plan().target = Some(target);
    }

    /// Sets the treatment of the next requests, in order. Later requests pass.
    pub fn script(&self, verdicts: impl IntoIterator<Item = Verdict>) {
        self.shared.plan().script.extend(verdicts);
    }

    /// Returns the number of requests that it took.
    pub fn taken(&self) -> usize {
        self.shared.plan().taken
    }

    /// Sets the status that answers a request from now on if nothing listens at the target. Before this call, the proxy
    /// closes the connection of such a request.
    pub fn unreachable(&self, status: u16) {
        self.shared.plan().unreachable = Some(status);
    }

    /// Returns the requests that were passed on so far, in the order of their beginnings.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.plan().passed.clone()
    }

    /// Delays answers from now on, until the returned holder is dropped.
    pub fn hold_answers(&self) -> Held {
        self.shared.held.send_modify(|held| *held += 1);
        Held(Arc::clone(&self.shared))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // An error means that one side went away.
        let shared = Arc::clone(&shared);
        connections.spawn(async move { pass(stream, &shared).await.ok() });
    }
}

async fn pass(mut client: TcpStream, shared: &Shared) -> Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (verdict, target) = {
        let mut plan = shared.plan();
        plan.taken += 1;
        (plan.script.pop_front().unwrap_or(Verdict::Pass), plan.target)
    };
    let status = match verdict {
        Verdict::Close => return Ok(()),
        Verdict::Status(status) => Some(status),
        Verdict::Pass | Verdict::LoseAnswer => None,
    };
    if let Some(status) = status {
        return answer_with(client, status).await;
    }
    let _room = shared.room.acquire().await?;
    let server = match TcpStream::connect(target.context("it leads nowhere")?).await {
        Ok(server) => server,
        Err(problem) => {
            let status = shared.plan().unreachable.ok_or(problem)?;
            return answer_with(client, status).await;
        }
    };
    let at = shared.begins(&request);
    let answer = fetch(server, &request).await?;
    shared.ends(at, &answer);
    if verdict == Verdict::Pass {
        shared.held.subscribe().wait_for(|held| *held == 0).await?;
        client.write_all(&answer).await?;
        client.shutdown().await?;
    }
    Ok(())
}

async fn answer_with(mut client: TcpStream, status: u16) -> Result<()> {
    let answer = format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    client.write_all(answer.as_bytes()).await?;
    Ok(client.shutdown().await?)
}

/// Returns the whole answer to a request. The request asks the server to close the connection.
async fn fetch(mut server: TcpStream, request: &[u8]) -> Result<Vec<u8>> {
    let request = String::from_utf8_lossy(request);
    let goes_on = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
    let lines: Vec<&str> = request.trim_end().split("\r\n").filter(goes_on).collect();
    server.write_all(format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n")).as_bytes()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}
