//! The server's treatment of a request.

use std::time::Duration;

/// The treatment of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The request is answered.
    Reply(Reply),
    /// The request is never answered. The connection stays open until the client gives up.
    Hang,
    /// The connection is closed before anything is read from it (most clients see a reset). The request is not
    /// recorded.
    CloseUnread,
    /// The request is read and recorded. Then the connection is closed without an answer.
    CloseAfterReading,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers in addition to `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The delay of the answer.
    pub delay: Duration,
}

impl Reply {
    /// Makes a 200 answer with a text/plain body.
    pub fn text(body: impl Into<String>) -> Self {
        let headers = vec![("Content-Type".into(), "text/plain".into())];
        Self { status: 200, headers, body: body.into().into_bytes(), delay: Duration::ZERO }
    }

    /// Makes an empty answer with a status.
    pub fn status(status: u16) -> Self {
        Self::text("").with_status(status)
    }

    /// Returns this answer with another status.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Returns this answer with one more header.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns this answer with a delay.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Returns the bytes on the wire.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} -\r\nContent-Length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}
