//! The fields of a request, from a form, a query or JSON.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Request, header};
use percent_encoding::percent_decode;

use super::path::{Node, Path, Row, without_lone_surrogates};
use crate::error::Fault;

/// The fields of one request by name.
pub(super) enum Payload {
    /// The fields of a form or a query, in the order of the request. If a name occurs twice, the first field counts.
    /// The bytes of a field need not be valid text.
    Form(Vec<(String, Vec<u8>)>),
    /// A valid JSON text, which begins with an object or a list.
    Json(String),
}

/// The value of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// The bytes of a text. The bytes of a form may be invalid text.
    Bytes(Cow<'a, [u8]>),
    /// A JSON number, as it is written.
    Number(&'a str),
    /// The JSON value `null`.
    Null,
    /// Any other JSON value, as it is written.
    Other(&'a str),
}

/// One message in a payload.
pub(super) enum Record<'a> {
    Form(&'a [(String, Vec<u8>)]),
    Json(Row<'a>),
}

/// The byte order mark of UTF-8, with which some programs begin a text.
const BOM: &[u8] = b"\xef\xbb\xbf";

impl Payload {
    /// Reads the body of a POST, by its content type; for any other method, reads the query.
    pub(super) fn read(request: &Request<Bytes>) -> Result<Self, Fault> {
        if request.method() != Method::POST {
            return Ok(Self::query(request));
        }
        let body: &[u8] = request.body();
        let body = body.strip_prefix(BOM).unwrap_or(body);
        let looks_like_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
        match content_type(request).as_str() {
            "application/json" | "application/x-json" | "text/json" | "text/x-json" => Self::json(body),
            media if media.starts_with("application/") && media.ends_with("+json") => Self::json(body),
            "" | "text/plain" if looks_like_json => Self::json(body),
            "" | "application/x-www-form-urlencoded" => Ok(Self::Form(pairs(body))),
            other => {
                let problem =
                    format!("is {other:?}: send application/x-www-form-urlencoded or application/json");
                Err(Fault::new(header::CONTENT_TYPE.as_str(), problem))
            }
        }
    }

    /// Reads the query.
    pub(super) fn query(request: &Request<Bytes>) -> Self {
        Self::Form(pairs(request.uri().query().unwrap_or_default().as_bytes()))
    }

    fn json(body: &[u8]) -> Result<Self, Fault> {
        let fault = |problem: String| Fault::new("body", format!("is not a JSON object: {problem}"));
        let text = std::str::from_utf8(body).map_err(|problem| fault(problem.to_string()))?;
        let text = without_lone_surrogates(text);
        let root = Node::read(&text).map_err(|problem| fault(problem.to_string()))?;
        if root.is_nested() { Ok(Self::Json(text)) } else { Err(fault("it is a single value".to_owned())) }
    }

    /// Returns the messages of the payload. The paths of the fields say in which list they are.
    pub(super) fn records(&self, paths: &[&Path]) -> Result<Vec<Record<'_>>, Fault> {
        let deepest = paths
            .iter()
            .rev()
            .copied()
            .max_by_key(|path| paths.iter().filter(|one| one.goes_with(path)).count());
        match self {
            Self::Form(pairs) => Ok(vec![Record::Form(pairs)]),
            Self::Json(text) => {
                let whole = || Fault::new("body", "is not a JSON object");
                let root = Node::read(text).map_err(|_| whole())?;
                let Some(path) = deepest.filter(|path| path.has_list()) else {
                    // A list holds several messages, so it has no fields of its own.
                    let is_object = root.written().starts_with('{');
                    let by_number = paths.iter().any(|path| path.written().starts_with('['));
                    let row = (is_object || by_number).then(|| Record::Json(Row::whole(root)));
                    return row.map(|row| vec![row]).ok_or_else(whole);
                };
                let rows = path.rows(root).map_err(|problem| Fault::new(path.written(), problem))?;
                Ok(rows.into_iter().map(Record::Json).collect())
            }
        }
    }

    /// Returns a field of the whole payload, as bytes. `None` if it is absent or no text.
    pub(super) fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let records = self.records(&[path]).ok()?;
        match records.first()?.get(path)? {
            Value::Bytes(bytes) => Some(bytes.into_owned()),
            Value::Number(written) => Some(written.as_bytes().to_vec()),
            Value::Null | Value::Other(_) => None,
        }
    }
}

impl Record<'_> {
    /// Returns a field.
    pub(super) fn get(&self, path: &Path) -> Option<Value<'_>> {
        match self {
            Self::Form(pairs) => {
                let (_, value) = pairs.iter().find(|(known, _)| known == path.written())?;
                Some(Value::Bytes(Cow::Borrowed(value)))
            }
            Self::Json(row) => path.of(row).map(value),
        }
    }

    /// Returns the name of a field for a fault.
    pub(super) fn shown(&self, path: &Path) -> String {
        match self {
            Self::Form(_) => path.written().to_owned(),
            Self::Json(row) => path.shown(row),
        }
    }

    /// Returns all fields that are at none of these paths, by their names or paths.
    pub(super) fn others(&self, known: &[&Path]) -> Vec<(String, Value<'_>)> {
        match self {
            Self::Form(pairs) => {
                let others = pairs.iter().filter(|(name, _)| known.iter().all(|path| path.written() != name));
                // The first field of a name counts, so it must come last here.
                others.rev().map(|(name, value)| (name.clone(), Value::Bytes(Cow::Borrowed(value)))).collect()
            }
            Self::Json(row) => {
                row.others(known).into_iter().map(|(name, node)| (name, value(node))).collect()
            }
        }
    }
}

/// Reads a JSON value.
pub(super) fn value(node: Node<'_>) -> Value<'_> {
    let written = node.written();
    match written.as_bytes().first() {
        Some(b'"') => {
            let text = serde_json::from_str::<String>(written).ok();
            text.map_or(Value::Other(written), |text| Value::Bytes(text.into_bytes().into()))
        }
        Some(b'-' | b'0'..=b'9') => Value::Number(written),
        _ if written == "null" => Value::Null,
        _ => Value::Other(written),
    }
}

/// Returns the media type in lower case, without its parameters; empty if there is no content type.
pub(super) fn content_type(request: &Request<Bytes>) -> String {
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
