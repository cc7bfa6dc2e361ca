//! Reads the delivery reports of an HTTP gateway: the message, its status, and the gateway's words about it.

use bytes::Bytes;
use http::Request;

use super::field_names::FieldNames;
use super::inbound::{anywhere, text};
use super::path::Path;
use super::payload::{Payload, Record};
use crate::backend::{Caller, ReportKey, Reported};
use crate::error::Fault;
use crate::model::message::{BackendName, FinalStatus, Outgoing};
use crate::settings::{Fields, Place, Secret};

/// The words of gateways for a message that the phone has.
const DELIVERED: [&str; 5] = ["delivered", "delivrd", "read", "success", "1"];

/// The words of gateways for a message that will never reach the phone. The numbers are those of Kannel.
const FAILED: [&str; 16] = [
    "failed",
    "failure",
    "undelivered",
    "undeliverable",
    "undeliv",
    "rejected",
    "rejectd",
    "expired",
    "deleted",
    "canceled",
    "cancelled",
    "error",
    "2",
    "16",
    "34",
    "66",
];

/// The words of gateways for a message that is on its way.
const SENT: [&str; 15] = [
    "accepted",
    "acceptd",
    "queued",
    "scheduled",
    "sending",
    "sent",
    "submitted",
    "buffered",
    "enroute",
    "pending",
    "processing",
    "unknown",
    "4",
    "8",
    "32",
];

/// The reader of one backend's delivery reports.
#[derive(Debug)]
pub(super) struct Status {
    key: ReportKey,
    id: Path,
    status: Path,
    detail: Path,
    words: Vec<(String, Option<FinalStatus>)>,
}

impl Status {
    /// Reads `delivery_reports` and the keys of the same table that begin with `report_`. The secret signs the
    /// references.
    pub(super) fn from_fields(
        fields: &mut Fields<'_>,
        token: &Path,
        secret: Option<&Secret>,
    ) -> Option<Self> {
        let wanted = fields.flag("delivery_reports").unwrap_or(false);
        let given: Vec<String> = fields.keys().into_iter().filter(|key| key.starts_with("report_")).collect();
        let mut names = FieldNames::new(fields, &[token.written()]);
        let id = names.path("report_id", "id");
        let status = names.path("report_status", "status");
        let detail = names.path("report_detail", "detail");
        let words = words(fields);
        if !wanted {
            for key in given {
                fields.warn(&key, "has no effect without delivery_reports = true");
            }
            return None;
        }
        if secret.is_none() {
            let problem = "needs a token or a signature_secret, which signs the ids in the reports";
            match fields.place() {
                Place::Deployed => fields.fault("delivery_reports", problem),
                Place::Local => fields.warn("delivery_reports", problem),
            }
        }
        Some(Self { key: ReportKey::new(secret), id, status, detail, words })
    }

    /// Returns the id of the message for the gateway.
    pub(super) fn reference(&self, message: &Outgoing) -> String {
        self.key.sign(message)
    }

    /// Returns whether this backend signed the id of each report. A missing id is not a wrong caller;
    /// [`Status::decode_all`] reports it as a fault.
    pub(super) fn check(&self, backend: &BackendName, request: &Request<Bytes>) -> Caller {
        let ids = self.ids(request);
        let ours = |id: &Vec<u8>| {
            std::str::from_utf8(id).is_ok_and(|id| self.key.open(backend, id.trim()).is_some())
        };
        match ids.iter().all(ours) {
            _ if ids.is_empty() => Caller::Anyone,
            true => Caller::Gateway,
            false => Caller::WrongCredentials,
        }
    }

    /// Returns the ids of all reports in a request. The id of a single report may be in the query.
    fn ids(&self, request: &Request<Bytes>) -> Vec<Vec<u8>> {
        if !self.id.has_list() {
            return anywhere(request, &self.id).into_iter().collect();
        }
        let Ok(payload) = Payload::read(request) else { return Vec::new() };
        let Ok(records) = payload.records(&[&self.id]) else { return Vec::new() };
        let ids = records.iter().filter_map(|record| text(record, &self.id).ok().flatten());
        ids.map(String::into_bytes).collect()
    }

    /// Reads all reports of a request. An error holds all faults at once.
    pub(super) fn decode_all(
        &self,
        backend: &BackendName,
        request: &Request<Bytes>,
    ) -> Result<Vec<Reported>, Vec<Fault>> {
        let payload = Payload::read(request).map_err(|fault| vec![fault])?;
        let records =
            payload.records(&[&self.id, &self.status, &self.detail]).map_err(|fault| vec![fault])?;
        let (mut all, mut faults) = (Vec::new(), Vec::new());
        for record in &records {
            match self.report(backend, request, record) {
                Ok(reported) => all.push(reported),
                Err(problems) => faults.extend(problems),
            }
        }
        if faults.is_empty() { Ok(all) } else { Err(faults) }
    }

    fn report(
        &self,
        backend: &BackendName,
        request: &Request<Bytes>,
        record: &Record<'_>,
    ) -> Result<Reported, Vec<Fault>> {
        let mut faults = Vec::new();
        let fault = |path: &Path, problem: String| Fault::new(record.shown(path), problem);
        let id = if self.id.has_list() {
            text(record, &self.id).ok().flatten().map(String::into_bytes)
        } else {
            anywhere(request, &self.id)
        };
        let reference = id.ok_or_else(|| fault(&self.id, "is missing".to_owned())).and_then(|id| {
            let reference = self.key.open(backend, String::from_utf8_lossy(&id).trim());
            reference.ok_or_else(|| fault(&self.id, "is not an id of this backend".to_owned()))
        });
        let reference = reference.map_err(|fault| faults.push(fault)).ok();
        let status = text(record, &self.status).and_then(|word| {
            let word = word.ok_or_else(|| fault(&self.status, "is missing".to_owned()))?.to_lowercase();
            let known = self.words.iter().find(|(known, _)| *known == word);
            known
                .map(|(_, final_status)| *final_status)
                .ok_or_else(|| fault(&self.status, format!("{word:?} is not a known status")))
        });
        let final_status = status.map_err(|fault| faults.push(fault)).ok();
        // The detail is only for people to read, so a detail that is not a text counts as absent.
        let detail = text(record, &self.detail).ok().flatten();
        match (reference, final_status) {
            (Some(reference), Some(final_status)) => {
                Ok(Reported { reference, final_status, detail, reported_at: None })
            }
            _ => Err(faults),
        }
    }
}

/// Returns the meaning of each word. The words are in lower case.
fn words(fields: &mut Fields<'_>) -> Vec<(String, Option<FinalStatus>)> {
    let lists: [(&str, &[&str], Option<FinalStatus>); 3] = [
        ("report_delivered", &DELIVERED, Some(FinalStatus::Delivered)),
        ("report_failed", &FAILED, Some(FinalStatus::Failed)),
        ("report_sent", &SENT, None),
    ];
    let mut given = lists.map(|(key, _, final_status)| (key, fields.texts(key), final_status));
    let mut words: Vec<(String, Option<FinalStatus>)> = Vec::new();
    for (key, list, final_status) in &mut given {
        for word in list.iter_mut().flatten() {
            *word = word.trim().to_lowercase();
            match words.iter().find(|(known, _)| known == word) {
                Some((_, other)) if other != final_status => {
                    fields.fault(key, format!("{word:?} is already in another of these lists"));
                }
                Some(_) => {}
                None => words.push((word.clone(), *final_status)),
            }
        }
    }
    // A word of the settings has priority over the same word in the default lists.
    for ((_, list, _), (_, usual, final_status)) in given.iter().zip(lists) {
        if list.is_none() {
            for word in usual {
                if !words.iter().any(|(known, _)| known == word) {
                    words.push(((*word).to_owned(), final_status));
                }
            }
        }
    }
    words
}
