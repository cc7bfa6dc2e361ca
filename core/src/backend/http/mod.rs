//! A backend for any gateway that speaks HTTP in forms, URLs or JSON.

mod acknowledgement;
mod answers;
mod field_names;
mod inbound;
mod json_template;
mod outbound;
mod path;
mod payload;
mod presets;
mod signature;
mod status;
mod url_template;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;

use super::authorization::{basic_password, bearer_token};
use super::{Backend, Caller, Exposure, OnUnusable, Received, Reported, Reports, SendOutcome, Transport};
use crate::error::Fault;
use crate::model::message::{BackendName, Outgoing};
use crate::settings::{Fields, Secret};
use acknowledgement::Acknowledgement;
use answers::Answers;
use inbound::TOKEN;
pub(super) use inbound::{Inbound, QueryOfPost};
use outbound::Outbound;
use path::Path;
use signature::{SIGNATURE_SECRET, Signature};
use status::Status;

/// A gateway that speaks HTTP: `engine = "http"`, at `/http/<name>/`.
///
/// The endpoint accepts a POST of a form, a POST of JSON, or a GET with a query. A POST without a message in its body may
/// have its fields in the query, unless a signature covers only the body. JSON may have any of its usual content types,
/// or `text/plain`. The encoding is UTF-8, unless a field says otherwise. The endpoint answers 200 with the text `OK`, or
/// as `answer` says. If an authenticated provider sends a request that nobody can read, Threadless keeps the request as
/// it does for Kannel, and answers in the same way. Anybody else gets 400 with one line for each wrong field, or 415 for
/// any other content type.
///
/// The names of fields may be paths in JSON: `payload.message`, `messages[0].text`. With `results[].from`, each element
/// of the list is a message of its own. Threadless acknowledges the request after all of them are durable.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `preset` | the name of a known provider, whose keys count where the table does not give them. `docs/providers/` has a page for each | none |
/// | `outgoing_url` | the URL to which messages go, or a secret with the URL. In its path and query, Threadless replaces `%(identity)s`, `%(text)s`, `%(id)s` and `%(backend)s` by the escaped values. If a `"GET"` has neither `%(identity)s` nor `%(text)s`, the query gets both as fields | required |
/// | `outgoing_method` | `"GET"`: the message is in the URL. `"form"` or `"json"`: the message is in the body of a POST | `"GET"` |
/// | `outgoing_identity`, `outgoing_text`, `outgoing_id` | the names of the fields in the body of a POST, or in the query of a `"GET"` without placeholders. An empty `outgoing_id` sends no id | `"identity"`, `"text"`, `"id"` |
/// | `outgoing_params` | further fields: texts with the placeholders of `outgoing_url`, numbers or secrets | none |
/// | `outgoing_json` | the JSON of each message, with placeholders in its texts. A value never changes the JSON around it | none |
/// | `outgoing_basic` | a secret `user:password` for `Authorization: Basic` | none |
/// | `headers` | additional headers; a secret value must be a reference | none |
/// | `expected_statuses` | the statuses which mean that the gateway accepted the message | 200 to 299 |
/// | `accepted_when` | what an answer with an expected status must say: `{ path = "messages.0.status", equals = "0" }`, or `matches` with a regular expression; without `path`, the whole answer counts | none: the status decides |
/// | `refused_when`, `repeat_when` | what an answer with any status says if the gateway refuses the message for good, or may accept it later | none |
/// | `accepted_id` | the path of the gateway's own id in the answer, which the history shows | none |
/// | `timeout_seconds` | the longest time in which the gateway may answer, 1 to 60 | 15 |
/// | `incoming_identity`, `incoming_text`, `incoming_recipient` | the names of the fields in requests of the gateway | `"identity"`, `"text"`, `"recipient"` |
/// | `incoming_id` | the field with the gateway's own id. If two messages of one sender have the same id within 15 days, they count as one message that was delivered twice | `"id"` |
/// | `incoming_timestamp` | the field with the time of arrival: seconds or milliseconds since 1970, or ISO 8601 | `"timestamp"` |
/// | `incoming_charset`, `incoming_coding`, `incoming_hex` | the fields about the bytes of the text: the name of its charset, its coding number (of Kannel or SMPP), and the text in hexadecimal. A given name always counts; an empty text turns the field off | the names `charset`, `coding` and `hex`. They count only if the text is not plain text already |
/// | `token` | the token that requests must carry: as the field `token` (in the body, or in the query even if there is a body), as `Bearer`, or as the password of `Basic` | none |
/// | `token_field` | the name of the field with the token | `"token"` |
/// | `signature_secret`, `signature_header` | the key of the signature, and the header with the signature. The endpoint then accepts only POST, except with the scheme `twilio`, because no other scheme covers a query | none, `"x-signature"` |
/// | `signature_scheme` | `"hmac"`: an HMAC in hexadecimal or Base64, with or without `sha256=` before it. `"twilio"`: Twilio's signature of the URL and the fields. `"standard-webhooks"`: Standard Webhooks. `"jwt"`: a JSON Web Token (HS256) as `Bearer`, which must have a time | `"hmac"` |
/// | `signature_hash` | the hash of the HMAC: `"sha256"` or `"sha1"` | `"sha256"` |
/// | `signature_content` | the content that the HMAC signs: a text with `%(body)s`, and with `%(timestamp)s` if a signature holds for a limited time | the body: `%(body)s` |
/// | `signature_timestamp_header` | the header with the signed time, as seconds or milliseconds since 1970 or in ISO 8601 | the header `x-timestamp` |
/// | `signature_window_seconds` | the greatest distance of the signed time from now, 1 to 86400 | 300 |
/// | `signature_url` | for `twilio`: the URL under which the provider knows this service, without the path | the host of the request, with `https://` |
/// | `answer` | the text of the answer to a message. Some providers text it to the phone | `"OK"` |
/// | `answer_type` | the content type of the answer | plain text in UTF-8 |
/// | `answer_status` | the status of the answer, 200 to 299 | OK (200) |
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
/// | failed | the message will never reach the phone | `failed`, `failure`, `undelivered`, `undeliverable`, `undeliv`, `rejected`, `rejectd`, `expired`, `deleted`, `canceled`, `cancelled`, `error`, `2`, `16`, `34`, `66` |
/// | sent | the message is on its way | `accepted`, `acceptd`, `queued`, `scheduled`, `sending`, `sent`, `submitted`, `buffered`, `enroute`, `pending`, `processing`, `unknown`, `4`, `8`, `32` |
///
/// The numbers are those of Kannel. [`State`](crate::model::message::State) says how a report changes the history, and
/// [`App::report`](crate::App::report) says how apps can use a report. The key of the signature is derived from the
/// `token`, or else from the `signature_secret`. A deployed function with `delivery_reports = true` but without either
/// of them does not start.
///
/// # Answers
///
/// First, the rules `refused_when` and `repeat_when` look at the body of the answer. Otherwise the status of the answer
/// decides the [`SendOutcome`]:
///
/// | status | outcome |
/// |---|---|
/// | an expected status | accepted; with `accepted_when` only if the body says so. If the value at its `path` is another one, the message is refused; if there is no such value, or if the whole answer does not match, it is deferred |
/// | 408, 425, 429 (the problem may end by itself); 401, 403, 404 (a person can correct the settings) | deferred: Threadless tries again later |
/// | any other 4xx | refused: Threadless never tries again |
/// | 502, 504, 520 and higher | uncertain: a proxy asked the gateway, and did not receive the answer |
/// | any other status: 3xx (Threadless does not follow a redirect) and 5xx | deferred |
/// | no answer, or an incomplete answer | uncertain; but deferred if there was no connection to the gateway |
///
/// Without such rules only the status decides, because Threadless does not know the words of these gateways. So if a captive portal or
/// another web server answers 200 in the place of the gateway, Threadless takes this for an acceptance. Three settings
/// protect against this. `accepted_when` names the gateway's own words. Use `https://`, because such a server does not have the gateway's certificate. Set
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
    answers: Answers,
    acknowledgement: Acknowledgement,
    token: Option<Secret>,
    signature: Option<Signature>,
    status: Option<Status>,
    timeout: Duration,
}

/// The default for the longest time in which a gateway may answer.
const TIMEOUT: Duration = Duration::from_secs(15);

impl HttpGateway {
    /// Reads the backend's table in the settings. Reports faults to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        presets::apply(fields);
        let inbound = Inbound::from_fields(fields);
        let acknowledgement = Acknowledgement::from_fields(fields);
        let outbound = Outbound::from_fields(fields);
        let answers = Answers::from_fields(fields);
        let (token, signature) = (fields.secret(TOKEN), Signature::from_fields(fields));
        fields.weigh_token(TOKEN, token.as_ref());
        let secret = token.as_ref().or_else(|| signature.as_ref().map(Signature::secret));
        let status = Status::from_fields(fields, inbound.token(), secret);
        if status.is_some() && outbound.as_ref().is_some_and(|outbound| !outbound.sends_id()) {
            fields.fault(
                "delivery_reports",
                "needs %(id)s in outgoing_url, outgoing_params or outgoing_json, or outgoing_method = form or json, because the gateway must get the id",
            );
        }
        let timeout = fields.seconds("timeout_seconds", 1..=60).unwrap_or(TIMEOUT);
        Some(Self {
            inbound,
            outbound: outbound?,
            answers,
            acknowledgement,
            token,
            signature,
            status,
            timeout,
        })
    }

    /// Returns whether the fields of a POST may be in its query.
    fn query(&self) -> QueryOfPost {
        match &self.signature {
            Some(signature) if !signature.covers_url() => QueryOfPost::Ignored,
            _ => QueryOfPost::Counts,
        }
    }
}

/// Returns whether the request carries the token, in any of the forms that gateways use.
pub(super) fn check_token(token: &Secret, request: &Request<Bytes>) -> Caller {
    check_token_at(&Path::name(TOKEN), token, request)
}

fn check_token_at(field: &Path, token: &Secret, request: &Request<Bytes>) -> Caller {
    let headers = request.headers();
    let given = inbound::anywhere(request, field)
        .or_else(|| bearer_token(headers))
        .or_else(|| basic_password(headers));
    Caller::with_token(token, given.as_deref())
}

impl Backend for HttpGateway {
    fn methods(&self) -> &[Method] {
        // A signature that covers only the body would not protect a query.
        self.signature.as_ref().map_or(&[Method::GET, Method::POST], Signature::methods)
    }

    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        Backend::authenticate_at(self, request, Timestamp::now())
    }

    /// Checks the token and the signature. If the settings give both, both must be right.
    fn authenticate_at(&self, request: &Request<Bytes>, now: Timestamp) -> Caller {
        let token = self.token.as_ref().map(|token| check_token_at(self.inbound.token(), token, request));
        let signature = self.signature.as_ref().map(|signature| signature.check(request, now));
        match (token, signature) {
            (None, None) => Caller::Anyone,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(Caller::Gateway), Some(other)) | (Some(other), Some(_)) => other,
        }
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        self.inbound.decode(request, self.query())
    }

    fn decode_all(&self, request: &Request<Bytes>) -> Result<Vec<Received>, Vec<Fault>> {
        self.inbound.decode_all(request, self.query())
    }

    fn acknowledge(&self) -> Response<Bytes> {
        self.acknowledgement.response()
    }

    fn exposure(&self) -> Exposure {
        Exposure::open()
            .guarded_by(TOKEN, self.token.is_some())
            .guarded_by(SIGNATURE_SECRET, self.signature.is_some())
            .sends_to("outgoing_url", self.outbound.url())
    }

    /// A provider may change the form of its requests. Then nothing of an authenticated provider is lost. Anybody else
    /// gets an answer that says what is wrong.
    fn on_unusable(&self) -> OnUnusable {
        OnUnusable::Keep
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
            Ok(request) => match transport.fetch(request, limit).await {
                Ok(answer) => self.answers.read(&answer),
                Err(problem) => problem.into(),
            },
            Err(problem) => SendOutcome::Refused { detail: problem.to_string() },
        }
    }
}

impl Reports for HttpGateway {
    fn path(&self) -> &'static str {
        "status"
    }

    fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
        Reports::authenticate_at(self, backend, request, Timestamp::now())
    }

    /// A report needs the same credentials as a message, and an id that this backend signed.
    fn authenticate_at(&self, backend: &BackendName, request: &Request<Bytes>, now: Timestamp) -> Caller {
        match (Backend::authenticate_at(self, request, now), &self.status) {
            (caller @ (Caller::Gateway | Caller::Anyone), Some(status)) => {
                match status.check(backend, request) {
                    // A report without an id is as trustworthy as its credentials.
                    Caller::Anyone => caller,
                    checked => checked,
                }
            }
            // Without delivery reports, this backend has signed no ids.
            (Caller::Gateway | Caller::Anyone, None) => Caller::WrongCredentials,
            (refused, _) => refused,
        }
    }

    fn decode(&self, backend: &BackendName, request: &Request<Bytes>) -> Result<Reported, Vec<Fault>> {
        let mut all = Reports::decode_all(self, backend, request)?;
        if all.len() == 1 { all.pop().ok_or_else(Vec::new) } else { Err(Vec::new()) }
    }

    fn decode_all(
        &self,
        backend: &BackendName,
        request: &Request<Bytes>,
    ) -> Result<Vec<Reported>, Vec<Fault>> {
        match &self.status {
            Some(status) => status.decode_all(backend, request),
            None => Err(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests;
