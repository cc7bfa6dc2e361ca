//! Twilio's signatures: an HMAC-SHA1 over the URL, and over the sorted fields of a form.
//!
//! Source: Twilio, "Webhooks security", "Validating requests are coming from Twilio".

use bytes::Bytes;
use http::{Method, Request, header};
use sha2::{Digest as _, Sha256};

use super::Hash;
use crate::backend::http::payload::{content_type, pairs};
use crate::settings::Fields;
use crate::util::hex::hex;

/// The field in the query that holds the hash of a body that is no form.
const BODY_HASH: &str = "bodySHA256";

/// Reads `signature_url`: the URL under which the gateway knows us, without the path. A proxy may have changed the host.
pub(super) fn base_from_fields(fields: &mut Fields<'_>) -> Option<String> {
    const KEY: &str = "signature_url";
    let given = fields.text(KEY)?;
    let is_base = url::Url::parse(&given).is_ok_and(|url| {
        let is_http = matches!(url.scheme(), "http" | "https");
        is_http && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
    });
    if !is_base {
        fields.fault(KEY, "must be a URL without a path, such as https://yours.example");
        return None;
    }
    Some(given.trim_end_matches('/').to_owned())
}

/// Returns whether the request has this signature.
pub(super) fn is_right(key: &[u8], base: Option<&str>, request: &Request<Bytes>, given: &str) -> bool {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut fields = Vec::new();
    if request.method() == Method::POST && !request.body().is_empty() {
        if content_type(request) == "application/x-www-form-urlencoded" {
            fields = pairs(request.body());
            fields.sort();
            fields.dedup();
        } else if !has_hash_of_body(request) {
            // Nothing would sign this body.
            return false;
        }
    }
    let mut candidates = Vec::new();
    if let Some(base) = base {
        candidates.push(base.to_owned());
    } else {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
        let Some(host) = host else { return false };
        candidates.push(format!("https://{host}"));
        // Twilio signs some URLs with the port and some without it.
        match host.strip_suffix(":443") {
            Some(name) => candidates.push(format!("https://{name}")),
            None if !host.contains(':') => candidates.push(format!("https://{host}:443")),
            None => candidates.push(format!("http://{host}")),
        }
    }
    candidates.iter().any(|base| {
        let mut parts = vec![base.as_bytes(), target.as_bytes()];
        for (name, value) in &fields {
            parts.extend([name.as_bytes(), value.as_slice()]);
        }
        Hash::Sha1.verifies(key, &parts, given)
    })
}

fn has_hash_of_body(request: &Request<Bytes>) -> bool {
    let query = pairs(request.uri().query().unwrap_or_default().as_bytes());
    let hash = hex(&Sha256::digest(request.body()));
    let given = query.into_iter().find(|(name, _)| name == BODY_HASH);
    given.is_some_and(|(_, value)| value.eq_ignore_ascii_case(hash.as_bytes()))
}
