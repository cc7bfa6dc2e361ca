//! Writes the request that gives one message to an HTTP gateway: a URL with the message in it, or a form, or JSON.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

use crate::config::Fields;
use crate::message::Outgoing;

/// All but what RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands for a part of the message in `outgoing_url`.
const PLACEHOLDERS: [&str; 4] = ["identity", "text", "id", "backend"];

/// How one backend's messages are sent.
#[derive(Debug)]
pub(super) struct Outbound {
    url: Template,
    form: Form,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Where the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Url,
    Form,
    Json,
}

/// Where the message is, and what its fields are called.
#[derive(Debug)]
struct Form {
    way: Way,
    identity: String,
    text: String,
    id: String,
}

/// Why no request can be made of a message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsendable {
    /// In a path `.` and `..` lead elsewhere, escaped or not.
    #[error("filled into outgoing_url it would lead to another path")]
    Path,
    /// The HTTP library does not take it: it is too long.
    #[error("no request can be made of it: {0}")]
    Request(#[from] http::Error),
}

impl Outbound {
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let url = Template::from_fields(fields);
        let way = match fields.one_of("outgoing_method", &["GET", "form", "json"]) {
            Some("form") => Way::Form,
            Some("json") => Way::Json,
            _ => Way::Url,
        };
        if way == Way::Url && url.as_ref().is_some_and(|url| !url.names("text")) {
            fields.fault("outgoing_url", "has no %(text)s in it: put it there, or send a form or json");
        }
        let mut name = |key: &str, default: &str| fields.text(key).unwrap_or_else(|| default.to_owned());
        let form = Form {
            way,
            identity: name("outgoing_identity", "identity"),
            text: name("outgoing_text", "text"),
            id: name("outgoing_id", "id"),
        };
        let mut headers = Vec::new();
        for (name, value) in fields.params("headers") {
            match (name.parse::<HeaderName>(), HeaderValue::from_str(value.reveal())) {
                (Ok(header), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.push((header, value));
                }
                _ => fields.fault(&format!("headers.{name}"), "is not a header that HTTP allows"),
            }
        }
        Some(Self { url: url?, form, headers })
    }

    pub(super) fn request(&self, message: &Outgoing) -> Result<Request<Bytes>, Unsendable> {
        let url = self.url.fill(message)?;
        let mut request = match self.form.way {
            Way::Url => Request::get(url).body(Bytes::new())?,
            Way::Form | Way::Json => {
                let (kind, body) = self.form.body(message);
                Request::builder()
                    .method(Method::POST)
                    .uri(url)
                    .header(header::CONTENT_TYPE, kind)
                    .body(body)?
            }
        };
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
        Ok(request)
    }
}

impl Form {
    fn body(&self, message: &Outgoing) -> (&'static str, Bytes) {
        let fields = [
            (&self.identity, message.connection.identity.as_str()),
            (&self.text, message.text.as_str()),
            (&self.id, message.id.as_str()),
        ];
        if self.way == Way::Json {
            let object: Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name.clone(), value.into())).collect();
            return ("application/json", Value::Object(object).to_string().into());
        }
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            form.append_pair(name, value);
        }
        ("application/x-www-form-urlencoded", form.finish().into())
    }
}

/// A URL with places for parts of the message in its path and query. What is filled in there is escaped, so that a
/// message cannot change the URL around it.
#[derive(Debug)]
struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Plain(String),
    Place(&'static str),
}

impl Template {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let given = fields.required_text("outgoing_url");
        if given.is_empty() {
            return None;
        }
        Self::read(&given).map_err(|problem| fields.fault("outgoing_url", problem)).ok()
    }

    fn read(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("%(") {
            let (plain, place) = rest.split_at(at);
            let end = place.find(")s").ok_or("has a %( without its )s")?;
            let name = &place[2..end];
            let known = PLACEHOLDERS.into_iter().find(|known| *known == name);
            let known = known.ok_or_else(|| {
                format!("has %({name})s in it; known are %({})s", PLACEHOLDERS.join(")s, %("))
            })?;
            parts.extend([Part::Plain(plain.to_owned()), Part::Place(known)]);
            rest = &place[end + 2..];
        }
        parts.push(Part::Plain(rest.to_owned()));
        let template = Self(parts);
        let sample = template.filled(|_| Cow::Borrowed("x"));
        let url = Url::parse(&sample).map_err(|problem| format!("is not a URL: {problem}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must begin with http:// or https://".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must not have a # in it".to_owned());
        }
        // Where the host ends, before anything may be filled in.
        let Some(Part::Plain(first)) = template.0.first() else { return Err("is not a URL".to_owned()) };
        let authority = first.split_once("://").map_or("", |(_, rest)| rest);
        if template.0.len() > 1 && !authority.contains(['/', '?']) {
            return Err("must not have a part of the message in its host".to_owned());
        }
        Ok(template)
    }

    fn names(&self, wanted: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Place(name) if *name == wanted))
    }

    fn filled<'m>(&self, value: impl Fn(&str) -> Cow<'m, str>) -> String {
        let part = |part: &Part| match part {
            Part::Plain(plain) => plain.clone(),
            Part::Place(name) => utf8_percent_encode(&value(name), ESCAPED).to_string(),
        };
        self.0.iter().map(part).collect()
    }

    fn fill(&self, message: &Outgoing) -> Result<String, Unsendable> {
        let filled = self.filled(|name| {
            Cow::Borrowed(match name {
                "identity" => message.connection.identity.as_str(),
                "text" => message.text.as_str(),
                "id" => message.id.as_str(),
                _ => message.connection.backend.as_str(),
            })
        });
        let path = filled.split('?').next().unwrap_or_default();
        let leads_elsewhere =
            |segment: &str| matches!(&*percent_decode_str(segment).decode_utf8_lossy(), "." | "..");
        if path.split('/').any(leads_elsewhere) { Err(Unsendable::Path) } else { Ok(filled) }
    }
}
