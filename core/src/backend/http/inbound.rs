//! Reads the messages out of the fields of a request.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use tracing::warn;

use super::field_names::FieldNames;
use super::path::Path;
use super::payload::{Payload, Record, Value};
use crate::backend::{Received, coding, gateway_time};
use crate::error::Fault;
use crate::model::message::{Identity, InvalidName};
use crate::settings::Fields;
use crate::text::charset::guess;
use crate::text::{Decoded, Fidelity};
use crate::util::hex::unhex;

/// The default name of the field that carries the token.
pub(super) const TOKEN: &str = "token";

/// Whether the fields of a POST may be in its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend) enum QueryOfPost {
    /// The query counts if the body has no message.
    Counts,
    /// The query does not count: a signature covers only the body.
    Ignored,
}

/// The gateway's names of the fields.
#[derive(Debug)]
pub(in crate::backend) struct Inbound {
    identity: Path,
    text: Path,
    id: Path,
    timestamp: Path,
    recipient: Path,
    /// The fields about the bytes of the text. Each has its name, and whether the settings give this name.
    charset: Option<(Path, bool)>,
    coding: Option<(Path, bool)>,
    hex: Option<(Path, bool)>,
    token: Path,
    given: Given,
}

/// The keys of the optional fields that the settings name, until the first message came.
#[derive(Default)]
struct Given {
    keys: Vec<(String, Path)>,
    is_told: AtomicBool,
}

/// The output leaves out the keys: whether the settings give a default name or leave it out is the same.
impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(…)")
    }
}

impl Default for Inbound {
    fn default() -> Self {
        let [identity, text, id, timestamp, recipient, token] =
            ["identity", "text", "id", "timestamp", "recipient", TOKEN].map(Path::name);
        let (charset, coding, hex) = (None, None, None);
        Self {
            identity,
            text,
            id,
            timestamp,
            recipient,
            charset,
            coding,
            hex,
            token,
            given: Given::default(),
        }
    }
}

impl Inbound {
    /// Reads the keys that begin with `incoming_`, and `token_field`.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Self {
        let token = fields.text("token_field").unwrap_or_else(|| TOKEN.to_owned());
        if token.is_empty() {
            fields.fault("token_field", "is empty");
        }
        let optional = ["incoming_id", "incoming_timestamp", "incoming_recipient"];
        let given = optional.map(|key| fields.is_given(key).then(|| fields.path_of(key)));
        let mut names = FieldNames::new(fields, &[&token]);
        let identity = names.path("incoming_identity", "identity");
        let text = names.path("incoming_text", "text");
        let id = names.path("incoming_id", "id");
        let timestamp = names.path("incoming_timestamp", "timestamp");
        let recipient = names.path("incoming_recipient", "recipient");
        let charset = names.optional("incoming_charset", "charset");
        let coding = names.optional("incoming_coding", "coding");
        let hex = names.optional("incoming_hex", "hex");
        let keys = given.into_iter().zip([&id, &timestamp, &recipient]);
        let keys = keys.filter_map(|(key, path)| Some((key?, path.clone()))).collect();
        let given = Given { keys, is_told: AtomicBool::new(false) };
        let token = Path::name(&token);
        Self { identity, text, id, timestamp, recipient, charset, coding, hex, token, given }
    }

    /// Returns the field that carries the token.
    pub(super) fn token(&self) -> &Path {
        &self.token
    }

    /// Reads one message. An error holds all faults at once.
    pub(in crate::backend) fn decode(
        &self,
        request: &Request<Bytes>,
        query: QueryOfPost,
    ) -> Result<Received, Vec<Fault>> {
        let mut all = self.decode_all(request, query)?;
        if all.len() == 1 {
            return all.pop().ok_or_else(Vec::new);
        }
        Err(vec![Fault::new(self.identity.written(), format!("is there {} times", all.len()))])
    }

    /// Reads all messages of a request. An error holds all faults of all messages.
    pub(in crate::backend) fn decode_all(
        &self,
        request: &Request<Bytes>,
        query: QueryOfPost,
    ) -> Result<Vec<Received>, Vec<Fault>> {
        let payload = self.payload(request, query).map_err(|fault| vec![fault])?;
        let paths = [&self.identity, &self.text, &self.id, &self.timestamp, &self.recipient];
        let records = payload.records(&paths).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let mut all = Vec::new();
        for record in &records {
            match self.message(record) {
                Ok(received) => all.push(received),
                Err(problems) => faults.extend(problems),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if let Some(first) = records.first()
            && !self.given.is_told.swap(true, Ordering::Relaxed)
        {
            for key in self.unmatched(first) {
                warn!(key, outcome = "no_such_field", "the first message has no field of this name");
            }
        }
        Ok(all)
    }

    /// Returns the keys of the settings whose fields a message does not have.
    fn unmatched(&self, record: &Record<'_>) -> Vec<&str> {
        let keys = self.given.keys.iter().filter(|(_, path)| record.get(path).is_none());
        keys.map(|(key, _)| key.as_str()).collect()
    }

    /// Reads the fields of a request. A POST without a message in its body may have the fields in its query.
    fn payload(&self, request: &Request<Bytes>, query: QueryOfPost) -> Result<Payload, Fault> {
        let payload = Payload::read(request);
        if request.method() != Method::POST || query == QueryOfPost::Ignored {
            return payload;
        }
        let in_query = Payload::query(request);
        let is_blank = request.body().trim_ascii().is_empty();
        let has = |payload: &Payload| [&self.identity, &self.text].map(|path| payload.bytes(path).is_some());
        let body_has_message = payload.as_ref().map_or(!is_blank, |payload| has(payload).contains(&true));
        // A list of messages may be empty.
        let is_list = self.identity.has_list() || self.text.has_list();
        let counts = !body_has_message && (is_blank || !is_list) && has(&in_query).contains(&true);
        if counts { Ok(in_query) } else { payload }
    }

    fn message(&self, record: &Record<'_>) -> Result<Received, Vec<Fault>> {
        let mut faults = Vec::new();
        let identity = self.identity(record).map_err(|fault| faults.push(fault)).ok();
        let content = self.content(record).map_err(|fault| faults.push(fault)).ok();
        let mut optional =
            |path: &Path| text(record, path).map_err(|fault| faults.push(fault)).ok().flatten();
        let gateway_id = optional(&self.id);
        let received_at = optional(&self.timestamp).and_then(|written| gateway_time::read(&written));
        let recipient = optional(&self.recipient);
        let (Some(identity), Some(content), true) = (identity, content, faults.is_empty()) else {
            return Err(faults);
        };
        let Content { bytes, decoded: Decoded { text, fidelity }, is_hex } = content;
        Ok(Received {
            identity,
            text,
            gateway_id,
            received_at,
            recipient,
            raw: (fidelity == Fidelity::Lossy).then(|| bytes.into_owned()),
            details: self.details(record, received_at, is_hex),
        })
    }

    /// Reads the sender. If a client forgot to escape the `+` in a form, the `+` arrives as a space.
    fn identity(&self, record: &Record<'_>) -> Result<Identity, Fault> {
        let fault = |problem: String| Fault::new(record.shown(&self.identity), problem);
        let written = match record.get(&self.identity) {
            Some(Value::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Some(Value::Number(number)) => digits(number).map_err(fault)?.to_owned(),
            None | Some(Value::Null) => return Err(fault("is missing".to_owned())),
            Some(Value::Other(_)) => return Err(fault("must be a text or a number".to_owned())),
        };
        let number = match record {
            Record::Form(_) => {
                written.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            }
            Record::Json(_) => None,
        };
        let text = number.map_or(written.trim().to_owned(), |number| format!("+{}", number.trim_end()));
        text.parse().map_err(|problem: InvalidName| fault(problem.to_string()))
    }

    /// Reads the text: the field with hexadecimal digits, or the field with the text itself.
    fn content<'a>(&self, record: &'a Record<'_>) -> Result<Content<'a>, Fault> {
        let charset = self.charset.as_ref().and_then(|(path, _)| text(record, path).ok().flatten());
        let coding = self.coding.as_ref().and_then(|(path, _)| text(record, path).ok().flatten());
        let plain = record.get(&self.text);
        let hex = self.hex.as_ref().filter(|(_, given)| *given || plain.is_none());
        if let Some((path, _)) = hex
            && let Some(digits) = text(record, path)?
        {
            let bytes = unhex(&digits).ok_or_else(|| {
                Fault::new(record.shown(path), "must consist of pairs of hexadecimal digits")
            })?;
            let decoded = coding::decode(charset.as_deref(), coding.as_deref(), &bytes);
            return Ok(Content { bytes: bytes.into(), decoded, is_hex: true });
        }
        let fault = |problem: &str| Fault::new(record.shown(&self.text), problem);
        let bytes = match plain {
            Some(Value::Bytes(bytes)) => bytes,
            Some(Value::Number(written)) => Cow::Borrowed(written.as_bytes()),
            // A blank SMS is a message.
            Some(Value::Null) => Cow::Borrowed(b"".as_slice()),
            Some(Value::Other(_)) => return Err(fault("must be a text or a number")),
            None => return Err(fault("is missing")),
        };
        let decoded = match record {
            // JSON is Unicode already.
            Record::Json(_) => guess(&bytes),
            Record::Form(_) => {
                let given = [&self.charset, &self.coding].map(|field| matches!(field, Some((_, true))));
                let is_plain = is_plain(&bytes);
                let coding = coding.filter(|_| given[1] || !is_plain);
                let charset = charset.filter(|_| given[0] || !is_plain);
                coding::decode(charset.as_deref(), coding.as_deref(), &bytes)
            }
        };
        Ok(Content { bytes, decoded, is_hex: false })
    }

    /// Returns all other fields of the message, by the gateway's names.
    fn details(
        &self,
        record: &Record<'_>,
        received_at: Option<Timestamp>,
        is_hex: bool,
    ) -> BTreeMap<String, String> {
        let mut known = vec![&self.identity, &self.text, &self.id, &self.recipient, &self.token];
        known.extend(received_at.map(|_| &self.timestamp));
        known.extend(self.hex.as_ref().filter(|_| is_hex).map(|(path, _)| path));
        let detail = |(name, value): (String, Value<'_>)| {
            let text = match value {
                Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
                Value::Number(written) | Value::Other(written) => written.to_owned(),
                Value::Null => return None,
            };
            (!text.is_empty()).then_some((name, text))
        };
        record.others(&known).into_iter().filter_map(detail).collect()
    }
}

/// The text of a message, and the bytes that it stands for.
struct Content<'a> {
    bytes: Cow<'a, [u8]>,
    decoded: Decoded,
    is_hex: bool,
}

/// Returns whether bytes look like a text in UTF-8: then a gateway has decoded the text already, whatever its field
/// about the coding says. UTF-16 has zero bytes or control characters for nearly every script.
fn is_plain(bytes: &[u8]) -> bool {
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_control))
}

/// Returns the digits of a phone number that JSON writes as a number, or the fault in it.
fn digits(number: &str) -> Result<&str, String> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_whole =
        fraction.bytes().all(|byte| byte == b'0') && whole.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole { Ok(whole) } else { Err("is a number that has lost its digits: send a text".to_owned()) }
}

/// Returns the text of a field that only gateways write; `None` if the field is absent or blank.
pub(super) fn text(record: &Record<'_>, path: &Path) -> Result<Option<String>, Fault> {
    let text = match record.get(path) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Some(Value::Number(written)) => written.to_owned(),
        Some(Value::Other(_)) => {
            return Err(Fault::new(record.shown(path), "must be a text or a number"));
        }
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Returns a field of the body, or else of the query. A request with a body may also have the field in its query,
/// because some gateways can only be told a URL.
pub(super) fn anywhere(request: &Request<Bytes>, path: &Path) -> Option<Vec<u8>> {
    let in_body = Payload::read(request).ok().and_then(|payload| payload.bytes(path));
    in_body.or_else(|| Payload::query(request).bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_whose_fields_the_first_message_does_not_have_are_known() {
        let mut inbound = Inbound::default();
        let keys = [("incoming_id", "a.b"), ("incoming_recipient", "to")];
        inbound.given.keys =
            keys.map(|(key, path)| (key.to_owned(), Path::read(path).unwrap())).into_iter().collect();
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(Bytes::from_static(br#"{"to":"1","a":{}}"#)).unwrap();
        let payload = Payload::read(&request).unwrap();
        let records = payload.records(&[&inbound.id]).unwrap();
        assert_eq!(inbound.unmatched(&records[0]), ["incoming_id"]);
    }
}
