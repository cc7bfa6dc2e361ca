//! Reads a message out of a form, a query or a JSON object.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use jiff::Timestamp;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use crate::backend::{Fault, Received};
use crate::config::Fields;
use crate::text::Fidelity;
use crate::text::charset::guess;

/// What the fields of a request are called.
#[derive(Debug)]
pub(super) struct Names {
    identity: String,
    text: String,
    id: String,
    timestamp: String,
    recipient: String,
}

/// The fields of a request as bytes, by name. The first of a name counts.
pub(super) struct Form(BTreeMap<String, Vec<u8>>);

impl Names {
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Self {
        let mut name = |key: &str, default: &str| fields.text(key).unwrap_or_else(|| default.to_owned());
        Self {
            identity: name("incoming_identity", "identity"),
            text: name("incoming_text", "text"),
            id: name("incoming_id", "id"),
            timestamp: name("incoming_timestamp", "timestamp"),
            recipient: name("incoming_recipient", "recipient"),
        }
    }
}

impl Form {
    /// The query of a GET request, else the body: a form, or a JSON object.
    pub(super) fn of(request: &Request<Bytes>) -> Result<Self, Fault> {
        if request.method() == Method::GET {
            return Ok(Self::encoded(request.uri().query().unwrap_or_default().as_bytes()));
        }
        let kind = content_type(request.headers());
        match kind.as_str() {
            "application/x-www-form-urlencoded" | "" => Ok(Self::encoded(request.body())),
            "application/json" => Self::json(request.body()),
            other => {
                let problem =
                    format!("is {other:?}: send application/x-www-form-urlencoded or application/json");
                Err(Fault::new("content-type", problem))
            }
        }
    }

    fn encoded(bytes: &[u8]) -> Self {
        let unescaped = |part: &[u8]| -> Vec<u8> {
            let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            percent_decode(&spaced).collect()
        };
        let mut form = BTreeMap::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = String::from_utf8_lossy(&unescaped(&pair[..equals])).into_owned();
            let value = unescaped(pair.get(equals + 1..).unwrap_or_default());
            form.entry(name).or_insert(value);
        }
        Self(form)
    }

    fn json(body: &[u8]) -> Result<Self, Fault> {
        let object: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|problem| Fault::new("body", format!("is no JSON object: {problem}")))?;
        let plain = |(name, value): (String, Value)| match value {
            Value::String(text) => Some((name, text.into_bytes())),
            Value::Number(number) => Some((name, number.to_string().into_bytes())),
            Value::Bool(flag) => Some((name, flag.to_string().into_bytes())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        Ok(Self(object.into_iter().filter_map(plain).collect()))
    }

    /// The bytes of a field.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The text of a field, unless it is absent or blank.
    fn text(&self, name: &str) -> Option<String> {
        let text = guess(self.bytes(name)?).text;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Reads the message. All faults at once.
    pub(super) fn message(&self, names: &Names, token: &str) -> Result<Received, Vec<Fault>> {
        let mut faults = Vec::new();
        let identity = match self.text(&names.identity) {
            Some(text) => text.parse().map_err(|problem: crate::InvalidName| problem.to_string()),
            None => Err("is missing: give the sender".to_owned()),
        };
        let identity = identity.map_err(|problem| faults.push(Fault::new(&names.identity, problem))).ok();
        let payload = self.bytes(&names.text);
        if payload.is_none() {
            faults.push(Fault::new(&names.text, "is missing: give the text, which may be empty"));
        }
        let received_at = self.text(&names.timestamp).map(|text| time(&text));
        if let Some(None) = received_at {
            let problem = "is neither seconds since 1970 nor a time such as 2026-11-24T11:25:33Z";
            faults.push(Fault::new(&names.timestamp, problem));
        }
        let (Some(identity), Some(payload), true) = (identity, payload, faults.is_empty()) else {
            return Err(faults);
        };
        let decoded = guess(payload);
        let known = [&names.identity, &names.text, &names.id, &names.timestamp, &names.recipient];
        let others = self.0.keys().filter(|name| !known.contains(name) && *name != token);
        Ok(Received {
            identity,
            text: decoded.text,
            gateway_id: self.text(&names.id),
            received_at: received_at.flatten(),
            recipient: self.text(&names.recipient),
            raw: (decoded.fidelity == Fidelity::Lossy).then(|| payload.to_vec()),
            details: others.filter_map(|name| Some((name.clone(), self.text(name)?))).collect(),
        })
    }
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn time(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => text.parse().ok(),
    }
}
