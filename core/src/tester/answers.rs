//! Answers that several parts of the tester give, and the headers of all answers.

use std::collections::BTreeMap;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;

use crate::backend::plain_text;
use crate::model::message::InvalidName;

/// The content security policy. A page may load only files of this site, may not have inline scripts or styles, and may
/// not be inside another page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Returns a page. Its headers forbid that a cache keeps the page and that another page shows it in a frame.
pub(super) fn html(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = plain_text(status, text);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer`, browsers would not send the origin of a form.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in headers {
        set(&mut response, name, value);
    }
    response
}

/// Returns the answer to a call of a page.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    match serde_json::to_vec(value) {
        Ok(json) => {
            let mut response = plain_text(status, json);
            set(&mut response, header::CONTENT_TYPE, "application/json");
            set(&mut response, header::CACHE_CONTROL, "no-store");
            set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
            response
        }
        Err(problem) => plain_text(StatusCode::INTERNAL_SERVER_ERROR, problem.to_string()),
    }
}

/// Returns the answer to a wrong call.
pub(super) fn error(status: StatusCode, problem: impl Into<String>) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Wrong {
        error: String,
    }
    json(status, &Wrong { error: problem.into() })
}

/// Returns a redirect (303) to another address.
pub(super) fn see_other(address: &str) -> Response<Bytes> {
    let mut response = plain_text(StatusCode::SEE_OTHER, "");
    set(&mut response, header::LOCATION, address);
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

/// Returns the text for a user who gave too many wrong passwords.
pub(super) fn too_many(wait: Duration) -> String {
    let seconds = seconds(wait);
    let (count, unit) = if seconds > 120 { (seconds.div_ceil(60), "minutes") } else { (seconds, "seconds") };
    let unit = if count == 1 { unit.trim_end_matches('s') } else { unit };
    format!("There were too many wrong passwords. Try again in {count} {unit}.")
}

/// Returns the answer 429 to a request that contained a password.
pub(super) fn must_wait(wait: Duration) -> Response<Bytes> {
    let mut response = plain_text(StatusCode::TOO_MANY_REQUESTS, format!("{}\n", too_many(wait)));
    retry_after(&mut response, wait);
    response
}

/// Sets the header that says when to try again.
pub(super) fn retry_after(response: &mut Response<Bytes>, wait: Duration) {
    set(response, header::RETRY_AFTER, &seconds(wait).to_string());
}

/// Returns a time in whole seconds, rounded up, so that the wait is over after these seconds.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

pub(super) fn not_found() -> Response<Bytes> {
    plain_text(StatusCode::NOT_FOUND, "There is no such page.\n")
}

pub(super) fn wrong_identity(problem: &InvalidName) -> Response<Bytes> {
    plain_text(StatusCode::BAD_REQUEST, format!("identity: {problem}\n"))
}

pub(super) fn set_cookie(response: &mut Response<Bytes>, cookie: &str) {
    set(response, header::SET_COOKIE, cookie);
}

/// Sets a header to a value that this program chose.
pub(super) fn set(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Returns the fields of a form. If a name occurs twice, the last field counts.
pub(super) fn form(request: &Request<Bytes>) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(request.body()).into_owned().collect()
}
