//! Converts an event of an HTTP API (payload format 2.0) to a request, and a response to the result of the event.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::HashMap;
use std::future::Future;

use ::http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::encodings::Body;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::{Instrument as _, error, info_span, warn};

use super::{InvokeError, until};
use crate::backend::plain_text;
use crate::broadcast;
use crate::project::Project;
use crate::tester::ClientAddress;
use crate::util::clock::Deadline;

/// Processes an event of the Lambda function `send`: an event of an HTTP API, or the JSON of a direct invocation.
pub(super) async fn invoke_send(
    project: &Project,
    event: &str,
    end: Deadline,
) -> Result<String, InvokeError> {
    let fields: HashMap<String, &RawValue> =
        serde_json::from_str(event).map_err(|problem| InvokeError::Event(problem.to_string()))?;
    if fields.contains_key("requestContext") {
        return invoke(event, end, |request| broadcast::endpoint::serve(project, request)).await;
    }
    let invoked = async {
        let answer = broadcast::endpoint::invoked(project, event).await;
        answer.map(|answer| answer.to_string()).map_err(|problem| InvokeError::Broadcast(problem.to_string()))
    };
    until(end, invoked).await
}

/// Answers the request of an event. The answer is 503 if there is no other answer at `end`.
pub(super) async fn invoke<F: Future<Output = Response<Bytes>>>(
    event: &str,
    end: Deadline,
    serve: impl FnOnce(Request<Bytes>) -> F,
) -> Result<String, InvokeError> {
    let unread = |problem: serde_json::Error| InvokeError::Event(problem.to_string());
    let event: ApiGatewayV2httpRequest = serde_json::from_str(event).map_err(unread)?;
    let span = info_span!("request", request_id = event.request_context.request_id.as_deref());
    let response = match to_request(event) {
        Ok(request) => {
            let served = Box::pin(serve(request).instrument(span.clone()));
            let served = timeout(end.remaining(), served).await;
            served.unwrap_or_else(|_| span.in_scope(out_of_time))
        }
        Err(problem) => {
            warn!(outcome = "malformed", problem, "request");
            plain_text(StatusCode::BAD_REQUEST, format!("{problem}\n"))
        }
    };
    serde_json::to_string(&to_result(response)).map_err(unread)
}

/// Returns the answer 503, which asks the client to repeat the request.
fn out_of_time() -> Response<Bytes> {
    error!(outcome = "out_of_time", "request");
    let mut response =
        plain_text(StatusCode::SERVICE_UNAVAILABLE, "The request took too long. Send it again.\n");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The characters that a path and query must not contain unescaped. A percent sign stays as it is, because the sender
/// has already encoded the query.
const ILLEGAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// In a path, a question mark would begin the query.
const ILLEGAL_IN_PATH: &AsciiSet = &ILLEGAL.add(b'?');

/// Converts the event to a request. The query string stays as it came. The conversion in `lambda_http` panics on some
/// hosts and paths that a client can send, so it is not used.
fn to_request(event: ApiGatewayV2httpRequest) -> Result<Request<Bytes>, &'static str> {
    let http = event.request_context.http;
    let raw_path = event.raw_path.or(http.path).unwrap_or_default();
    let path = match event.request_context.stage.as_deref() {
        None | Some("$default" | "") => raw_path.as_str(),
        Some(stage) => {
            let inner = raw_path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
            inner.filter(|path| path.starts_with('/')).unwrap_or(&raw_path)
        }
    };
    let mut target = utf8_percent_encode(path, ILLEGAL_IN_PATH).to_string();
    if !target.starts_with('/') {
        target.insert(0, '/');
    }
    if let Some(query) = event.raw_query_string.filter(|query| !query.is_empty()) {
        target.push('?');
        target.extend(utf8_percent_encode(&query, ILLEGAL));
    }
    let body = match event.body {
        Some(text) if event.is_base64_encoded => {
            BASE64_STANDARD.decode(text).map_err(|_| "The body is not valid Base64.")?
        }
        Some(text) => text.into_bytes(),
        None => Vec::new(),
    };
    let mut request = Request::new(Bytes::from(body));
    if let Some(address) = http.source_ip.and_then(|address| address.parse().ok()) {
        request.extensions_mut().insert(ClientAddress(address));
    }
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| "The path or the query is not valid.")?;
    *request.method_mut() = http.method;
    *request.headers_mut() = event.headers;
    // The event gives the cookies in a separate list, outside the headers.
    for cookie in event.cookies.unwrap_or_default() {
        if let Ok(cookie) = cookie.parse() {
            request.headers_mut().append(header::COOKIE, cookie);
        }
    }
    Ok(request)
}

/// Converts the response to the result of the event. A body that is not text becomes Base64.
fn to_result(response: Response<Bytes>) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = response.into_parts();
    let cookies = parts.headers.get_all(header::SET_COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| cookie.to_str().ok()).map(str::to_owned).collect();
    parts.headers.remove(header::SET_COOKIE);
    let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
        Ok(text) => (text, false),
        Err(binary) => (BASE64_STANDARD.encode(binary.as_bytes()), true),
    };
    let mut result = ApiGatewayV2httpResponse::default();
    result.status_code = i64::from(parts.status.as_u16());
    result.headers = parts.headers;
    result.cookies = cookies;
    result.body = Some(Body::Text(body));
    result.is_base64_encoded = is_base64_encoded;
    result
}
