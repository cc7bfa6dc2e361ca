//! Detects a request that a browser sends for a page of another site.
//!
//! Source: <https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site>

use ::http::{Request, header};
use bytes::Bytes;

/// Returns whether a page of another site caused the request. New browsers say so in `Sec-Fetch-Site`. Older browsers,
/// and all browsers over plain HTTP, do not send this header; then the `Origin` must be the host of the request. A
/// request with neither header does not come from a browser, because browsers send an origin with each POST.
pub(super) fn is_foreign(request: &Request<Bytes>) -> bool {
    let headers = request.headers();
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers.get(header::HOST).map_or(&b""[..], |host| host.as_bytes());
    let origin = origin.as_bytes();
    let named = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
    named.is_none_or(|named| named.is_empty() || !named.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_site_may_post() {
        let table: [(&[(&str, &str)], bool); 13] = [
            (&[("host", "a.example")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://elsewhere.example")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "")], true),
            (&[("host", "a.example"), ("origin", "https://a.example")], false),
            (&[("host", "127.0.0.1:8000"), ("origin", "http://127.0.0.1:8000")], false),
            (&[("host", "127.0.0.1:8000"), ("origin", "http://127.0.0.1:8001")], true),
            (&[("host", "a.example"), ("origin", "https://b.a.example")], true),
            (&[("host", "a.example"), ("origin", "null")], true),
            (&[("origin", "https://")], true),
            (&[("host", "["), ("origin", "https://a.example")], true),
        ];
        for (headers, foreign) in table {
            let mut request = Request::post("/httptester/b/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            assert_eq!(is_foreign(&request.body(Bytes::new()).unwrap()), foreign, "{headers:?}");
        }
    }
}
