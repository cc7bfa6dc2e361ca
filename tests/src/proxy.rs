//! A stretch of bad road: an HTTP proxy between two parties that a test tells what to lose and what to hold back.

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

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes through, and the answer comes back.
    Pass,
    /// It is read and goes nowhere; the connection is closed.
    Close,
    /// It goes through, and the connection is closed in the place of the answer.
    LoseAnswer,
    /// It goes nowhere, and is answered with this status.
    Status(u16),
}

/// One request that was handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Path and query, not unescaped.
    pub target: String,
    /// The moment at which it was handed on. Moments of all proxies of one process are on one scale.
    pub begun: usize,
    /// The moment at which its whole answer was here, and the answer's status. `None` if no answer came.
    pub answered: Option<(usize, u16)>,
}

impl Passed {
    /// A parameter of the query, unescaped. `None` if it is absent; bytes that are not UTF-8 are replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        Some(String::from_utf8_lossy(&unescape(value)).into_owned())
    }
}

/// The next moment.
fn moment() -> usize {
    static MOMENT: AtomicUsize = AtomicUsize::new(0);
    MOMENT.fetch_add(1, Ordering::Relaxed)
}

/// The proxy. It is for requests without a body, one a connection. It stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

struct Shared {
    plan: Mutex<Plan>,
    /// How many hold answers back.
    held: watch::Sender<usize>,
    /// How many requests may be on their way at once.
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

/// Holds answers back as long as it lives.
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

    /// Writes down that a request is handed on, and returns its place in the log.
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
    /// Listens on a free port of the loopback. Until it [leads](Self::leads_to) somewhere it closes connections.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        Self::with_room(Semaphore::MAX_PERMITS).await
    }

    /// The same, with so many requests on their way at once: the rest waits, as in a sidecar with `maxconn`.
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets where requests go from now on.
    pub fn leads_to(&self, target: SocketAddr) {
        self.shared.plan().target = Some(target);
    }

    /// Says what becomes of the next requests, in turn. What comes after them passes.
    pub fn script(&self, verdicts: impl IntoIterator<Item = Verdict>) {
        self.shared.plan().script.extend(verdicts);
    }

    /// How many requests it took.
    pub fn taken(&self) -> usize {
        self.shared.plan().taken
    }

    /// Sets the status that answers a request from now on if nobody listens where it should go. Before this is called,
    /// its connection is closed.
    pub fn unreachable(&self, status: u16) {
        self.shared.plan().unreachable = Some(status);
    }

    /// The requests that were handed on so far, in the order of their beginnings.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.plan().passed.clone()
    }

    /// From now on answers wait, until what this returns is dropped.
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
        // An error is one side's going away.
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

/// The whole answer to a request, which is asked to be the last of its connection.
async fn fetch(mut server: TcpStream, request: &[u8]) -> Result<Vec<u8>> {
    let request = String::from_utf8_lossy(request);
    let goes_on = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
    let lines: Vec<&str> = request.trim_end().split("\r\n").filter(goes_on).collect();
    server.write_all(format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n")).as_bytes()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}
