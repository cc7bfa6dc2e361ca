//! How a backend reaches its gateway over HTTP, and what can go wrong on the way.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

/// An answer of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The body, cut after [`Fetched::MAX_BODY`] bytes.
    pub body: Bytes,
}

impl Fetched {
    /// The most of a body that is read: gateways answer with a line.
    pub const MAX_BODY: usize = 16_384;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection was made, so nothing was sent: nobody listens, no such host, no TLS.
    #[error("not reached: {0}")]
    Unreached(String),
    /// The request may have been sent, and no whole answer came before the time was up.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The request may have been sent, and the connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// The way to a gateway. The real one is `HttpTransport`.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request, whose URI is a whole URL, and reads the answer, all of it within `limit`. Redirects are
    /// answers.
    async fn fetch(&self, request: Request<Bytes>, limit: Duration) -> Result<Fetched, TransportError>;
}

#[cfg(feature = "client")]
pub use client::HttpTransport;

#[cfg(feature = "client")]
mod client {
    use std::error::Error as _;
    use std::sync::OnceLock;

    use super::{Bytes, Duration, Fetched, Request, Transport, TransportError, async_trait};

    /// Reaches gateways with one HTTP client, made on first use since a cold start need not wait for it. It keeps
    /// connections open, follows no redirect and asks no proxy.
    #[derive(Default)]
    pub struct HttpTransport {
        client: OnceLock<Result<reqwest::Client, String>>,
    }

    impl HttpTransport {
        /// A transport whose client is still to be made.
        pub fn new() -> Self {
            Self::default()
        }

        fn client(&self) -> Result<&reqwest::Client, TransportError> {
            let made = self.client.get_or_init(|| {
                // Fails only where a provider is installed already, which will do as well.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let client = reqwest::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .no_proxy()
                    .retry(reqwest::retry::never())
                    .connect_timeout(Duration::from_secs(5))
                    // A frozen Lambda environment thaws with connections that the gateway closed long ago.
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
            // Not by reqwest's conversion, which forgets the `user:password@` of a URL.
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

    /// The innermost cause: the outer ones repeat the URL, which has a password in it.
    fn root_cause(error: &reqwest::Error) -> String {
        let mut cause = error.source();
        while let Some(deeper) = cause.and_then(std::error::Error::source) {
            cause = Some(deeper);
        }
        cause.map_or_else(|| "no request could be made of the URL".to_owned(), ToString::to_string)
    }
}
