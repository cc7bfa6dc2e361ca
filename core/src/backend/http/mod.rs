//! Any gateway that speaks HTTP in forms, URLs or JSON.

mod field_names;
mod inbound;
mod outbound;
mod payload;
mod signature;
mod status;
mod url_template;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use super::authorization::{basic_password, bearer_token};
use super::{
    Backend, Caller, Exposure, Fetched, OnUnusable, Received, Reported, Reports, SendOutcome, Transport,
    TransportError, plain_text,
};
use crate::backend::words::{answer_was_lost, described};
use crate::error::Fault;
use crate::model::message::{BackendName, Outgoing};
use crate::settings::{Fields, Secret};
pub(super) use inbound::Inbound;
use inbound::TOKEN;
use outbound::Outbound;
use signature::{SIGNATURE_SECRET, Signature};
use status::Status;

/// A gateway that speaks HTTP: `engine = "http"`, at `/http/<name>/`.
///
/// It takes a POST of a form or of a JSON object of texts and numbers, or a GET with a query, in UTF-8. It answers
/// `OK`, or 400 with a line for each field that is wrong, or 415 to any other content type.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `outgoing_url` | where messages go; `%(identity)s`, `%(text)s`, `%(id)s`, `%(backend)s` in its path or query are filled in, escaped | required |
/// | `outgoing_method` | `"GET"`: the message is in the URL; `"form"`, `"json"`: it is posted | `"GET"` |
/// | `outgoing_identity`, `outgoing_text`, `outgoing_id` | what its fields are called when it is posted | `"identity"`, `"text"`, `"id"` |
/// | `headers` | further headers; secrets by reference | none |
/// | `expected_statuses` | the statuses that mean that it was taken | 200 to 299 |
/// | `timeout_seconds` | how long the gateway may take to answer, 1 to 60 | 15 |
/// | `incoming_identity`, `incoming_text`, `incoming_recipient` | what the fields of requests are called | `"identity"`, `"text"`, `"recipient"` |
/// | `incoming_id` | the field of the gateway's own id. A message with the id of an earlier one of its sender is that one, come twice | `"id"` |
/// | `incoming_timestamp` | the field of the time of arrival: seconds or milliseconds since 1970, or ISO 8601 | `"timestamp"` |
/// | `token` | what requests must carry: as the field `token`, also in a query beside a body, as `Bearer`, or as the password of `Basic` | none |
/// | `signature_secret`, `signature_header` | what the raw body must be signed with (HMAC-SHA256, hexadecimal, `sha256=` before it or not), and where. Then only POST is taken: a query would not be signed | none, `"x-signature"` |
/// | `open`, `plain_http` | as with [`kannel`](super::kannel::Kannel); a signature guards as well as a token | `false` |
///
/// | `delivery_reports` | whether the gateway reports at `/http/<name>/status/` what became of messages | `false` |
/// | `report_id`, `report_status`, `report_detail` | what the fields of these reports are called: our id as it was given, what became of the message, and words about it | `"id"`, `"status"`, `"detail"` |
/// | `report_delivered`, `report_failed`, `report_sent` | what the status can be for each: lists of texts, in capitals or not | those below |
///
/// With both `token` and `signature_secret` a request needs both.
///
/// # Delivery reports
///
/// With `delivery_reports = true` a message's id, as `%(id)s` and `outgoing_id` give it, is a signed reference of about
/// 100 letters, digits, `-` and `_`, the same in every attempt. A report brings it back, as a POST of a form or JSON or
/// as a GET, with the token or the signature that messages need; the id may also stand in the query of a POST, for a
/// gateway that is told a URL for each message, such as
/// `…&callback=https%3A%2F%2Fyours.example%2Fhttp%2Fmy-gateway%2Fstatus%2F%3Fid%3D%(id)s`. It is answered `OK`; 400 with
/// the fields that are wrong; 401 or 403 without the token or for an id that is not ours.
///
/// | status | means | unless the settings say otherwise |
/// |---|---|---|
/// | delivered | the phone has it | `delivered`, `delivrd`, `read`, `success`, `1` |
/// | failed | it will not get there | `failed`, `failure`, `undelivered`, `undeliverable`, `undeliv`, `rejected`, `rejectd`, `expired`, `deleted`, `canceled`, `cancelled`, `error`, `2`, `16` |
/// | sent | it is on its way | `accepted`, `acceptd`, `queued`, `scheduled`, `sending`, `sent`, `submitted`, `buffered`, `enroute`, `pending`, `processing`, `unknown`, `4`, `8`, `32` |
///
/// The numbers are Kannel's. [`State`](crate::model::message::State) says how the history moves, and
/// [`App::report`](crate::App::report) what apps can make of it. The key of the signature is made of the `token`, or of
/// the `signature_secret`; a deployed function without either does not start.
///
/// # Answers
///
/// | status | meaning |
/// |---|---|
/// | an expected one | taken, whatever the body says |
/// | 408, 425, 429; 401, 403 and 404, which an operator can mend | not now |
/// | other 4xx | refused for good |
/// | 502, 504, from 520 on | uncertain: a front asked the gateway, and the answer did not get through |
/// | any other: 3xx, which is not followed, and 5xx | not now |
/// | no answer, or half of one | uncertain, unless no connection was made |
///
/// The status alone decides, as such gateways agree on it with their senders. A captive portal or a web server that
/// answers 200 in the gateway's place is believed: give `https://`, whose certificate such a page has not, and
/// `expected_statuses` where the gateway has one of its own, such as 201 or 202. Only Kannel's own answer is known here
/// word for word ([`kannel`](super::kannel::Kannel)).
///
/// Of an answer the history and the log keep status, kind and size (`400: text of 17 bytes`), no word: gateways repeat
/// numbers, texts and keys. `THREADLESS_LOG=info,threadless=debug` shows the start of each answer.
///
/// The original filled in no placeholder, though its documentation said so, gave a URL with a query a second `?`, and
/// read no answer.
#[derive(Debug)]
pub struct HttpGateway {
    inbound: Inbound,
    outbound: Outbound,
    expected: Option<Vec<i64>>,
    token: Option<Secret>,
    signature: Option<Signature>,
    status: Option<Status>,
    timeout: Duration,
}

/// How long a gateway may take, unless the settings say otherwise.
const TIMEOUT: Duration = Duration::from_secs(15);

impl HttpGateway {
    /// Reads its table in the settings; what is wrong is reported to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let inbound = Inbound::from_fields(fields);
        let outbound = Outbound::from_fields(fields);
        let expected = fields.numbers("expected_statuses", 100..=599);
        let (token, signature) = (fields.secret(TOKEN), Signature::from_fields(fields));
        fields.weigh_token(TOKEN, token.as_ref());
        let secret = token.as_ref().or_else(|| signature.as_ref().map(Signature::secret));
        let status = Status::from_fields(fields, secret);
        if status.is_some() && outbound.as_ref().is_some_and(|outbound| !outbound.tells_id()) {
            fields.fault(
                "delivery_reports",
                "needs %(id)s in outgoing_url, or a form or json: the gateway must know the id",
            );
        }
        let timeout = fields.seconds("timeout_seconds", 1..=60).unwrap_or(TIMEOUT);
        Some(Self { inbound, outbound: outbound?, expected, token, signature, status, timeout })
    }

    fn read(&self, answer: Result<Fetched, TransportError>) -> SendOutcome {
        let Fetched { status, body } = match answer {
            Ok(fetched) => fetched,
            Err(problem) => return problem.into(),
        };
        let detail = described(status, &body);
        let taken = match &self.expected {
            Some(statuses) => statuses.contains(&i64::from(status)),
            None => (200..=299).contains(&status),
        };
        match status {
            _ if taken => SendOutcome::Accepted { detail },
            // An operator can mend these, or time can.
            401 | 403 | 404 | 408 | 425 | 429 => SendOutcome::Deferred { detail },
            400..=499 => SendOutcome::Refused { detail },
            _ if answer_was_lost(status) => SendOutcome::Uncertain { detail },
            _ => SendOutcome::Deferred { detail },
        }
    }
}

/// Whether the request carries the token, in any of the ways that gateways know.
pub(super) fn check_token(token: &Secret, request: &Request<Bytes>) -> Caller {
    let headers = request.headers();
    let given = inbound::anywhere(request, TOKEN)
        .or_else(|| bearer_token(headers))
        .or_else(|| basic_password(headers));
    Caller::with_token(token, given.as_deref())
}

impl Backend for HttpGateway {
    fn methods(&self) -> &[Method] {
        // A signature is of the body: it would not hold for a query.
        if self.signature.is_some() { &[Method::POST] } else { &[Method::GET, Method::POST] }
    }

    /// With a token and a signature, both must be right.
    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        let token = self.token.as_ref().map(|token| check_token(token, request));
        let signature = self.signature.as_ref().map(|signature| signature.check(request));
        match (token, signature) {
            (None, None) => Caller::Anyone,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(Caller::Gateway), Some(other)) | (Some(other), Some(_)) => other,
        }
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        self.inbound.decode(request)
    }

    fn acknowledge(&self) -> Response<Bytes> {
        plain_text(StatusCode::OK, "OK")
    }

    fn exposure(&self) -> Exposure {
        Exposure::open()
            .guarded_by(TOKEN, self.token.is_some())
            .guarded_by(SIGNATURE_SECRET, self.signature.is_some())
            .sends_to("outgoing_url", self.outbound.url())
    }

    /// Its client is a program that reads its answers.
    fn on_unusable(&self) -> OnUnusable {
        OnUnusable::Refuse
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }

    fn send_timeout(&self) -> Duration {
        self.timeout
    }

    async fn send(&self, message: &Outgoing, transport: &dyn Transport, limit: Duration) -> SendOutcome {
        let reference = self.status.as_ref().map(|status| status.reference(message));
        let id = reference.as_deref().unwrap_or(message.id.as_str());
        match self.outbound.request(message, id) {
            Ok(request) => self.read(transport.fetch(request, limit).await),
            Err(problem) => SendOutcome::Refused { detail: problem.to_string() },
        }
    }
}

impl Reports for HttpGateway {
    fn path(&self) -> &'static str {
        "status"
    }

    /// A report needs what a message needs, and an id that is ours.
    fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
        match (Backend::authenticate(self, request), &self.status) {
            (Caller::Gateway | Caller::Anyone, Some(status)) => status.check(backend, request),
            // None of its ids was signed.
            (Caller::Gateway | Caller::Anyone, None) => Caller::WrongCredentials,
            (refused, _) => refused,
        }
    }

    fn decode(&self, backend: &BackendName, request: &Request<Bytes>) -> Result<Reported, Vec<Fault>> {
        match &self.status {
            Some(status) => status.decode(backend, request),
            None => Err(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests;
