//! Answers that several parts of the tester give, and the headers that all of them have.

use std::collections::BTreeMap;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;

use crate::backend::plain_text;
use crate::model::message::InvalidName;

/// Nothing from elsewhere, nothing inline, nothing around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page: nobody keeps it, and nobody shows it inside another one.
pub(super) fn html(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = plain_text(status, text);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: forms would then not say where they come from.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in headers {
        set(&mut response, name, value);
    }
    response
}

/// An answer to a call of the page.
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

/// What is wrong with a call.
pub(super) fn error(status: StatusCode, problem: impl Into<String>) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Wrong {
        error: String,
    }
    json(status, &Wrong { error: problem.into() })
}

/// Look there.
pub(super) fn see_other(address: &str) -> Response<Bytes> {
    let mut response = plain_text(StatusCode::SEE_OTHER, "");
    set(&mut response, header::LOCATION, address);
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

/// What someone is told who gave too many wrong passwords.
pub(super) fn too_many(wait: Duration) -> String {
    let seconds = seconds(wait);
    let (count, unit) = if seconds > 120 { (seconds.div_ceil(60), "minutes") } else { (seconds, "seconds") };
    let unit = if count == 1 { unit.trim_end_matches('s') } else { unit };
    format!("There were too many wrong passwords. Try again in {count} {unit}.")
}

/// 429, to a request that brought the password itself.
pub(super) fn must_wait(wait: Duration) -> Response<Bytes> {
    let mut response = plain_text(StatusCode::TOO_MANY_REQUESTS, format!("{}\n", too_many(wait)));
    retry_after(&mut response, wait);
    response
}

/// Says when to come again.
pub(super) fn retry_after(response: &mut Response<Bytes>, wait: Duration) {
    set(response, header::RETRY_AFTER, &seconds(wait).to_string());
}

/// A wait in seconds that is over when they are.
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

/// Sets a header, whose value is ours.
pub(super) fn set(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The fields of a form; the last of a name counts.
pub(super) fn form(request: &Request<Bytes>) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(request.body()).into_owned().collect()
}
