//! Reads the message out of the fields of a request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;

use super::field_names::FieldNames;
use super::payload::{Payload, Value, pairs};
use crate::backend::{Received, gateway_time};
use crate::error::Fault;
use crate::model::message::{Identity, InvalidName};
use crate::settings::Fields;
use crate::text::charset::guess;
use crate::text::{Decoded, Fidelity};

/// The name of the field that carries the token.
pub(super) const TOKEN: &str = "token";

/// The gateway's names of the fields.
#[derive(Debug)]
pub(in crate::backend) struct Inbound {
    identity: String,
    text: String,
    id: String,
    timestamp: String,
    recipient: String,
}

impl Default for Inbound {
    fn default() -> Self {
        let [identity, text, id, timestamp, recipient] =
            ["identity", "text", "id", "timestamp", "recipient"].map(str::to_owned);
        Self { identity, text, id, timestamp, recipient }
    }
}

impl Inbound {
    /// Reads `incoming_identity`, `incoming_text`, `incoming_id`, `incoming_timestamp` and `incoming_recipient`.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Self {
        let mut names = FieldNames::new(fields, &[TOKEN]);
        Self {
            identity: names.take("incoming_identity", "identity"),
            text: names.take("incoming_text", "text"),
            id: names.take("incoming_id", "id"),
            timestamp: names.take("incoming_timestamp", "timestamp"),
            recipient: names.take("incoming_recipient", "recipient"),
        }
    }

    /// Reads the message. An error holds all faults at once.
    pub(in crate::backend) fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Fault>> {
        let payload = Payload::read(request).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let identity = self.identity(&payload).map_err(|fault| faults.push(fault)).ok();
        let bytes = required(&payload, &self.text).map_err(|fault| faults.push(fault)).ok();
        let mut optional =
            |name: &str| text(&payload, name).map_err(|fault| faults.push(fault)).ok().flatten();
        let gateway_id = optional(&self.id);
        let received_at = optional(&self.timestamp).and_then(|written| gateway_time::read(&written));
        let recipient = optional(&self.recipient);
        let (Some(identity), Some(bytes), true) = (identity, bytes, faults.is_empty()) else {
            return Err(faults);
        };
        let Decoded { text, fidelity } = guess(&bytes);
        Ok(Received {
            identity,
            text,
            gateway_id,
            received_at,
            recipient,
            raw: (fidelity == Fidelity::Lossy).then(|| bytes.into_owned()),
            details: self.details(&payload, received_at),
        })
    }

    /// Reads the sender. If a client forgot to escape the `+` in a form, the `+` arrives as a space.
    fn identity(&self, payload: &Payload) -> Result<Identity, Fault> {
        let bytes = required(payload, &self.identity)?;
        let text = String::from_utf8_lossy(&bytes);
        let number = match payload {
            Payload::Form(_) => {
                text.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            }
            Payload::Json(_) => None,
        };
        let text = number.map_or(text.trim().to_owned(), |number| format!("+{}", number.trim_end()));
        text.parse().map_err(|problem: InvalidName| Fault::new(&self.identity, problem.to_string()))
    }

    /// Returns all other fields of the request, by the gateway's names.
    fn details(&self, payload: &Payload, received_at: Option<Timestamp>) -> BTreeMap<String, String> {
        let known = [&self.identity, &self.text, &self.id, &self.recipient];
        let ours = |name: &str| {
            name == TOKEN
                || known.iter().any(|known| *known == name)
                || (received_at.is_some() && name == self.timestamp)
        };
        let detail = |name: &str| {
            let text = match payload.get(name)? {
                Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
                Value::Other(written) => written.to_owned(),
            };
            (!text.is_empty()).then(|| (name.to_owned(), text))
        };
        payload.names().into_iter().filter(|name| !ours(name)).filter_map(detail).collect()
    }
}

fn required<'a>(payload: &'a Payload, name: &str) -> Result<Cow<'a, [u8]>, Fault> {
    bytes(payload, name)?.ok_or_else(|| Fault::new(name, "is missing"))
}

fn bytes<'a>(payload: &'a Payload, name: &str) -> Result<Option<Cow<'a, [u8]>>, Fault> {
    match payload.get(name) {
        None => Ok(None),
        Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Value::Other(_)) => Err(Fault::new(name, "must be a text or a number")),
    }
}

/// Returns the text of a field that only gateways write; `None` if the field is absent or blank.
pub(super) fn text(payload: &Payload, name: &str) -> Result<Option<String>, Fault> {
    let text = bytes(payload, name)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Ok(text.filter(|text| !text.is_empty()))
}

/// Returns a field of the body, or else of the query. A request with a body may also have the field in its query,
/// because some gateways can only be told a URL.
pub(super) fn anywhere(request: &Request<Bytes>, name: &str) -> Option<Vec<u8>> {
    let in_body = Payload::read(request).ok().and_then(|payload| match payload.get(name)? {
        Value::Bytes(bytes) => Some(bytes.into_owned()),
        Value::Other(_) => None,
    });
    in_body.or_else(|| {
        let query = pairs(request.uri().query().unwrap_or_default().as_bytes());
        query.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    })
}
