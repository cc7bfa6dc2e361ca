//! Reads the credentials of a gateway from the `Authorization` header (RFC 7617, RFC 6750).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, header};

/// Returns the password of `Basic` credentials, with any user name. A client with a URL of the form
/// `http://user:password@…` sends such credentials.
pub(crate) fn basic_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let credentials = BASE64_STANDARD.decode(after(headers, b"basic ")?).ok()?;
    let colon = credentials.iter().position(|byte| *byte == b':')?;
    Some(credentials[colon + 1..].to_vec())
}

/// Returns the token of `Bearer` credentials.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<Vec<u8>> {
    after(headers, b"bearer ").map(<[u8]>::to_vec)
}

/// Returns the credentials after a scheme. The name of the scheme must be given in lower case.
fn after<'h>(headers: &'h HeaderMap, scheme: &[u8]) -> Option<&'h [u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (given, rest) = value.split_at_checked(scheme.len())?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim_ascii())
}
