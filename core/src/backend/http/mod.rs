//! A backend for any gateway that speaks HTTP in forms, URLs or JSON.

mod field_names;
mod inbound;
mod outbound;
mod payload;
mod signature;
mod status;
mod url_template;

use std::ops::RangeInclusive;
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
/// The endpoint accepts a POST of a form, a POST of a JSON object with texts and numbers, or a GET with a query. The
/// encoding is UTF-8. The endpoint answers 200 with the text `OK`; or 400 with one line for each wrong field; or 415
/// for any other content type.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `outgoing_url` | the URL to which messages go. In its path and query, Threadless replaces `%(identity)s`, `%(text)s`, `%(id)s` and `%(backend)s` by the escaped values | required |
/// | `outgoing_method` | `"GET"`: the message is in the URL. `"form"` or `"json"`: the message is in the body of a POST | `"GET"` |
/// | `outgoing_identity`, `outgoing_text`, `outgoing_id` | the names of the fields in the body of a POST | `"identity"`, `"text"`, `"id"` |
/// | `headers` | additional headers; a secret value must be a reference | none |
/// | `expected_statuses` | the statuses which mean that the gateway accepted the message | 200 to 299 |
/// | `timeout_seconds` | the longest time in which the gateway may answer, 1 to 60 | 15 |
/// | `incoming_identity`, `incoming_text`, `incoming_recipient` | the names of the fields in requests of the gateway | `"identity"`, `"text"`, `"recipient"` |
/// | `incoming_id` | the field with the gateway's own id. If two messages of one sender have the same id within 15 days, they count as one message that was delivered twice | `"id"` |
/// | `incoming_timestamp` | the field with the time of arrival: seconds or milliseconds since 1970, or ISO 8601 | `"timestamp"` |
/// | `token` | the token that requests must carry: as the field `token` (in the body, or in the query even if there is a body), as `Bearer`, or as the password of `Basic` | none |
/// | `signature_secret`, `signature_header` | the secret for the signature of the raw body (HMAC-SHA256, hexadecimal, with or without `sha256=` before it), and the header that carries the signature. The endpoint then accepts only POST, because the signature does not cover a query | none, `"x-signature"` |
/// | `open`, `plain_http` | the same meaning as for [`kannel`](super::kannel::Kannel). `signature_secret` protects the URL in the same way as `token`: a backend with one of the two needs no `open = true` | `false` |
///
/// If the settings give both `token` and `signature_secret`, a request needs both.
///
/// # Delivery reports
///
/// | key | meaning | default |
/// |---|---|---|
/// | `delivery_reports` | `true`: the gateway sends delivery reports to `/http/<name>/status/` | `false` |
/// | `report_id`, `report_status`, `report_detail` | the names of the fields in these reports: our id as the gateway received it, the status of the message, and a text about the status | `"id"`, `"status"`, `"detail"` |
/// | `report_delivered`, `report_failed`, `report_sent` | the words that the gateway uses for each status: lists of texts; upper and lower case are the same | the words of the next table |
///
/// With `delivery_reports = true`, the id of a message (`%(id)s` and `outgoing_id`) is a signed reference. It has about
/// 100 characters (letters, digits, `-` and `_`), and it is the same in every attempt. A report must return this id, as
/// a POST of a form or of JSON, or as a GET. With `signature_secret`, only a POST is accepted. A report needs the same
/// token or signature as a message. The id may also be in the query of a POST. This helps if the gateway takes a URL
/// for the reports with each message, such as
/// `…&callback=https%3A%2F%2Fyours.example%2Fhttp%2Fmy-gateway%2Fstatus%2F%3Fid%3D%(id)s`. The answer to a report is
/// 200 with the text `OK`; or 400 with the wrong fields. It is 401 or 403 if the token or signature is missing or
/// wrong, or if this backend has not signed the id.
///
/// | status | meaning | default words |
/// |---|---|---|
/// | delivered | the phone has the message | `delivered`, `delivrd`, `read`, `success`, `1` |
/// | failed | the message will never reach the phone | `failed`, `failure`, `undelivered`, `undeliverable`, `undeliv`, `rejected`, `rejectd`, `expired`, `deleted`, `canceled`, `cancelled`, `error`, `2`, `16` |
/// | sent | the message is on its way | `accepted`, `acceptd`, `queued`, `scheduled`, `sending`, `sent`, `submitted`, `buffered`, `enroute`, `pending`, `processing`, `unknown`, `4`, `8`, `32` |
///
/// The numbers are those of Kannel. [`State`](crate::model::message::State) says how a report changes the history, and
/// [`App::report`](crate::App::report) says how apps can use a report. The key of the signature is derived from the
/// `token`, or else from the `signature_secret`. A deployed function with `delivery_reports = true` but without either
/// of them does not start.
///
/// # Answers
///
/// The status of the gateway's answer decides the [`SendOutcome`]:
///
/// | status | outcome |
/// |---|---|
/// | an expected status | accepted, whatever the body says |
/// | 408, 425, 429 (the problem may end by itself); 401, 403, 404 (a person can correct the settings) | deferred: Threadless tries again later |
/// | any other 4xx | refused: Threadless never tries again |
/// | 502, 504, 520 and higher | uncertain: a proxy asked the gateway, and did not receive the answer |
/// | any other status: 3xx (Threadless does not follow a redirect) and 5xx | deferred |
/// | no answer, or an incomplete answer | uncertain; but deferred if there was no connection to the gateway |
///
/// Only the status decides, because Threadless does not know the words of these gateways. So if a captive portal or
/// another web server answers 200 in the place of the gateway, Threadless takes this for an acceptance. Two settings
/// protect against this. Use `https://`, because such a server does not have the gateway's certificate. Set
/// `expected_statuses` if the gateway uses a special status, such as 201 or 202. Threadless knows the exact words of an
/// answer only for Kannel ([`kannel`](super::kannel::Kannel)).
///
/// The history and the log hold only the status, the kind and the size of an answer (`400: text of 17 bytes`). They
/// hold no words of it, because some gateways repeat numbers, texts and keys in their answers.
/// `THREADLESS_LOG=info,threadless=debug` shows the start of each answer in the log.
///
/// The HTTP backend of `rapidsms-threadless-router` behaved differently. It filled in no placeholder, although its
/// documentation said that it did. It added a second `?` to a URL with a query. It read no answer.
#[derive(Debug)]
pub struct HttpGateway {
    inbound: Inbound,
    outbound: Outbound,
    expected: Vec<i64>,
    token: Option<Secret>,
    signature: Option<Signature>,
    status: Option<Status>,
    timeout: Duration,
}

/// The default for the longest time in which a gateway may answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The default for the statuses which mean that the gateway accepted the message.
const EXPECTED: RangeInclusive<i64> = 200..=299;

impl HttpGateway {
    /// Reads the backend's table in the settings. Reports faults to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let inbound = Inbound::from_fields(fields);
        let outbound = Outbound::from_fields(fields);
        let expected = fields.numbers("expected_statuses", 100..=599).unwrap_or_else(|| EXPECTED.collect());
        let (token, signature) = (fields.secret(TOKEN), Signature::from_fields(fields));
        fields.weigh_token(TOKEN, token.as_ref());
        let secret = token.as_ref().or_else(|| signature.as_ref().map(Signature::secret));
        let status = Status::from_fields(fields, secret);
        if status.is_some() && outbound.as_ref().is_some_and(|outbound| !outbound.sends_id()) {
            fields.fault(
                "delivery_reports",
                "needs %(id)s in outgoing_url, or outgoing_method = form or json, because the gateway must get the id",
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
        match status {
            _ if self.expected.contains(&i64::from(status)) => SendOutcome::Accepted { detail },
            // An operator can correct the first three; time can solve the others.
            401 | 403 | 404 | 408 | 425 | 429 => SendOutcome::Deferred { detail },
            400..=499 => SendOutcome::Refused { detail },
            _ if answer_was_lost(status) => SendOutcome::Uncertain { detail },
            _ => SendOutcome::Deferred { detail },
        }
    }
}

/// Returns whether the request carries the token, in any of the forms that gateways use.
pub(super) fn check_token(token: &Secret, request: &Request<Bytes>) -> Caller {
    let headers = request.headers();
    let given = inbound::anywhere(request, TOKEN)
        .or_else(|| bearer_token(headers))
        .or_else(|| basic_password(headers));
    Caller::with_token(token, given.as_deref())
}

impl Backend for HttpGateway {
    fn methods(&self) -> &[Method] {
        // A signature covers only the body. It would not protect a query.
        if self.signature.is_some() { &[Method::POST] } else { &[Method::GET, Method::POST] }
    }

    /// Checks the token and the signature. If the settings give both, both must be right.
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

    /// The client of this endpoint is a program that reads the answers, so the answer can say what is wrong.
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

    /// A report needs the same credentials as a message, and an id that this backend signed.
    fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
        match (Backend::authenticate(self, request), &self.status) {
            (Caller::Gateway | Caller::Anyone, Some(status)) => status.check(backend, request),
            // Without delivery reports, this backend has signed no ids.
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
