//! A stretch of bad road: an HTTP proxy between two parties that a test tells what to lose and what to hold back.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

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
}

#[derive(Default)]
struct Plan {
    target: Option<SocketAddr>,
    script: VecDeque<Verdict>,
    taken: usize,
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
}

impl Proxy {
    /// Listens on a free port of the loopback. Until it [leads](Self::leads_to) somewhere it closes connections.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { plan: Mutex::default(), held: watch::Sender::default() });
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
        let answer = format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        client.write_all(answer.as_bytes()).await?;
        return Ok(client.shutdown().await?);
    }
    let answer = fetch(target.context("it leads nowhere")?, &request).await?;
    if verdict == Verdict::Pass {
        shared.held.subscribe().wait_for(|held| *held == 0).await?;
        client.write_all(&answer).await?;
        client.shutdown().await?;
    }
    Ok(())
}

/// The whole answer to a request, which is asked to be the last of its connection.
async fn fetch(target: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let request = String::from_utf8_lossy(request);
    let goes_on = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
    let lines: Vec<&str> = request.trim_end().split("\r\n").filter(goes_on).collect();
    let mut server = TcpStream::connect(target).await?;
    server.write_all(format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n")).as_bytes()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}
