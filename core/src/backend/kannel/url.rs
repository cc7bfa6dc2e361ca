//! URLs of Kannel in the settings.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

use crate::settings::Param;

/// The bytes to escape: all except the characters that RFC 3986 calls unreserved.
pub(super) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reads an HTTP URL, or returns the fault in it.
pub(super) fn parsed(given: &str, example: &str) -> Result<Url, String> {
    match Url::parse(given) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Err("must begin with http:// or https://".to_owned())
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Err("has no host".to_owned()),
        Ok(url) => Ok(url),
        Err(problem) => Err(format!("is not a URL such as {example}: {problem}")),
    }
}

pub(super) fn base(url: &Url, params: &[(String, Param)]) -> String {
    let mut base = url.to_string();
    if url.query().is_none() {
        base.push('?');
    } else if !base.ends_with(['?', '&']) {
        base.push('&');
    }
    for (name, value) in params {
        let name = percent_encode(name.as_bytes(), ESCAPED);
        let value = percent_encode(value.reveal().as_bytes(), ESCAPED);
        let _ = write!(base, "{name}={value}&");
    }
    base
}
