//! The answer that the gateway gets for a message: `answer`, `answer_type` and `answer_status`.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::settings::Fields;

/// The answer to a message that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acknowledgement {
    status: StatusCode,
    kind: HeaderValue,
    body: Bytes,
}

impl Acknowledgement {
    /// Reads the three keys.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Self {
        let status = fields.number("answer_status", 200..=299);
        let status = status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
        let status = status.unwrap_or(StatusCode::OK);
        // An answer with these statuses has no body.
        let is_bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
        let given = fields.text("answer");
        if is_bodiless && given.as_deref().is_some_and(|given| !given.is_empty()) {
            fields
                .fault("answer", format!("must be empty, because an answer {} has no body", status.as_u16()));
        }
        let usual = if is_bodiless { "" } else { "OK" };
        let body = given.unwrap_or_else(|| usual.to_owned()).into();
        let plain = "text/plain; charset=utf-8";
        let kind = fields.text("answer_type").unwrap_or_else(|| plain.to_owned());
        let is_type = kind.split_once('/').is_some_and(|(one, two)| !one.is_empty() && !two.is_empty());
        let kind = HeaderValue::from_str(&kind).ok().filter(|_| is_type).unwrap_or_else(|| {
            fields.fault("answer_type", "must be a content type such as application/json");
            HeaderValue::from_static("text/plain; charset=utf-8")
        });
        Self { status, kind, body }
    }

    /// Returns the answer.
    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, self.kind.clone());
        response
    }
}
