//! What a backend is: one kind of gateway, how its requests are read and how messages are given to it.

mod engines;
mod guard;
pub mod kannel;
mod transport;

pub use engines::{Engine, Engines};
pub(crate) use guard::{Attempt, Guard, Permit};
#[cfg(feature = "client")]
pub use transport::HttpTransport;
pub use transport::{Fetched, Transport, TransportError};

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use jiff::Timestamp;

use crate::message::{Identity, Outgoing};

/// One configured gateway: how its requests are read, and how messages are given to it.
///
/// Reading is pure and from raw bytes: the query string is as it came, still percent-encoded. Sending goes
/// through the [`Transport`] that it is given.
pub trait Backend: Send + Sync + 'static {
    /// The methods its endpoint takes; any other is answered with 405.
    fn methods(&self) -> &[Method];

    /// Whether the request comes from the gateway.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller;

    /// Reads the message out of a request. All faults at once.
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>>;

    /// What the gateway is answered once the message is durable: by default 200, empty `text/plain`.
    fn acknowledge(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }

    /// What the gateway is answered for a message that came from it and cannot be used: by default as for a good
    /// one, since it would only bring it back. The message is kept as [`Unusable`](crate::store::Unusable).
    fn acknowledge_unusable(&self) -> StatusCode {
        StatusCode::OK
    }

    /// The request as it may be kept, without secrets: by default its query string.
    fn redact(&self, request: &Request<Bytes>) -> String {
        request.uri().query().unwrap_or_default().to_owned()
    }

    /// How long [`Backend::send`] may take.
    fn send_timeout(&self) -> Duration;

    /// Gives one message to the gateway, in at most `limit` (never more than [`Backend::send_timeout`]).
    fn send(
        &self,
        message: &Outgoing,
        transport: &dyn Transport,
        limit: Duration,
    ) -> impl Future<Output = SendOutcome> + Send;
}

/// Who sent a request, as far as its backend can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The gateway: it knows the token.
    Gateway,
    /// Anyone: the backend has no token.
    Anyone,
    /// Nobody we know: no token came with the request. 401.
    Nameless,
    /// Someone with a wrong token. 403.
    Impostor,
}

/// A message as a backend's endpoint read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sender.
    pub identity: Identity,
    /// What they wrote.
    pub text: String,
    /// What the gateway calls the message, the same each time that it delivers it. `None`: each delivery is a
    /// message of its own.
    pub gateway_id: Option<String>,
    /// When it arrived at the gateway, if that said so.
    pub received_at: Option<Timestamp>,
    /// The short code it was sent to.
    pub recipient: Option<String>,
    /// The payload as it came, where the text cannot hold it exactly.
    pub raw: Option<Vec<u8>>,
    /// What else the gateway said.
    pub details: BTreeMap<String, String>,
}

/// What is wrong with one field of a request or a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field: `id`, `backends.clinic.sendsms_url`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Fault {
    /// Puts the two together.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

/// What came of giving a message to a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The gateway has it, for now or for later.
    Accepted {
        /// The gateway's words.
        detail: String,
    },
    /// The gateway will never take it, or it can never be encoded. Trying again cannot help.
    Refused {
        /// Why.
        detail: String,
    },
    /// The gateway did not take it, but may later.
    Deferred {
        /// Why.
        detail: String,
    },
    /// The request went out and no answer came: the gateway may have taken it.
    Uncertain {
        /// Why.
        detail: String,
    },
}

/// [`Backend`] with its future boxed, so that backends of different kinds stand in one table.
pub(crate) trait ErasedBackend: Send + Sync {
    fn methods(&self) -> &[Method];
    fn authenticate(&self, request: &Request<Bytes>) -> Caller;
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>>;
    fn acknowledge(&self) -> Response<Bytes>;
    fn acknowledge_unusable(&self) -> StatusCode;
    fn redact(&self, request: &Request<Bytes>) -> String;
    fn send_timeout(&self) -> Duration;
    fn send<'a>(
        &'a self,
        message: &'a Outgoing,
        transport: &'a dyn Transport,
        limit: Duration,
    ) -> Pin<Box<dyn Future<Output = SendOutcome> + Send + 'a>>;
}

impl<B: Backend> ErasedBackend for B {
    fn methods(&self) -> &[Method] {
        Backend::methods(self)
    }
    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        Backend::authenticate(self, request)
    }
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        Backend::decode(self, request)
    }
    fn acknowledge(&self) -> Response<Bytes> {
        Backend::acknowledge(self)
    }
    fn acknowledge_unusable(&self) -> StatusCode {
        Backend::acknowledge_unusable(self)
    }
    fn redact(&self, request: &Request<Bytes>) -> String {
        Backend::redact(self, request)
    }
    fn send_timeout(&self) -> Duration {
        Backend::send_timeout(self)
    }
    fn send<'a>(
        &'a self,
        message: &'a Outgoing,
        transport: &'a dyn Transport,
        limit: Duration,
    ) -> Pin<Box<dyn Future<Output = SendOutcome> + Send + 'a>> {
        Box::pin(Backend::send(self, message, transport, limit))
    }
}

/// A backend of any kind.
#[derive(Clone)]
pub struct AnyBackend(pub(crate) Arc<dyn ErasedBackend>);

impl AnyBackend {
    /// Of this one.
    pub fn new(backend: impl Backend) -> Self {
        Self(Arc::new(backend))
    }
}
