//! The HTTP transport from a backend to its gateway, and its errors.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

/// An answer of a gateway.
///
/// ```
/// use threadless::backend::Fetched;
///
/// let answer = Fetched::new(202, "0: Accepted for delivery");
/// assert_eq!((answer.status, &answer.body[..]), (202, &b"0: Accepted for delivery"[..]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The body, cut off after [`Fetched::MAX_BODY`] bytes.
    pub body: Bytes,
}

impl Fetched {
    /// The maximum number of bytes of a body that are read. Usual answers of gateways have one line.
    pub const MAX_BODY: usize = 16_384;

    /// Creates an answer.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, body: body.into() }
    }
}

/// The reason why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection was made, so nothing was sent. For example, the host does not exist, no server listens, or TLS
    /// failed.
    #[error("cannot connect: {0}")]
    Unreached(String),
    /// The request may have been sent, but no complete answer came in time.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The request may have been sent, and then the connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// A transport for requests to gateways. The real transport is `HttpTransport`.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the complete answer within `limit`. The URI of the request must be a complete URL. The
    /// transport does not follow a redirect, but returns it as the answer.
    async fn fetch(&self, request: Request<Bytes>, limit: Duration) -> Result<Fetched, TransportError>;
}

#[cfg(feature = "client")]
pub use client::HttpTransport;

#[cfg(feature = "client")]
mod client {
    use std::error::Error as _;
    use std::sync::OnceLock;

    use super::{Bytes, Duration, Fetched, Request, Transport, TransportError, async_trait};

    /// A transport with one HTTP client. The client is made at its first use, because a cold start need not wait for
    /// it. The client keeps connections open, follows no redirect and uses no proxy.
    #[derive(Default)]
    pub struct HttpTransport {
        client: OnceLock<Result<reqwest::Client, String>>,
    }

    impl HttpTransport {
        /// Makes a transport. Its client is made later.
        pub fn new() -> Self {
            Self::default()
        }

        fn client(&self) -> Result<&reqwest::Client, TransportError> {
            let made = self.client.get_or_init(|| {
                // This fails only if a provider is installed already; that provider works as well.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let client = reqwest::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .no_proxy()
                    .retry(reqwest::retry::never())
                    .connect_timeout(Duration::from_secs(5))
                    // A frozen Lambda environment still holds its old connections when it continues, but the gateway
                    // has closed them.
                    .pool_idle_timeout(Duration::from_secs(20))
                    .user_agent(concat!("threadless/", env!("CARGO_PKG_VERSION")))
                    .build();
                client.map_err(|problem| problem.to_string())
            });
            made.as_ref().map_err(|problem| TransportError::Unreached(problem.clone()))
        }
    }

    #[async_trait]
    impl Transport for HttpTransport {
        async fn fetch(&self, request: Request<Bytes>, limit: Duration) -> Result<Fetched, TransportError> {
            let (parts, body) = request.into_parts();
            // The conversion of reqwest would lose the `user:password@` of a URL.
            let request = self.client()?.request(parts.method, parts.uri.to_string()).headers(parts.headers);
            let request = if body.is_empty() { request } else { request.body(body) };
            let fetch = async {
                let mut response = request.send().await?;
                let status = response.status().as_u16();
                let mut body = Vec::new();
                while body.len() < Fetched::MAX_BODY
                    && let Some(chunk) = response.chunk().await?
                {
                    body.extend_from_slice(&chunk);
                }
                body.truncate(Fetched::MAX_BODY);
                Ok(Fetched { status, body: body.into() })
            };
            match tokio::time::timeout(limit, fetch).await {
                Ok(fetched) => fetched.map_err(|error| classified(&error, limit)),
                Err(_) => Err(TransportError::TimedOut(limit)),
            }
        }
    }

    fn classified(error: &reqwest::Error, limit: Duration) -> TransportError {
        if error.is_connect() || error.is_builder() {
            TransportError::Unreached(root_cause(error))
        } else if error.is_timeout() {
            TransportError::TimedOut(limit)
        } else {
            TransportError::Broken(root_cause(error))
        }
    }

    /// Returns the innermost cause. The outer causes repeat the URL, which may contain a password.
    fn root_cause(error: &reqwest::Error) -> String {
        let mut cause = error.source();
        while let Some(deeper) = cause.and_then(std::error::Error::source) {
            cause = Some(deeper);
        }
        cause.map_or_else(|| "the URL cannot be called".to_owned(), ToString::to_string)
    }
}
