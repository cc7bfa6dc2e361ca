//! An engine for a gateway of your own. One file makes a backend for this gateway.
//!
//! The webhook of the Acme gateway posts `{"msisdn": "251911…", "content": "…", "ref": "…"}` with the header
//! `x-acme-key`, and expects the answer `{"status": "received"}`. We send a message with a reference of ours. A delivery
//! report of the gateway posts this reference: `{"for": "…", "status": "DELIVRD"}`.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use serde_json::{Value, json};
use threadless::backend::{
    AnyBackend, Backend, Caller, Engines, Exposure, Fault, OnUnusable, Received, Reference, ReportKey,
    Reported, Reports, SendOutcome, Transport,
};
use threadless::settings::{Fields, Secret};
use threadless::{BackendName, FinalStatus, Identity, Outgoing};

/// One configured Acme gateway.
pub struct Acme {
    send_url: String,
    key: Option<Secret>,
    report_key: ReportKey,
}

impl Acme {
    /// Reads the table of the backend in the settings. Faults go to `fields`. A key that no line here takes is a fault.
    pub fn from_fields(fields: &mut Fields<'_>) -> Self {
        let (send_url, key) = (fields.required_text("send_url"), fields.secret("key"));
        Self { send_url, report_key: ReportKey::new(key.as_ref()), key }
    }

    /// Returns the reference and the body of a report, or `None` if we did not sign the reference.
    fn signed(&self, backend: &BackendName, request: &Request<Bytes>) -> Option<(Reference, Value)> {
        let report = json_of(request).ok()?;
        Some((self.report_key.open(backend, report["for"].as_str()?)?, report))
    }
}

fn json_of(request: &Request<Bytes>) -> Result<Value, Fault> {
    serde_json::from_slice(request.body()).map_err(|problem| Fault::new("body", problem.to_string()))
}

impl Backend for Acme {
    fn methods(&self) -> &[Method] {
        &[Method::POST]
    }

    fn authenticate(&self, request: &Request<Bytes>) -> Caller {
        let given = request.headers().get("x-acme-key").map(HeaderValue::as_bytes);
        self.key.as_ref().map_or(Caller::Anyone, |key| Caller::with_token(key, given))
    }

    /// A deployment refuses the backend without the key, unless the settings say `open = true`.
    fn exposure(&self) -> Exposure {
        Exposure::open().guarded_by("key", self.key.is_some()).sends_to("send_url", &self.send_url)
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        let body = json_of(request).map_err(|fault| vec![fault])?;
        let sender = body["msisdn"].as_str().unwrap_or_default().parse::<Identity>();
        let sender = sender.map_err(|problem| Fault::new("msisdn", problem.to_string()));
        let text = body["content"].as_str().ok_or_else(|| Fault::new("content", "is missing"));
        let mut received = match (sender, text) {
            (Ok(sender), Ok(text)) => Received::new(sender, text),
            // The error names all wrong fields at once.
            (sender, text) => return Err([sender.err(), text.err()].into_iter().flatten().collect()),
        };
        // The id is the same in each delivery of the message, so the message takes effect once.
        received.gateway_id = body["ref"].as_str().map(str::to_owned);
        Ok(received)
    }

    fn acknowledge(&self) -> Response<Bytes> {
        Response::new(Bytes::from_static(br#"{"status":"received"}"#))
    }

    fn on_unusable(&self) -> OnUnusable {
        OnUnusable::Refuse
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn send(&self, message: &Outgoing, transport: &dyn Transport, limit: Duration) -> SendOutcome {
        let (to, reference) = (message.to.as_str(), self.report_key.sign(message));
        let body = json!({ "to": to, "content": message.text, "reference": reference }).to_string();
        let request = match Request::post(&self.send_url).body(Bytes::from(body)) {
            Ok(request) => request,
            Err(problem) => return SendOutcome::Refused { detail: problem.to_string() },
        };
        match transport.fetch(request, limit).await {
            Ok(answer) if answer.status == 200 => SendOutcome::Accepted { detail: "200".to_owned() },
            Ok(answer) if answer.status == 422 => SendOutcome::Refused { detail: "422".to_owned() },
            Ok(answer) => SendOutcome::Deferred { detail: answer.status.to_string() },
            // The outcome is `Deferred` if nothing was sent. After any other error, something may have been sent.
            Err(problem) => problem.into(),
        }
    }
}

/// The reports arrive at `/acme/<backend name>/receipt/`. The signature of the reference is their credential.
impl Reports for Acme {
    fn path(&self) -> &'static str {
        "receipt"
    }

    fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
        self.signed(backend, request).map_or(Caller::WrongCredentials, |_| Caller::Gateway)
    }

    fn decode(&self, backend: &BackendName, request: &Request<Bytes>) -> Result<Reported, Vec<Fault>> {
        let signed = self.signed(backend, request);
        let (reference, report) = signed.ok_or_else(|| vec![Fault::new("for", "is not signed")])?;
        match report["status"].as_str() {
            Some("DELIVRD") => Ok(Reported::new(reference, Some(FinalStatus::Delivered))),
            Some("UNDELIV" | "EXPIRED") => Ok(Reported::new(reference, Some(FinalStatus::Failed))),
            Some("ACCEPTD") => Ok(Reported::new(reference, None)),
            _ => Err(vec![Fault::new("status", "is not one of DELIVRD, UNDELIV, EXPIRED, ACCEPTD")]),
        }
    }
}

/// Returns all engines that the settings can name. In a project, this is the function `engines` in
/// `functions/src/lib.rs`.
pub fn engines() -> Engines {
    Engines::standard().with("acme", |fields| Some(AnyBackend::new(Acme::from_fields(fields))))
}
