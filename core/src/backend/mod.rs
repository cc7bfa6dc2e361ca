//! Backends. A backend is one configured gateway: it reads the requests of the gateway and gives messages to the
//! gateway.

mod any;
pub(crate) mod authorization;
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
/// Suppose that the webhook of the gateway posts `{"msisdn": "251911…", "content": "…", "ref": "…"}` and expects the
/// answer `{"status": "received"}`. One file makes a backend for this gateway:
///
/// ```
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use http::{Method, Request, Response};
/// use threadless::Outgoing;
/// use threadless::backend::{
///     AnyBackend, Backend, Caller, Engines, Exposure, Fault, OnUnusable, Received, SendOutcome, Transport,
/// };
/// use threadless::settings::{Fields, Secret};
///
/// pub struct Acme {
///     send_url: String,
///     key: Option<Secret>,
/// }
///
/// impl Acme {
///     /// Reads the table of the backend in the settings. Reports faults to `fields`. A key that no line here reads is a
///     /// fault too.
///     pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
///         Some(Self { send_url: fields.required_text("send_url"), key: fields.secret("key") })
///     }
/// }
///
/// impl Backend for Acme {
///     fn methods(&self) -> &[Method] {
///         &[Method::POST]
///     }
///
///     fn authenticate(&self, request: &Request<Bytes>) -> Caller {
///         match (&self.key, request.headers().get("x-acme-key")) {
///             (None, _) => Caller::Anyone,
///             (Some(key), Some(given)) if key.is(given.as_bytes()) => Caller::Gateway,
///             (Some(_), Some(_)) => Caller::WrongCredentials,
///             (Some(_), None) => Caller::NoCredentials,
///         }
///     }
///
///     /// Returns what a caller needs and where messages go. A deployment without the key is refused, unless the settings
///     /// have `open = true`.
///     fn exposure(&self) -> Exposure {
///         Exposure::open().guarded_by("key", self.key.is_some()).sends_to("send_url", &self.send_url)
///     }
///
///     fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
///         let body: serde_json::Value = serde_json::from_slice(request.body())
///             .map_err(|problem| vec![Fault::new("body", problem.to_string())])?;
///         let text = |field: &str| body[field].as_str().map(str::to_owned);
///         let sender = text("msisdn").unwrap_or_default();
///         Ok(Received {
///             identity: sender.parse().map_err(|problem: threadless::InvalidName| {
///                 vec![Fault::new("msisdn", problem.to_string())]
///             })?,
///             text: text("content").ok_or_else(|| vec![Fault::new("content", "is missing")])?,
///             // The gateway gives the same id each time that it delivers this message. So the message takes effect
///             // once.
///             gateway_id: text("ref"),
///             received_at: None,
///             recipient: None,
///             raw: None,
///             details: Default::default(),
///         })
///     }
///
///     fn acknowledge(&self) -> Response<Bytes> {
///         Response::new(Bytes::from_static(br#"{"status":"received"}"#))
///     }
///
///     fn on_unusable(&self) -> OnUnusable {
///         OnUnusable::Refuse
///     }
///
///     fn send_timeout(&self) -> Duration {
///         Duration::from_secs(10)
///     }
///
///     async fn send(&self, message: &Outgoing, transport: &dyn Transport, limit: Duration) -> SendOutcome {
///         let body = serde_json::json!({ "to": message.connection.identity, "content": message.text });
///         let request = match Request::post(&self.send_url).body(Bytes::from(body.to_string())) {
///             Ok(request) => request,
///             Err(problem) => return SendOutcome::Refused { detail: problem.to_string() },
///         };
///         match transport.fetch(request, limit).await {
///             Ok(answer) if answer.status == 200 => SendOutcome::Accepted { detail: "200".to_owned() },
///             Ok(answer) if answer.status == 422 => SendOutcome::Refused { detail: "422".to_owned() },
///             Ok(answer) => SendOutcome::Deferred { detail: answer.status.to_string() },
///             // If there was no connection, the message was not sent, and the outcome is `Deferred`. After any other
///             // error the gateway may have the message, and the outcome is `Uncertain`.
///             Err(problem) => problem.into(),
///         }
///     }
/// }
///
/// // In functions/src/lib.rs: registers the engine under the name that the settings use, `engine = "acme"`.
/// let engines = Engines::standard().with("acme", |fields| Acme::from_fields(fields).map(AnyBackend::new));
///
/// // The test of the backend: bodies of requests, each with the text of the message or the field that is wrong.
/// let acme = Acme { send_url: "http://acme.example/send".to_owned(), key: None };
/// let table = [
///     (r#"{"msisdn":"251911","content":"hi","ref":"7"}"#, Ok("hi")),
///     (r#"{"content":"hi"}"#, Err("msisdn")),
///     (r#"{"msisdn":"251911"}"#, Err("content")),
///     ("hi", Err("body")),
/// ];
/// for (body, expected) in table {
///     let request = Request::post("/acme/clinic/").body(Bytes::from_static(body.as_bytes())).unwrap();
///     let read = acme.decode(&request);
///     let found = read.as_ref().map(|message| message.text.as_str()).map_err(|faults| faults[0].field.as_str());
///     assert_eq!(found, expected);
/// }
/// # let _ = engines;
/// ```
///
/// The new engine also needs a Lambda function. Add three things: a binary like `functions/src/bin/http.rs`; a line in
/// `FUNCTIONS` with `Function::Http { engine: "acme" }`; and in `template.yaml` a copy of the block of the `http`
/// function with another name and the route `ANY /acme/{proxy+}`. The tests of the project report each of these that is
/// missing.
pub trait Backend: Send + Sync + 'static {
    /// Returns the HTTP methods that the endpoint of the backend accepts. Threadless answers any other method with 405.
    fn methods(&self) -> &[Method];

    /// Returns whether the request comes from the gateway.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller;

    /// Reads the message out of a request. An error holds all faults at once.
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>>;

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

/// The treatment of a message that came from the gateway itself and cannot be used.
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

/// The caller of an endpoint, as far as the backend can tell.
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
    /// Returns the caller of a request that carries `given` (or nothing) where `token` is required.
    pub(crate) fn with_token(token: &Secret, given: Option<&[u8]>) -> Self {
        match given {
            Some(given) if token.is(given) => Self::Gateway,
            Some(_) => Self::WrongCredentials,
            None => Self::NoCredentials,
        }
    }
}

/// A message as the endpoint of a backend read it.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The outcome of one attempt to give a message to a gateway.
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
