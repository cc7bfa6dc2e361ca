//! One connection. Requests are read, recorded and answered in turn until one side closes it.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{Answer, Recorded, Shared};

/// The maximum length of a request. It is longer than any request of these tests.
const LONGEST: usize = 1 << 20;

/// Serves a connection to its end.
pub(super) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut id = 0;
    shared.log.send_modify(|log| {
        log.connections += 1;
        log.open += 1;
        id = log.connections;
    });
    let _open = Open(&shared);
    // An error means that the client went away.
    exchange(&mut stream, id, &shared).await.ok();
}

/// A marker that counts a connection as open until it is dropped, even if its task is aborted.
struct Open<'a>(&'a Shared);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.log.send_modify(|log| log.open -= 1);
    }
}

async fn exchange(stream: &mut TcpStream, id: usize, shared: &Shared) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        if buffer.is_empty() {
            let gone = stream.peek(&mut [0]).await? == 0;
            if gone || shared.closes_unread() {
                return Ok(());
            }
        }
        let Some(request) = read(stream, &mut buffer, id).await? else { return Ok(()) };
        let last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        shared.log.send_modify(|log| log.requests.push(request.clone()));
        match shared.answer(&request) {
            Answer::Reply(reply) => {
                sleep(reply.delay).await;
                stream.write_all(&reply.encode()).await?;
                if last {
                    return stream.shutdown().await;
                }
            }
            Answer::Hang => {
                while stream.read(&mut [0; 1024]).await? > 0 {}
                return Ok(());
            }
            Answer::CloseUnread | Answer::CloseAfterReading => return Ok(()),
        }
    }
}

/// Reads the next request. Returns `None` if the client is done. The bytes behind the request stay in the buffer.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>, id: usize) -> io::Result<Option<Recorded>> {
    loop {
        if let Some((request, length)) = parse(buffer, id)? {
            buffer.drain(..length);
            return Ok(Some(request));
        }
        if buffer.len() > LONGEST || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Returns the request at the beginning of the buffer and its length, or `None` while it is not complete.
fn parse(buffer: &[u8], connection: usize) -> io::Result<Option<(Recorded, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let parsed = head.parse(buffer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(body) = parsed else { return Ok(None) };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let mut request = Recorded {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect(),
        body: Vec::new(),
        at: Instant::now(),
        connection,
    };
    let length = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0_usize);
    let end = body.saturating_add(length);
    let Some(bytes) = buffer.get(body..end) else { return Ok(None) };
    request.body = bytes.to_vec();
    Ok(Some((request, end)))
}
