//! Backends. A backend is one configured gateway: it reads the requests of the gateway and gives messages to the
//! gateway.

mod any;
pub(crate) mod authorization;
mod coding;
mod engines;
mod exposure;
mod gateway_time;
mod guard;
pub mod http;
pub mod httptester;
pub mod kannel;
pub(crate) mod redact;
mod reports;
mod transport;
mod words;

pub use crate::error::Fault;
pub use any::AnyBackend;
pub(crate) use any::ErasedBackend;
pub use engines::{Engine, Engines};
pub use exposure::Exposure;
pub(crate) use guard::{Attempt, CircuitBreaker, Permit};
pub use reports::{Reference, ReportKey, Reported, Reports};
#[cfg(feature = "client")]
pub use transport::HttpTransport;
pub use transport::{Fetched, Transport, TransportError};
pub(crate) use words::of_report;

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::time::Duration;

use ::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use jiff::Timestamp;

use crate::model::message::{Identity, Outgoing};
use crate::settings::Secret;

/// A backend: one configured gateway. It reads the requests of the gateway, and gives messages to the gateway.
///
/// A backend reads a request without side effects, from raw bytes: the query string is still percent-encoded, exactly
/// as it arrived. A backend sends only through the [`Transport`] that it gets.
///
/// # A gateway of your own
///
/// The file `core/examples/acme.rs` is a complete engine, with credentials and delivery reports. The test
/// `core/tests/own_engine.rs` shows how to test an engine.
///
/// ```
#[doc = include_str!("../../examples/acme.rs")]
/// ```
///
/// In a project, `functions/src/lib.rs` names the engine: its function `engines` returns the engines above. A backend in
/// the settings then uses the engine with `engine = "acme"`.
///
/// On AWS, the engine also needs a Lambda function. All Lambda functions are one program, `functions/src/main.rs`. The
/// environment variable `THREADLESS_FUNCTION` says which function it is. Add three things:
///
/// - in `FUNCTIONS` of `functions/src/lib.rs`, a line `("acme", Function::Http { engine: "acme" })`;
/// - in `template.yaml`, a copy of the resources whose names begin with `Http` (logs, role, function, integration,
///   route, permission, alarms), with other names, with `THREADLESS_FUNCTION: acme`, and with the route
///   `ANY /acme/{proxy+}`;
/// - for `cargo lambda watch`, a file `functions/src/bin/acme.rs` like `functions/src/bin/http.rs`. A deployment does
///   not use this file.
///
/// The tests of the project report each of these that is missing.
pub trait Backend: Send + Sync + 'static {
    /// Returns the HTTP methods that the endpoint of the backend accepts. Threadless answers any other method with 405.
    fn methods(&self) -> &[Method];

    /// Returns whether the request comes from the gateway.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller;

    /// Returns whether the request comes from the gateway, at this time. An engine whose signatures hold for a limited
    /// time implements this method. The default calls [`Backend::authenticate`].
    fn authenticate_at(&self, request: &Request<Bytes>, now: Timestamp) -> Caller {
        let _ = now;
        self.authenticate(request)
    }

    /// Reads the message out of a request. An error holds all faults at once.
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>>;

    /// Reads all messages out of a request, for a gateway that sends several messages at once. Threadless acknowledges
    /// the request only after each of them is durable. The default reads one message with [`Backend::decode`].
    fn decode_all(&self, request: &Request<Bytes>) -> Result<Vec<Received>, Vec<Fault>> {
        self.decode(request).map(|received| vec![received])
    }

    /// Returns the answer that the gateway gets after the message is durable. The default is 200 with an empty
    /// `text/plain` body.
    fn acknowledge(&self) -> Response<Bytes> {
        plain_text(StatusCode::OK, "")
    }

    /// Returns how to treat a message that came from the gateway and cannot be used.
    fn on_unusable(&self) -> OnUnusable {
        OnUnusable::Keep
    }

    /// Returns how the backend is exposed to others: whether a secret guards it, and where it sends. The default says
    /// nothing about the backend, so the backend counts as open to anyone. A deployment then refuses the settings,
    /// unless they say `open = true`.
    fn exposure(&self) -> Exposure {
        Exposure::open()
    }

    /// Returns the text of the request that Threadless keeps for an operator, if [`Backend::on_unusable`] says so. The
    /// text must not contain secrets. It must contain everything that a person needs to process by hand the message
    /// that [`Backend::decode`] could not read.
    ///
    /// The default is the whole request: the method, the path and the query, the content type, the headers that begin
    /// with `x-`, and the body (in Base64 if it is not text). Some fields of a query, of a form or of JSON have names
    /// that end like the name of a secret (`token`, `api_key`, `password` …); their values become `***`. For every
    /// implementation, Threadless removes the secrets of the backend's own table from the request before this call.
    /// Threadless keeps at most [`Unusable::MAX_RAW`] bytes of the result, and adds a note about the part that it cut
    /// off.
    ///
    /// [`Unusable::MAX_RAW`]: crate::store::Unusable::MAX_RAW
    fn redact(&self, request: &Request<Bytes>) -> String {
        redact::whole(request)
    }

    /// Returns the maximum number of replies to one connection in an hour, if the settings do not give
    /// `replies_per_hour`. `None` means no limit. The default is 300: a busy person gets about as many, and two
    /// machines that answer each other produce many times more in an hour.
    fn replies_per_hour(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(300)
    }

    /// Returns the reader of the backend's delivery reports, or `None` (the default) if the backend has no delivery
    /// reports.
    fn reports(&self) -> Option<&dyn Reports> {
        None
    }

    /// Returns the longest time that [`Backend::send`] may take.
    fn send_timeout(&self) -> Duration;

    /// Gives one message to the gateway. This takes at most `limit`, which is never more than
    /// [`Backend::send_timeout`].
    fn send(
        &self,
        message: &Outgoing,
        transport: &dyn Transport,
        limit: Duration,
    ) -> impl Future<Output = SendOutcome> + Send;
}

/// The treatment of a message that came from the gateway itself and cannot be used. The endpoint knows only these two
/// treatments, so the enum is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnusable {
    /// Threadless keeps the message as [`Unusable`](crate::store::Unusable) and answers the gateway as for a good
    /// message. After an error the gateway would only send the same message again.
    Keep,
    /// Threadless answers the gateway with 400 (415 for a wrong content type) and says in the body what is wrong.
    Refuse,
}

/// Returns an answer in plain text.
pub(crate) fn plain_text(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// The caller of an endpoint, as far as the backend can tell. The answer to each caller is a promise of the endpoint, so
/// the enum is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The gateway: the request carries the right token.
    Gateway,
    /// Anyone: the backend has no token.
    Anyone,
    /// An unknown caller: the request carries no token. The answer is 401.
    NoCredentials,
    /// A caller with a wrong token. The answer is 403.
    WrongCredentials,
}

impl Caller {
    /// Returns the caller of a request that carries `given` (or nothing) where `token` is required. The time
    /// of the comparison does not reveal how much of the token is right.
    ///
    /// ```
    /// use threadless::backend::Caller;
    /// use threadless::settings::Secret;
    ///
    /// let token = Secret::new("s3cret");
    /// assert_eq!(Caller::with_token(&token, Some(b"s3cret")), Caller::Gateway);
    /// assert_eq!(Caller::with_token(&token, Some(b"secret")), Caller::WrongCredentials);
    /// assert_eq!(Caller::with_token(&token, None), Caller::NoCredentials);
    /// ```
    pub fn with_token(token: &Secret, given: Option<&[u8]>) -> Self {
        match given {
            Some(given) if token.is(given) => Self::Gateway,
            Some(_) => Self::WrongCredentials,
            None => Self::NoCredentials,
        }
    }
}

/// A message as the endpoint of a backend read it.
///
/// ```
/// use threadless::backend::Received;
///
/// let mut received = Received::new("+251911223344".parse()?, "hello");
/// received.gateway_id = Some("7".to_owned());
/// received.details.insert("smsc".to_owned(), "usb0".to_owned());
/// # assert_eq!((received.text.as_str(), received.recipient), ("hello", None));
/// # Ok::<(), threadless::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The sender.
    pub identity: Identity,
    /// The text of the message.
    pub text: String,
    /// The gateway's own id of the message, which must be the same in each delivery of this message. With `None`, each
    /// delivery counts as a new message.
    pub gateway_id: Option<String>,
    /// The time when the message arrived at the gateway, if the gateway gave this time.
    pub received_at: Option<Timestamp>,
    /// The short code to which the message was sent.
    pub recipient: Option<String>,
    /// The payload as it arrived, if the text cannot hold it exactly.
    pub raw: Option<Vec<u8>>,
    /// All other fields that the gateway sent.
    pub details: BTreeMap<String, String>,
}

impl Received {
    /// Creates a message with a sender and a text. Set the other fields that the gateway gave. Set
    /// [`gateway_id`](Self::gateway_id) if the gateway has an id of its own for the message: without this id, a second
    /// delivery counts as a second message.
    pub fn new(identity: Identity, text: impl Into<String>) -> Self {
        Self {
            identity,
            text: text.into(),
            gateway_id: None,
            received_at: None,
            recipient: None,
            raw: None,
            details: BTreeMap::new(),
        }
    }
}

/// Converts an error of the transport. The outcome is uncertain only if a connection to the gateway existed.
impl From<TransportError> for SendOutcome {
    fn from(problem: TransportError) -> Self {
        let detail = problem.to_string();
        match problem {
            TransportError::Unreached(_) => Self::Deferred { detail },
            TransportError::TimedOut(_) | TransportError::Broken(_) => Self::Uncertain { detail },
        }
    }
}

/// The outcome of one attempt to give a message to a gateway. An engine must choose one of these four, and each of them
/// decides whether the message is sent again, so the enum is closed.
///
/// The detail goes into the log and into the history. The engine describes in its own words what happened, for example
/// `"422: an unknown number"`. The detail must not quote the gateway's answer, because an answer may contain the
/// number, the text or a password. If an engine quotes the answer nevertheless, Threadless removes the numbers, the
/// text and the secrets of the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The gateway has the message. It may send the message now or later.
    Accepted {
        /// The gateway's answer, in the engine's words.
        detail: String,
    },
    /// The gateway will never accept the message, or nothing can encode the message. Another attempt cannot help.
    Refused {
        /// The reason.
        detail: String,
    },
    /// The gateway did not accept the message, but may accept it later.
    Deferred {
        /// The reason.
        detail: String,
    },
    /// The request went out and no answer came. The gateway may have accepted the message.
    Uncertain {
        /// The reason.
        detail: String,
    },
}
