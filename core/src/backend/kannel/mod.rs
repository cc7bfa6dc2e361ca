//! The Kannel backend. Kannel's get-url brings messages, its sendsms accepts replies, and its dlr-url brings delivery
//! reports.

mod answer;
mod dlr;
mod inbound;
mod sendsms;
mod url;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};

use super::authorization::{basic_password, bearer_token};
use super::{Backend, Caller, Exposure, Received, Reports, SendOutcome, Transport};
use crate::error::Fault;
use crate::model::message::Outgoing;
use crate::settings::{Fields, Secret};
use sendsms::Sendsms;

/// A Kannel gateway: `engine = "kannel"`.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `sendsms_url` | the URL of sendsms; it may have its own query | required |
/// | `sendsms_params` | parameters that Threadless sends with each message: `username`, `password`, `from`, `smsc` … | none |
/// | `sendsms_token` | a token that Threadless sends with each message as `Authorization: Bearer …`. A TLS proxy before sendsms can refuse every request without this token | none |
/// | `token` | the token that Kannel's requests must carry: as `token=…`, as the password of `http://user:password@…`, or as the `Bearer` that a TLS sidecar adds | none |
/// | `open` | `true`: the backend may be deployed without a token. Set it only if something else guards the URL | `false` |
/// | `plain_http` | `true`: a deployed function may send over `http://` to a host that looks public. Set it only if a private network leads to this host | `false` |
/// | `coding` | `"auto"`: GSM-7 if the text fits, else UCS-2. Or one of Kannel's coding numbers 0, 1 and 2 | `"auto"` |
/// | `fold` | with `coding = "auto"`: Threadless replaces a typographic character by a similar plain one, joins a letter and its separate accent, and leaves out characters that nobody sees, if the text then fits GSM-7 | `false` |
/// | `charset`, `encode_errors` | with a fixed coding: the charset, and the treatment of a character that the charset does not have: `"ignore"`, `"replace"` or `"strict"` | `"ascii"`, `"ignore"` |
/// | `priority_reply`, `priority_bulk` | the priority of replies, and of messages that nobody asked for, 0 to 3. A line sends messages with a higher number first | none: Kannel decides |
/// | `timeout_seconds` | the longest time in which sendsms may answer, 1 to 60. Under load, sendsms takes up to 10 s | 15 |
/// | `delivery_report_url` | the base URL at which Kannel reaches this service, without the path and without percent signs. For example `"http://127.0.0.1:8443"`, a TLS sidecar. If it is set, Threadless asks Kannel for a delivery report on each message | none: no reports |
/// | `delivery_report_mask` | the events that Kannel reports: the sum of 1 delivered, 2 failed, 4 buffered, 8 accepted and 16 rejected by the SMSC | 19 |
///
/// A deployed function does not start in two cases: its backend has neither `token` nor `open = true`, or its backend
/// sends over `http://` to a public host without `plain_http = true`. A deployment detects this before it changes
/// anything.
///
/// # Answers
///
/// A message counts as sent only if sendsms says so in Kannel's own words: `0: Accepted for delivery`,
/// `3: Queued for later delivery` or `Sent.`, with a 2xx status, and with any text after these words. Any other 2xx
/// answer is uncertain; for example, the page of a captive portal, or of a web server in the place of Kannel.
/// Threadless then sends the message again after a while, and the history row counts how often the message may have
/// been sent before. A proxy before sendsms must pass on Kannel's words. If the proxy answers in its own words, use an
/// [`http`](super::http::HttpGateway) backend for it.
///
/// # Delivery reports
///
/// With `delivery_report_url`, each message carries a `dlr-url` to `/backend/<name>/dlr/`. The `dlr-url` contains the
/// signed reference of the message, and nothing of its text. A report "delivered" sets the history row of the message
/// to delivered. A report "failed" or "rejected" sets it to failed. The other reports set it at most to sent.
/// [`State`](crate::model::message::State) has the exact rule, and [`App::report`](crate::App::report) says how apps
/// can use a report.
///
/// The key of the signature is derived from the `token`, or else from the `password` in `sendsms_params`. A deployed
/// function with `delivery_report_url` but without either of them does not start. After a change of this secret,
/// Threadless answers 403 to the reports on earlier messages. If you remove the URL from the settings, Threadless still
/// accepts the reports that are to come.
///
/// Kannel keeps the `dlr-url` until the SMSC reports. If Kannel keeps it in a database, the column must hold about 200
/// characters. Reports have a cost: Kannel accepts about 600 messages a second with a mask of 31, and 3,000 without
/// reports. Each report also calls the Lambda function once. The events 4 and 8 add such calls, but no app sees these
/// events.
#[derive(Debug)]
pub struct Kannel {
    sendsms: Sendsms,
    /// The header that the proxy before sendsms demands.
    authorization: Option<HeaderValue>,
    token: Option<Secret>,
    timeout: Duration,
}

/// The default for the longest time in which sendsms may answer.
const TIMEOUT: Duration = Duration::from_secs(15);

impl Kannel {
    /// Reads the backend's table in the settings. Reports faults to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.secret("token");
        fields.weigh_token("token", token.as_ref());
        let sendsms = Sendsms::from_fields(fields, token.as_ref());
        let authorization = authorization(fields);
        let timeout = fields.seconds("timeout_seconds", 1..=60).unwrap_or(TIMEOUT);
        Some(Self { sendsms: sendsms?, authorization, token, timeout })
    }
}

/// Reads the header of `sendsms_token`. The `Debug` output never shows its value.
fn authorization(fields: &mut Fields<'_>) -> Option<HeaderValue> {
    let token = fields.secret("sendsms_token")?;
    if let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", token.reveal())) {
        value.set_sensitive(true);
        return Some(value);
    }
    fields.fault("sendsms_token", "has characters that an HTTP header cannot contain");
    None
}

/// Reads the message of a get-url from the raw query string.
///
/// # Errors
/// All faults of the query, each with its field.
pub fn read(query: &str) -> Result<Received, Vec<Fault>> {
    inbound::parse(query)
}

impl Backend for Kannel {
    fn methods(&self) -> &[Method] {
        &[Method::GET]
    }

    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        let Some(token) = &self.token else { return Caller::Anyone };
        let query = inbound::Query::new(request.uri().query().unwrap_or_default());
        let in_header = || basic_password(request.headers()).or_else(|| bearer_token(request.headers()));
        let given = query.bytes(inbound::TOKEN).map(Vec::from).or_else(in_header);
        Caller::with_token(token, given.as_deref())
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        inbound::parse(request.uri().query().unwrap_or_default())
    }

    fn exposure(&self) -> Exposure {
        Exposure::open()
            .guarded_by("token", self.token.is_some())
            .sends_to("sendsms_url", self.sendsms.base())
    }

    fn redact(&self, request: &Request<Bytes>) -> String {
        inbound::without_token(request.uri().query().unwrap_or_default())
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self.sendsms.reports())
    }

    fn send_timeout(&self) -> Duration {
        self.timeout
    }

    async fn send(&self, message: &Outgoing, transport: &dyn Transport, limit: Duration) -> SendOutcome {
        let url = self.sendsms.request_url(message);
        let request = url.map(|url| Request::get(url).body(Bytes::new()));
        match request {
            Ok(Ok(mut request)) => {
                if let Some(authorization) = &self.authorization {
                    request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
                }
                answer::read(transport.fetch(request, limit).await)
            }
            Ok(Err(problem)) => SendOutcome::Refused { detail: problem.to_string() },
            Err(problem) => SendOutcome::Refused { detail: problem.to_string() },
        }
    }
}

#[cfg(test)]
mod tests;
