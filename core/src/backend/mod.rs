//! What a backend is: one kind of gateway, how its requests are read and how messages are given to it.

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

/// One configured gateway: how its requests are read, and how messages are given to it.
///
/// Reading is pure and from raw bytes: the query string is as it came, still percent-encoded. Sending goes
/// through the [`Transport`] that it is given.
///
/// # A gateway of your own
///
/// Say its webhook posts `{"msisdn": "251911…", "content": "…", "ref": "…"}` and wants `{"status": "received"}` back.
/// One file makes it a backend:
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
///     /// Its table in the settings. What is wrong goes to `fields`; a key that nobody asks for is a fault.
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
///     /// Deployed, it is refused without the key, unless the settings say `open = true`.
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
///             // The same each time that it delivers the message: so its effect happens once.
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
///             // Deferred if nothing was sent; after any other error something may have been.
///             Err(problem) => problem.into(),
///         }
///     }
/// }
///
/// // In functions/src/lib.rs: the name that `engine = "acme"` in the settings calls it by.
/// let engines = Engines::standard().with("acme", |fields| Acme::from_fields(fields).map(AnyBackend::new));
///
/// // Its test: requests and what is read out of them.
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
/// Then its function: a binary like `functions/src/bin/http.rs`, a line in `FUNCTIONS` with
/// `Function::Http { engine: "acme" }`, and in `template.yaml` the block of the `http` function with another name
/// and the route `ANY /acme/{proxy+}`. The tests of the project say where one of these is missing.
pub trait Backend: Send + Sync + 'static {
    /// The methods its endpoint takes; any other is answered with 405.
    fn methods(&self) -> &[Method];

    /// Whether the request comes from the gateway.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller;

    /// Reads the message out of a request. All faults at once.
    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>>;

    /// What the gateway is answered once the message is durable: by default 200, empty `text/plain`.
    fn acknowledge(&self) -> Response<Bytes> {
        plain_text(StatusCode::OK, "")
    }

    /// What is done with a message that came from the gateway and cannot be used.
    fn on_unusable(&self) -> OnUnusable {
        OnUnusable::Keep
    }

    /// What of it others can reach: who guards it, and where it sends. By default it says nothing, and counts as open to
    /// anyone: deployed it is refused then, unless the settings say `open = true`.
    fn exposure(&self) -> Exposure {
        Exposure::open()
    }

    /// The request as it is kept where [`Backend::on_unusable`] says so, without secrets, and with all that it takes to
    /// do by hand what [`Backend::decode`] could not.
    ///
    /// By default the whole request: method, path and query, the content type and headers that begin with `x-`, and the
    /// body, in Base64 where it is no text. A field of the query, of a form or of JSON whose name ends like that of a
    /// secret (`token`, `api_key`, `password` …) has `…` in the place of its value. Whatever this returns, the secrets of
    /// the backend's own table are taken out before, and no more than [`Unusable::MAX_RAW`] bytes are kept, with a word
    /// about what was cut off.
    ///
    /// [`Unusable::MAX_RAW`]: crate::store::Unusable::MAX_RAW
    fn redact(&self, request: &Request<Bytes>) -> String {
        redact::whole(request)
    }

    /// The most replies to one connection in an hour where the settings say nothing else; `None` for any number.
    /// By default 300: as many as a busy person gets, and a fraction of what two machines make of an hour.
    fn replies_per_hour(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(300)
    }

    /// How its delivery reports are read, where it has any: by default none.
    fn reports(&self) -> Option<&dyn Reports> {
        None
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

/// What is done with a message that came from the gateway itself and cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnusable {
    /// It is kept as [`Unusable`](crate::store::Unusable), and the gateway is answered as for a good one: it would
    /// only bring it back.
    Keep,
    /// The gateway is told what is wrong with it, with 400.
    Refuse,
}

/// An answer in plain text.
pub(crate) fn plain_text(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// Who sent a request, as far as its backend can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The gateway: it knows the token.
    Gateway,
    /// Anyone: the backend has no token.
    Anyone,
    /// Nobody we know: no token came with the request. 401.
    NoCredentials,
    /// Someone with a wrong token. 403.
    WrongCredentials,
}

impl Caller {
    /// Who gives this in the place of the token that is asked for.
    pub(crate) fn with_token(token: &Secret, given: Option<&[u8]>) -> Self {
        match given {
            Some(given) if token.is(given) => Self::Gateway,
            Some(_) => Self::WrongCredentials,
            None => Self::NoCredentials,
        }
    }
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

/// Only a connection that was made leaves doubt.
impl From<TransportError> for SendOutcome {
    fn from(problem: TransportError) -> Self {
        let detail = problem.to_string();
        match problem {
            TransportError::Unreached(_) => Self::Deferred { detail },
            TransportError::TimedOut(_) | TransportError::Broken(_) => Self::Uncertain { detail },
        }
    }
}

/// What came of giving a message to a gateway.
///
/// The detail goes to the log and to the history. It says in words of the engine's own what happened, such as
/// `"422: an unknown number"`, and repeats no answer: a gateway may put the number, the text or a password into it.
/// Numbers and the text are left out all the same where an engine does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The gateway has it, for now or for later.
    Accepted {
        /// What the gateway said, in the engine's words.
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
