//! The fields of a request, from a form, a query or a JSON object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, header};
use percent_encoding::percent_decode;
use serde_json::value::RawValue;

use crate::error::Fault;

/// The fields of one request by name.
pub(super) enum Payload {
    /// The fields of a form or a query, in the order of the request. If a name occurs twice, the first field counts.
    /// The bytes of a field need not be valid text.
    Form(Vec<(String, Vec<u8>)>),
    /// The fields of a JSON object. Each value stays as it is written, so that a number keeps all its digits.
    Json(BTreeMap<String, Box<RawValue>>),
}

/// The value of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// The bytes of a text or of a number. The bytes of a form may be invalid text.
    Bytes(Cow<'a, [u8]>),
    /// A JSON value that is neither a text nor a number, as it is written.
    Other(&'a str),
}

impl Payload {
    /// Reads the body of a POST, by its content type; for any other method, reads the query.
    pub(super) fn read(request: &Request<Bytes>) -> Result<Self, Fault> {
        if request.method() != Method::POST {
            return Ok(Self::Form(pairs(request.uri().query().unwrap_or_default().as_bytes())));
        }
        match content_type(request).as_str() {
            "" | "application/x-www-form-urlencoded" => Ok(Self::Form(pairs(request.body()))),
            "application/json" => serde_json::from_slice(request.body())
                .map(Self::Json)
                .map_err(|problem| Fault::new("body", format!("is not a JSON object: {problem}"))),
            other => {
                let problem =
                    format!("is {other:?}: send application/x-www-form-urlencoded or application/json");
                Err(Fault::new(header::CONTENT_TYPE.as_str(), problem))
            }
        }
    }

    /// Returns the names of all fields. A name that occurs twice is in the result twice.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Form(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Json(object) => object.keys().map(String::as_str).collect(),
        }
    }

    /// Returns a field. The value `null` of JSON counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<Value<'_>> {
        match self {
            Self::Form(pairs) => {
                let (_, value) = pairs.iter().find(|(known, _)| known == name)?;
                Some(Value::Bytes(Cow::Borrowed(value)))
            }
            Self::Json(object) => {
                let written = object.get(name)?.get();
                match written.as_bytes().first() {
                    Some(b'"') => {
                        let text = serde_json::from_str::<String>(written).ok();
                        Some(
                            text.map_or(Value::Other(written), |text| Value::Bytes(text.into_bytes().into())),
                        )
                    }
                    Some(b'-' | b'0'..=b'9') => Some(Value::Bytes(Cow::Borrowed(written.as_bytes()))),
                    _ if written == "null" => None,
                    _ => Some(Value::Other(written)),
                }
            }
        }
    }
}

/// Returns the media type in lower case, without its parameters; empty if there is no content type.
fn content_type(request: &Request<Bytes>) -> String {
    let given = request.headers().get(header::CONTENT_TYPE).map_or(b"".as_slice(), |value| value.as_bytes());
    let media = given.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    String::from_utf8_lossy(media).to_ascii_lowercase()
}

/// Returns the unescaped names and values of a form or a query.
pub(super) fn pairs(raw: &[u8]) -> Vec<(String, Vec<u8>)> {
    let pair = |pair: &[u8]| {
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(equals);
        let name = String::from_utf8_lossy(&unescaped(name)).into_owned();
        (name, unescaped(value.get(1..).unwrap_or_default()))
    };
    raw.split(|byte| *byte == b'&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// Unescapes a value. A `+` becomes a space.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = value.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}
