//! Eight connections that send one message after the other, as smsbox does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::gateway::Gateway;
use crate::subject::Subject;

/// How many connections send at once.
pub(crate) const CONNECTIONS: usize = 8;

/// How long the replies to a load may take, and any answer.
const LIMIT: Duration = Duration::from_secs(300);

/// Each number is used in one load only.
static NUMBER: AtomicU32 = AtomicU32::new(911_000_000);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Senders {
    Same,
    New,
}

/// What is sent.
pub(crate) struct Load {
    pub(crate) what: &'static str,
    pub(crate) senders: Senders,
    pub(crate) messages: usize,
    /// How long the gateway takes for each reply.
    pub(crate) gateway: Duration,
}

/// What it took.
pub(crate) struct Sample {
    pub(crate) answered_per_second: f64,
    /// To the last reply at the gateway.
    pub(crate) replied_per_second: f64,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
    pub(crate) processor_per_message: Duration,
}

/// Sends a load, and waits until each message is answered and replied to.
pub(crate) async fn run(subject: &mut Subject, gateway: &Gateway, load: &Load) -> Result<Sample> {
    gateway.slow_down(load.gateway);
    gateway.take_count();
    let next = Arc::new(AtomicUsize::new(0));
    let number = NUMBER.fetch_add(u32::try_from(load.messages)?, Ordering::SeqCst);
    let (processor, begun) = (subject.processor_time(), Instant::now());
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (next, messages, port, path) = (Arc::clone(&next), load.messages, subject.port, subject.path);
        let step = u32::from(load.senders == Senders::New);
        connections.spawn(async move {
            let (mut took, mut stream) = (Vec::new(), None);
            loop {
                let at = next.fetch_add(1, Ordering::SeqCst);
                if at >= messages {
                    return Ok::<_, anyhow::Error>(took);
                }
                let sender = number + u32::try_from(at)? * step;
                let target = format!(
                    "{path}?id=%2B251{sender}&to=1234&text=echo+hello+{at}&charset=UTF-8&coding=0&mid={number}-{at}"
                );
                let begun = Instant::now();
                tokio::time::timeout(LIMIT, get(&mut stream, port, &target)).await??;
                took.push(begun.elapsed());
            }
        });
    }
    let mut took = Vec::new();
    while let Some(ended) = connections.join_next().await {
        took.extend(ended??);
    }
    let answered = begun.elapsed();
    while gateway.count() < load.messages {
        ensure!(begun.elapsed() < LIMIT, "{}: {} replies came", subject.what, gateway.count());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let replied = begun.elapsed();
    took.sort_unstable();
    let messages = f64::from(u32::try_from(load.messages)?);
    Ok(Sample {
        answered_per_second: messages / answered.as_secs_f64(),
        replied_per_second: messages / replied.as_secs_f64(),
        median: took[took.len() / 2],
        p99: took[took.len() * 99 / 100],
        processor_per_message: subject.processor_time().saturating_sub(processor).div_f64(messages),
    })
}

/// One request on a connection that is kept, where the server keeps it.
async fn get(stream: &mut Option<TcpStream>, port: u16, target: &str) -> Result<()> {
    let mut connection = if let Some(connection) = stream.take() {
        connection
    } else {
        let connection = TcpStream::connect(("127.0.0.1", port)).await?;
        connection.set_nodelay(true)?;
        connection
    };
    let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let mut read = [0; 4096];
        let length = connection.read(&mut read).await?;
        if length == 0 {
            break;
        }
        answer.extend_from_slice(&read[..length]);
        if is_complete(&answer)? {
            break;
        }
    }
    let text = String::from_utf8_lossy(&answer);
    if !text.starts_with("HTTP/1.1 200") {
        bail!("{target}: {}", text.lines().next().unwrap_or_default());
    }
    if !text.to_ascii_lowercase().contains("connection: close") {
        *stream = Some(connection);
    }
    Ok(())
}

/// Whether head and body are there.
fn is_complete(answer: &[u8]) -> Result<bool> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(answer)? else { return Ok(false) };
    let body = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    // Without one the body ends with the connection.
    let Some(body) = body else { return Ok(false) };
    let body: usize = std::str::from_utf8(body.value)?.parse().context("content-length")?;
    Ok(answer.len() >= length + body)
}
