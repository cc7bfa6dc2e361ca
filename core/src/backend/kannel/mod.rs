//! Kannel, in and out: its get-url brings messages, its sendsms takes replies, its dlr-url brings what became of them.

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
/// | `sendsms_url` | where sendsms is; may have a query of its own | required |
/// | `sendsms_params` | what goes with each message: `username`, `password`, `from`, `smsc` … | none |
/// | `sendsms_token` | what goes with each message as `Authorization: Bearer …`, for a TLS front before sendsms that lets nothing else through | none |
/// | `token` | what its requests carry: as `token=…`, as the password of `http://user:password@…`, or as the `Bearer` that a TLS sidecar adds | none |
/// | `open` | `true`: deployed without a token, since something else guards the URL | `false` |
/// | `plain_http` | `true`: deployed, and sends over `http://` to a host that looks public, since a private network leads there | `false` |
/// | `coding` | `"auto"`: GSM-7 where it fits, else UCS-2; or 0, 1, 2 | `"auto"` |
/// | `fold` | with `"auto"`: plain characters for look-alikes, where that makes the text fit GSM-7 | `false` |
/// | `charset`, `encode_errors` | with a fixed coding: the charset, and `"ignore"`, `"replace"` or `"strict"` | `"ascii"`, `"ignore"` |
/// | `timeout_seconds` | how long sendsms may take to answer, 1 to 60. Under load it takes up to 10 | 15 |
/// | `delivery_report_url` | where this service is as Kannel reaches it, up to the path, without percent signs: `"http://127.0.0.1:8443"`, a TLS sidecar. Kannel is then asked to report what becomes of each message | none: it is not asked |
/// | `delivery_report_mask` | what it is to report: the sum of 1 delivered, 2 failed, 4 buffered, 8 accepted and 16 rejected by the SMSC | 19 |
///
/// A deployed function whose backend has neither `token` nor `open = true`, or sends in the clear to a public host
/// without `plain_http = true`, does not start; a deployment finds out before it changes anything.
///
/// # Answers
///
/// A message counts as sent only where sendsms says so in Kannel's own words: `0: Accepted for delivery`, `3: Queued for
/// later delivery` or `Sent.` with a status of 2xx, whatever stands behind them. Any other 2xx, such as the page of a
/// captive portal or of a web server in Kannel's place, leaves doubt: the message is sent again after a while, and its
/// row counts how often it may have been sent before. A front before sendsms has to hand Kannel's words through; one that
/// answers with words of its own is an [`http`](super::http::HttpGateway) backend.
///
/// # Delivery reports
///
/// With `delivery_report_url` each message carries a `dlr-url` that leads to `/backend/<name>/dlr/` with the signed
/// reference of the message, and nothing that tells its text. Delivered moves the message's row in the history to
/// delivered, failed and rejected to failed, the others not beyond sent; [`State`](crate::model::message::State) has the rule and
/// [`App::report`](crate::App::report) what apps can make of it. The key of the signature is made of the `token`, or
/// without one of the `password` of `sendsms_params`; a deployed function without either does not start, and reports of
/// messages that were sent before such a secret changed are refused with 403. Where the URL is taken out of the settings
/// again, reports that are still to come are taken all the same.
///
/// Kannel keeps the `dlr-url` until the SMSC reports. Where it does so in a database, its column must hold about 200
/// characters. Reports have their price: Kannel takes about 600 messages a second with a mask of 31 where it takes 3,000
/// without, and each report is a call of the function, which 4 and 8 add to for nothing that an app sees.
#[derive(Debug)]
pub struct Kannel {
    sendsms: Sendsms,
    /// What the front before sendsms lets through.
    authorization: Option<HeaderValue>,
    token: Option<Secret>,
    timeout: Duration,
}

/// How long sendsms may take, unless the settings say otherwise.
const TIMEOUT: Duration = Duration::from_secs(15);

impl Kannel {
    /// Reads its table in the settings; what is wrong is reported to `fields`.
    pub fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.secret("token");
        fields.weigh_token("token", token.as_ref());
        let sendsms = Sendsms::from_fields(fields, token.as_ref());
        let authorization = authorization(fields);
        let timeout = fields.seconds("timeout_seconds", 1..=60).unwrap_or(TIMEOUT);
        Some(Self { sendsms: sendsms?, authorization, token, timeout })
    }
}

/// The header of `sendsms_token`. No `Debug` shows it.
fn authorization(fields: &mut Fields<'_>) -> Option<HeaderValue> {
    let token = fields.secret("sendsms_token")?;
    if let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", token.reveal())) {
        value.set_sensitive(true);
        return Some(value);
    }
    fields.fault("sendsms_token", "has characters in it that no header can hold");
    None
}

/// What a get-url brings: the message in a query string, as it came.
///
/// # Errors
/// Everything that is wrong with it, by field.
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
