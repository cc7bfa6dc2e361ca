//! The HTTP API's conversion: a request becomes event JSON (payload format 2.0), and the result of a Lambda function
//! becomes a response.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Makes the event of one request.
pub(crate) fn of_request(
    parts: &Parts,
    body: &Bytes,
    route_key: &str,
    source_ip: &str,
    now: Timestamp,
) -> String {
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let header = |name: HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(parts),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": header(header::HOST),
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": source_ip,
                "userAgent": header(header::USER_AGENT),
            },
            "requestId": uuid::Uuid::new_v4().to_string(),
            "routeKey": route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(parts);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let query = decoded(query);
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query);
    }
    if !body.is_empty() {
        if let Ok(text) = std::str::from_utf8(body) {
            event["body"] = text.into();
        } else {
            event["body"] = BASE64_STANDARD.encode(body).into();
            event["isBase64Encoded"] = true.into();
        }
    }
    event.to_string()
}

/// Returns the cookies. In an event, they are separate from the headers.
fn cookies(parts: &Parts) -> Vec<String> {
    let all = parts.headers.get_all(header::COOKIE).iter();
    let all = all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    all.flat_map(|value| value.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
        .collect()
}

/// Returns the headers. Names are in lower case; the values of one name are joined with commas.
fn headers(parts: &Parts) -> Map<String, Value> {
    let mut joined: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != header::COOKIE) {
        joined.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    joined.into_iter().map(|(name, values)| (name.to_owned(), values.join(",").into())).collect()
}

/// Returns the query as the service decodes it. It is only for people who look at events: no code here reads it,
/// because decoding loses bytes.
fn decoded(query: &str) -> BTreeMap<String, String> {
    let text = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut decoded: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (text(name), text(value));
        decoded.entry(name).and_modify(|values| *values = format!("{values},{value}")).or_insert(value);
    }
    decoded
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionResult {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Makes the response from a result of a Lambda function. Returns `None` if the service would not understand the
/// result.
pub(crate) fn to_response(result: &str) -> Option<Response<Bytes>> {
    let result: FunctionResult = serde_json::from_str(result).ok()?;
    let body = match result.body {
        Some(text) if result.is_base64_encoded => BASE64_STANDARD.decode(text).ok()?,
        Some(text) => text.into_bytes(),
        None => Vec::new(),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(result.status_code).ok()?;
    for (name, value) in result.headers {
        response.headers_mut().insert(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(&value).ok()?);
    }
    for cookie in result.cookies {
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    }
    Some(response)
}
