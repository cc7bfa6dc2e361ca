//! Requests in the form that is kept for an operator: with everything that is needed to recover the message, and
//! without secrets.

mod scan;

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::settings::{Secret, looks_secret};

/// The text that replaces a secret. It needs no escaping in any format.
const HIDDEN: &str = "***";

/// The minimum length of a secret that is searched for by its value. A search for a shorter secret would find other
/// text by chance, so a short secret is hidden only by the name of its field.
const SHORTEST: usize = 4;

/// The bytes to escape: all except the characters that RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the whole request in the form of HTTP: the method, the path and the query, the headers that may be part of
/// the message, and the body.
pub(crate) fn whole(request: &Request<Bytes>) -> String {
    let uri = request.uri();
    let mut kept = format!("{} {}", request.method(), uri.path());
    if let Some(query) = uri.query() {
        kept.push('?');
        kept.push_str(&scan::form(query));
    }
    kept.push('\n');
    for (name, value) in request.headers() {
        let name = name.as_str();
        if !matters(name) {
            continue;
        }
        let value =
            if looks_secret(name) { HIDDEN.into() } else { String::from_utf8_lossy(value.as_bytes()) };
        let _ = writeln!(kept, "{name}: {value}");
    }
    // Each byte becomes the character with the same number, so that no byte is lost in the search for secret fields.
    let body: String = request.body().iter().copied().map(char::from).collect();
    let body: Vec<u8> = without_secret_fields(&body).chars().filter_map(|c| u8::try_from(c).ok()).collect();
    let legible = |text: &str| !text.contains(|c: char| c.is_control() && !"\t\r\n".contains(c));
    match String::from_utf8(body) {
        Ok(text) if legible(&text) => {
            kept.push('\n');
            kept.push_str(&text);
        }
        Ok(text) => kept.push_str(&encoded(text.as_bytes())),
        Err(bytes) => kept.push_str(&encoded(bytes.as_bytes())),
    }
    kept
}

fn encoded(body: &[u8]) -> String {
    format!("content-transfer-encoding: base64\n\n{}", BASE64_STANDARD.encode(body))
}

/// Returns whether a header may be a part of the message. Headers that proxies add are not.
fn matters(name: &str) -> bool {
    let of_proxies = ["x-forwarded", "x-amz", "x-real-ip", "x-request-id"];
    name == header::CONTENT_TYPE.as_str()
        || (name.starts_with("x-") && !of_proxies.iter().any(|start| name.starts_with(start)))
}

fn without_secret_fields(body: &str) -> Cow<'_, str> {
    match body.trim_start().chars().next() {
        None => Cow::Borrowed(body),
        Some('{' | '[' | '"') => scan::json(body).into(),
        Some('<') => scan::xml(body).into(),
        // A multipart body may contain JSON.
        Some(_) if body.contains('\n') => scan::json(&scan::form(body)).into(),
        Some(_) => scan::form(body).into(),
    }
}

/// Removes these secrets from a request, at every place and in every escaped form. Also removes the headers whose
/// purpose is to carry secrets.
pub(crate) fn without_secrets(request: &Request<Bytes>, secrets: &[Secret]) -> Request<Bytes> {
    let hidden = Hidden::new(secrets);
    let mut kept = Request::new(hidden.within(request.body()).into());
    kept.method_mut().clone_from(request.method());
    let uri = hidden.within(request.uri().to_string().as_bytes());
    *kept.uri_mut() = Uri::try_from(uri.as_slice()).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers() {
        let holds_secrets =
            [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE].contains(name);
        if let (false, Ok(value)) = (holds_secrets, hidden.within(value.as_bytes()).try_into()) {
            headers.append(name, value);
        }
    }
    *kept.headers_mut() = headers;
    kept
}

/// Removes these secrets from a text.
pub(crate) fn text_without_secrets(text: &str, secrets: &[Secret]) -> String {
    String::from_utf8_lossy(&Hidden::new(secrets).within(text.as_bytes())).into_owned()
}

/// The secrets in all the forms in which a request can write them.
struct Hidden(Vec<Vec<u8>>);

impl Hidden {
    fn new(secrets: &[Secret]) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.iter().map(Secret::reveal).filter(|secret| secret.len() >= SHORTEST) {
            let percent = percent_encode(secret.as_bytes(), ESCAPED).to_string();
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = serde_json::to_string(secret).unwrap_or_default();
            let json = json.trim_matches('"').to_owned();
            let lower = percent.to_ascii_lowercase();
            forms.extend([secret.to_owned(), percent, lower, form, json].map(String::into_bytes));
        }
        // The longest form comes first, because one secret may be the beginning of another.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self(forms)
    }

    fn within(&self, bytes: &[u8]) -> Vec<u8> {
        let mut kept = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            if let Some(form) = self.0.iter().find(|form| bytes[at..].starts_with(form)) {
                kept.extend_from_slice(HIDDEN.as_bytes());
                at += form.len();
            } else {
                kept.push(bytes[at]);
                at += 1;
            }
        }
        kept
    }
}

/// Returns at most `limit` bytes of a text, with a note if something was cut off, and whether something was cut off.
pub(crate) fn bounded(text: String, limit: usize) -> (String, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    let end = text.floor_char_boundary(limit);
    (format!("{}\n… cut off here; the whole has {} bytes", &text[..end], text.len()), true)
}

#[cfg(test)]
mod tests;
