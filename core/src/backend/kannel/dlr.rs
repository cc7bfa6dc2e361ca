//! Delivery reports: asks sendsms for them, and reads the requests that Kannel then sends to our URL.
//!
//! Source: Kannel User Guide 1.4.5, "Delivery Reports". Where the guide is incomplete, the behaviour was measured.

use bytes::Bytes;
use http::Request;
use percent_encoding::percent_encode;

use super::inbound::Query;
use super::url::{ESCAPED, parsed};
use crate::backend::{Caller, Reference, ReportKey, Reported, Reports, gateway_time};
use crate::error::Fault;
use crate::model::message::{BackendName, FinalStatus, Outgoing};
use crate::settings::{Fields, Place, Secret};

/// The mask of all final events. The events are 1 delivered, 2 failed, 4 buffered, 8 accepted, 16 rejected by the SMSC.
const FINAL: i64 = 1 + 2 + 16;

/// The events after which the phone has the message.
const DELIVERED: u32 = 1;

/// The events after which the message will never reach the phone: failed, and rejected by the SMSC.
const FAILURES: u32 = 2 | 16;

/// The events of a message that is on its way: buffered, accepted, and any intermediate event of an SMSC.
const ON_ITS_WAY: u32 = 4 | 8 | 32;

/// The parameters of our URL.
const REFERENCE: &str = "ref";
const KIND: &str = "d";
const WORDS: &str = "a";
const TIME: &str = "t";

/// The delivery reports of one backend. The backend reads reports even if it no longer asks for them, because the
/// reports of earlier messages may still come.
#[derive(Debug, Default)]
pub(super) struct Dlr {
    asked: Option<Asked>,
    /// The key that signs and checks references. `None` if a deployed function has no secret: then
    /// anyone could sign.
    key: Option<ReportKey>,
}

/// The settings with which the backend asks Kannel for reports.
#[derive(Debug)]
struct Asked {
    /// The URL at which Kannel reaches us, without the path of the report.
    base: String,
    mask: i64,
}

impl Dlr {
    /// Reads `delivery_report_url` and `delivery_report_mask`. The key of the signatures is derived from `secret`.
    pub(super) fn from_fields(fields: &mut Fields<'_>, secret: Option<&Secret>) -> Self {
        let signs = secret.is_some() || fields.place() == Place::Local;
        let key = signs.then(|| ReportKey::new(secret));
        Self { asked: Asked::from_fields(fields, secret), key }
    }

    /// Returns whether the backend asks Kannel for reports.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Returns the mask of the events that Kannel reports; `None` if the backend asks for no reports.
    pub(super) fn mask(&self) -> Option<i64> {
        self.asked.as_ref().map(|asked| asked.mask)
    }

    /// Returns the parameters that ask sendsms for a report, with `&` at the end; empty if the backend asks for no
    /// reports.
    ///
    /// In the URL, Kannel replaces its escape codes: `%d` by the event, `%A` by the SMSC's words about it, `%T` by the
    /// time. Kannel cannot find another code in the URL, because neither the name of a backend nor a reference contains
    /// a percent sign.
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
        // Kannel would read a percent sign and the next character as an escape code.
        if given.contains(['%', '?', '#']) {
            fields.fault(URL, "must not contain %, ? or #");
            return None;
        }
        if let Err(problem) = parsed(&given, "http://127.0.0.1:8443") {
            fields.fault(URL, problem);
            return None;
        }
        if secret.is_none() {
            let problem = "needs a token, or a password in sendsms_params, which signs the reports";
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

/// Returns the final status that a bit mask of events stands for; `None` while the message is on its way.
///
/// Newer versions of Kannel send several bits at once: 34 is 2 | 32 (expired), 66 is 2 | 64 (unknown). A failure counts
/// for more than any other bit, because the other bits then say why the message failed.
fn final_status(written: &str) -> Result<Option<FinalStatus>, Vec<Fault>> {
    let is_number = !written.starts_with('0') && written.bytes().all(|byte| byte.is_ascii_digit());
    let events = written.parse::<u32>().ok().filter(|_| is_number).unwrap_or(0);
    match events {
        _ if events & FAILURES != 0 => Ok(Some(FinalStatus::Failed)),
        _ if events & DELIVERED != 0 => Ok(Some(FinalStatus::Delivered)),
        _ if events & ON_ITS_WAY != 0 => Ok(None),
        _ => {
            let problem = "is not a value of %d in Kannel: a sum of 1, 2, 4, 8, 16, 32 and 64";
            Err(vec![Fault::new(KIND, problem)])
        }
    }
}

fn query(request: &Request<Bytes>) -> Query<'_> {
    Query::new(request.uri().query().unwrap_or_default())
}

impl Reports for Dlr {
    fn path(&self) -> &'static str {
        "dlr"
    }

    /// Only the gateway received the signed reference, so the reference is enough. A token would have to be in every
    /// `dlr-url`.
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
        let final_status = final_status(&query.text(KIND).unwrap_or_default())?;
        let reported_at = query.text(TIME).and_then(|written| gateway_time::read(&written));
        Ok(Reported { reference, final_status, detail: query.text(WORDS), reported_at })
    }
}
