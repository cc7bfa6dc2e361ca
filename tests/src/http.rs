//! An HTTP client that sends a URL exactly as it is given. Ordinary clients normalise a URL first, and the tests check
//! the exact bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

/// The time after which [`get`] stops waiting for an answer.
const LIMIT: Duration = Duration::from_mins(1);

/// The answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body. Bytes that are not UTF-8 are replaced.
    pub body: String,
}

/// Fetches `http://host:port/path?query` on a connection of its own.
///
/// # Errors
/// There is no connection, no complete answer within a minute, or the answer is not HTTP.
pub async fn get(url: &str) -> Result<Answer> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url}: not an http URL"))?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if path.starts_with('/') { "" } else { "/" };
    let request = format!("GET {slash}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let whole = exchange(host, request.as_bytes()).await.with_context(|| format!("GET {url}"))?;
    Ok(whole.answer)
}

/// Posts a body to `http://host:port/path` on a connection of its own.
///
/// # Errors
/// The same as for [`get`].
pub async fn post(url: &str, content_type: &str, body: &str) -> Result<Answer> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url}: not an http URL"))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {content_type}");
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let whole = exchange(host, request.as_bytes()).await.with_context(|| format!("POST {url}"))?;
    Ok(whole.answer)
}

/// The answer of a server, with its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The status and the body.
    pub answer: Answer,
    /// The headers by their names in lower case. If a name is there twice, this is the last value.
    pub headers: BTreeMap<String, String>,
}

/// Sends these bytes on a connection of their own and reads the answer until the server closes the connection. The
/// bytes need not be HTTP. If they are, they should ask the server to close the connection.
///
/// # Errors
/// There is no connection, no complete answer within a minute, or the answer is not HTTP.
pub async fn exchange(address: impl ToSocketAddrs, request: &[u8]) -> Result<Whole> {
    let mut answer = Vec::new();
    let exchange = async {
        let (mut reading, mut writing) = TcpStream::connect(address).await?.into_split();
        // A server may answer and close before it has read everything.
        let (_, read) = tokio::join!(writing.write_all(request), reading.read_to_end(&mut answer));
        read
    };
    let read = timeout(LIMIT, exchange).await.context("no answer")?;
    if answer.is_empty() {
        read?;
    }
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<Whole> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(answer)? else { bail!("the answer is cut short") };
    let status = head.code.context("no status")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = head.headers.iter().map(|header| (header.name.to_ascii_lowercase(), text(header.value)));
    let headers = headers.collect();
    let body = text(answer.get(length..).unwrap_or_default());
    Ok(Whole { answer: Answer { status, body }, headers })
}

/// Escapes a value for a query: everything except ASCII letters, digits and `-._~`.
pub fn escape(value: impl AsRef<[u8]>) -> String {
    const UNRESERVED: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::percent_encode(value.as_ref(), UNRESERVED).to_string()
}

/// Returns the bytes of an escaped query value. A `+` becomes a space.
pub fn unescape(value: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(&value.replace('+', " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_survives_a_query() {
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&every)), every);
        assert_eq!(unescape("a+b%2Bc"), b"a b+c");
    }
}
