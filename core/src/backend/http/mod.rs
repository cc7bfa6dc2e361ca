//! Any gateway that speaks HTTP in forms, URLs or JSON.

mod inbound;
mod outbound;
mod signature;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};

use super::authorization::{basic_password, bearer_token};
use super::{
    Backend, Caller, Fault, Fetched, OnUnusable, Received, SendOutcome, Transport, TransportError, plain_text,
};
use crate::config::{Fields, Place, Secret};
use crate::message::Outgoing;
use inbound::{Form, Names};
use outbound::Outbound;
use signature::Signature;

/// A gateway that speaks HTTP: `engine = "http"`, at `/http/<name>/`.
///
/// It takes a POST of a form or of a JSON object, or a GET with a query, and answers `OK`, or 400 with a line for
/// each field that is wrong.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `outgoing_url` | where messages go; `%(identity)s`, `%(text)s`, `%(id)s`, `%(backend)s` in its path or query are filled in, escaped | required |
/// | `outgoing_method` | `"GET"`: the message is in the URL; `"form"`, `"json"`: it is posted | `"GET"` |
/// | `outgoing_identity`, `outgoing_text`, `outgoing_id` | what its fields are called when it is posted | `"identity"`, `"text"`, `"id"` |
/// | `headers` | further headers; secrets by reference | none |
/// | `expected_statuses` | the statuses that mean that it was taken | 200 to 299 |
/// | `timeout_seconds` | how long the gateway may take to answer, 1 to 60 | 15 |
/// | `incoming_identity`, `incoming_text`, `incoming_id`, `incoming_timestamp`, `incoming_recipient` | what the fields of requests are called | `"identity"`, `"text"`, `"id"`, `"timestamp"`, `"recipient"` |
/// | `token` | what requests must carry: as the field `token`, as `Bearer`, or as the password of `Basic` | none |
/// | `signature_secret`, `signature_header` | what the raw body must be signed with (HMAC-SHA256, hexadecimal), and where | none, `"x-signature"` |
#[derive(Debug)]
pub struct HttpGateway {
    names: Names,
    outbound: Outbound,
    expected: Option<Vec<i64>>,
    token: Option<Secret>,
    signature: Option<Signature>,
    timeout: Duration,
}

/// How long a gateway may take, unless the settings say otherwise.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The field that may carry the token.
const TOKEN: &str = "token";

impl HttpGateway {
    /// Reads its table in the settings; what is wrong is reported to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let names = Names::from_fields(fields);
        let outbound = Outbound::from_fields(fields);
        let expected = fields.numbers("expected_statuses", 100..=599);
        let (token, signature) = (fields.secret(TOKEN), Signature::from_fields(fields));
        let open = token.is_none() && signature.is_none();
        if open && fields.place() == Place::Deployed && !fields.is_faulty() {
            fields.warn(TOKEN, "is missing: anyone who knows the URL can send messages in");
        }
        let timeout = fields.seconds("timeout_seconds", 1..=60).unwrap_or(TIMEOUT);
        Some(Self { names, outbound: outbound?, expected, token, signature, timeout })
    }

    fn check_token(token: &Secret, request: &Request<Bytes>) -> Caller {
        let form = Form::of(request).ok();
        let in_form = form.and_then(|form| form.bytes(TOKEN).map(<[u8]>::to_vec));
        let headers = request.headers();
        match in_form.or_else(|| bearer_token(headers)).or_else(|| basic_password(headers)) {
            Some(given) if token.is(&given) => Caller::Gateway,
            Some(_) => Caller::Impostor,
            None => Caller::Nameless,
        }
    }

    fn read(&self, answer: Result<Fetched, TransportError>) -> SendOutcome {
        let Fetched { status, .. } = match answer {
            Ok(fetched) => fetched,
            Err(problem @ TransportError::Unreached(_)) => {
                return SendOutcome::Deferred { detail: problem.to_string() };
            }
            Err(problem) => return SendOutcome::Uncertain { detail: problem.to_string() },
        };
        let detail = status.to_string();
        let taken = match &self.expected {
            Some(statuses) => statuses.contains(&i64::from(status)),
            None => (200..=299).contains(&status),
        };
        match status {
            _ if taken => SendOutcome::Accepted { detail },
            // An operator can mend these, or time can.
            401 | 403 | 404 | 408 | 425 | 429 => SendOutcome::Deferred { detail },
            400..=499 => SendOutcome::Refused { detail },
            _ => SendOutcome::Deferred { detail },
        }
    }
}

impl Backend for HttpGateway {
    fn methods(&self) -> &[Method] {
        &[Method::GET, Method::POST]
    }

    /// With a token and a signature, both must be right.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        let token = self.token.as_ref().map(|token| Self::check_token(token, request));
        let signature = self.signature.as_ref().map(|signature| signature.check(request));
        match (token, signature) {
            (None, None) => Caller::Anyone,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(Caller::Gateway), Some(other)) | (Some(other), Some(_)) => other,
        }
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        let form = Form::of(request).map_err(|fault| vec![fault])?;
        form.message(&self.names, TOKEN)
    }

    fn acknowledge(&self) -> Response<Bytes> {
        plain_text("OK")
    }

    /// Its client is a program that reads its answers.
    fn on_unusable(&self) -> OnUnusable {
        OnUnusable::Refuse
    }

    fn send_timeout(&self) -> Duration {
        self.timeout
    }

    async fn send(&self, message: &Outgoing, transport: &dyn Transport, limit: Duration) -> SendOutcome {
        match self.outbound.request(message) {
            Ok(request) => self.read(transport.fetch(request, limit).await),
            Err(problem) => SendOutcome::Refused { detail: problem.to_string() },
        }
    }
}

#[cfg(test)]
mod tests;
