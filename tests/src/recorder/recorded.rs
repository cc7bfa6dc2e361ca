//! One request as it came.

use std::time::Instant;

use crate::http::unescape;

/// A request that was read.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query, not unescaped.
    pub target: String,
    /// Names and values in their order; values that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// When it was read.
    pub at: Instant,
    /// Which connection it came on: 1 for the server's first.
    pub connection: usize,
}

impl Recorded {
    /// The path, not unescaped.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query, not unescaped; empty where there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// A parameter's bytes, unescaped. `None` if it is absent; the first if it is there twice.
    pub fn param(&self, name: &str) -> Option<Vec<u8>> {
        let mut pairs = self.query().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| unescape(value))
    }

    /// A parameter as text. `None` if it is absent; bytes that are not UTF-8 are replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        self.param(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A header's value, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
