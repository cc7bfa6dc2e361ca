//! One recorded request.

use std::time::Instant;

use crate::http::unescape;

/// A request that was read.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// The path and the query, still escaped.
    pub target: String,
    /// The names and values in their order. Values that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The time when the request was read.
    pub at: Instant,
    /// The number of its connection. The server's first connection is 1.
    pub connection: usize,
}

impl Recorded {
    /// Returns the path, still escaped.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Returns the query, still escaped, or an empty text if there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Returns a parameter's bytes, unescaped, or `None` if it is absent. If it is there twice, returns the first.
    pub fn param(&self, name: &str) -> Option<Vec<u8>> {
        let mut pairs = self.query().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| unescape(value))
    }

    /// Returns a parameter as text, or `None` if it is absent. Bytes that are not UTF-8 are replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        self.param(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns a header's value. The case of its name does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
