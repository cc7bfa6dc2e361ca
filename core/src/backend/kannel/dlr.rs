//! Delivery reports: how sendsms is asked for them, and what Kannel then calls our URL with.
//!
//! Source: Kannel User Guide 1.4.5, "Delivery Reports"; what the guide leaves open was measured.

use bytes::Bytes;
use http::Request;
use percent_encoding::percent_encode;

use super::inbound::Query;
use super::url::{ESCAPED, parsed};
use crate::backend::{Caller, Reference, ReportKey, Reported, Reports, gateway_time};
use crate::error::Fault;
use crate::model::message::{BackendName, FinalStatus, Outgoing};
use crate::settings::{Fields, Place, Secret};

/// What Kannel tells: 1 delivered, 2 failed, 4 buffered, 8 accepted, 16 rejected by the SMSC.
const FINAL: i64 = 1 + 2 + 16;

/// The parameters of our URL.
const REFERENCE: &str = "ref";
const KIND: &str = "d";
const WORDS: &str = "a";
const TIME: &str = "t";

/// How one backend's delivery reports are asked for and read. They are read also where none are asked for any more:
/// those of messages that were sent before may still come.
#[derive(Debug, Default)]
pub(super) struct Dlr {
    asked: Option<Asked>,
    /// `None` where anyone could sign.
    key: Option<ReportKey>,
}

/// What Kannel is asked for.
#[derive(Debug)]
struct Asked {
    /// Up to the path, as Kannel reaches us.
    base: String,
    mask: i64,
}

impl Dlr {
    /// Reads `delivery_report_url` and `delivery_report_mask`. Reports are signed with the first of the secrets.
    pub(super) fn from_fields(fields: &mut Fields<'_>, secret: Option<&Secret>) -> Self {
        let signs = secret.is_some() || fields.place() == Place::Local;
        let key = signs.then(|| ReportKey::new(secret));
        Self { asked: Asked::from_fields(fields, secret), key }
    }

    /// Whether Kannel is asked for reports.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// What sendsms is asked, up to the `&` behind it; empty where nothing is.
    ///
    /// In the URL Kannel replaces its codes: `%d` by what happened, `%A` by the SMSC's words about it, `%T` by the time.
    /// Nothing else in it can be taken for one: a backend's name and a reference have no percent sign.
    pub(super) fn params(&self, message: &Outgoing) -> String {
        let (Some(Asked { base, mask }), Some(key)) = (&self.asked, &self.key) else { return String::new() };
        let (backend, reference) = (&message.connection.backend, key.sign(message));
        let url =
            format!("{base}/backend/{backend}/dlr/?{REFERENCE}={reference}&{KIND}=%d&{WORDS}=%A&{TIME}=%T");
        format!("dlr-mask={mask}&dlr-url={}&", percent_encode(url.as_bytes(), ESCAPED))
    }

    fn reference(&self, backend: &BackendName, query: &Query<'_>) -> Option<Reference> {
        self.key.as_ref()?.open(backend, &query.text(REFERENCE)?)
    }
}

impl Asked {
    fn from_fields(fields: &mut Fields<'_>, secret: Option<&Secret>) -> Option<Self> {
        const URL: &str = "delivery_report_url";
        let given = fields.text(URL).filter(|given| !given.is_empty());
        let mask = fields.number("delivery_report_mask", 1..=31);
        let Some(given) = given else {
            if mask.is_some() {
                fields.warn("delivery_report_mask", "has no effect without delivery_report_url");
            }
            return None;
        };
        // Kannel would take what follows a percent sign for one of its codes.
        if given.contains(['%', '?', '#']) {
            fields.fault(URL, "must not have a %, ? or # in it");
            return None;
        }
        if let Err(problem) = parsed(&given, "http://127.0.0.1:8443") {
            fields.fault(URL, problem);
            return None;
        }
        if secret.is_none() {
            let problem = "needs a token, or a password in sendsms_params: reports are signed with it";
            match fields.place() {
                Place::Deployed => {
                    fields.fault(URL, problem);
                    return None;
                }
                Place::Local => fields.warn(URL, problem),
            }
        }
        let base = given.trim_end_matches('/').to_owned();
        Some(Self { base, mask: mask.unwrap_or(FINAL) })
    }
}

fn query(request: &Request<Bytes>) -> Query<'_> {
    Query::new(request.uri().query().unwrap_or_default())
}

impl Reports for Dlr {
    fn path(&self) -> &'static str {
        "dlr"
    }

    /// The reference is signed, and nobody but the gateway was told it. A token would have to stand in every dlr-url.
    fn authenticate(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
        match self.reference(backend, &query(request)) {
            Some(_) => Caller::Gateway,
            None => Caller::WrongCredentials,
        }
    }

    fn decode(&self, backend: &BackendName, request: &Request<Bytes>) -> Result<Reported, Vec<Fault>> {
        let query = query(request);
        let reference = self.reference(backend, &query);
        let reference =
            reference.ok_or_else(|| vec![Fault::new(REFERENCE, "is not signed by this backend")])?;
        let fate = match query.text(KIND).as_deref() {
            Some("1") => Some(FinalStatus::Delivered),
            Some("2" | "16") => Some(FinalStatus::Failed),
            // Buffered, accepted, and what an SMSC says in between.
            Some("4" | "8" | "32") => None,
            _ => return Err(vec![Fault::new(KIND, "is not what Kannel writes for %d: 1, 2, 4, 8 or 16")]),
        };
        let reported_at = query.text(TIME).and_then(|written| gateway_time::read(&written));
        Ok(Reported { reference, fate, detail: query.text(WORDS), reported_at })
    }
}
