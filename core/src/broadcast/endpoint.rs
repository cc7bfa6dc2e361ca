//! The HTTP endpoint of broadcasts, and the same calls by direct invocation of the Lambda function.
//!
//! | request | answer |
//! |---|---|
//! | `POST /send` with `{"key", "text", "recipients"}` | 202: the broadcast is durable, with one message for each recipient |
//! | `GET /send/<key>` | 200: `total`, `fanned_out` |
//! | `GET /send/<key>?states` | also `states`: how many messages are `waiting`, `queued`, `sent`, `delivered`, `failed` |
//! | `GET /send/<key>?recipients` | also `recipients`, each with its state; `&part=<next>` for the next part |
//!
//! | answer | when |
//! |---|---|
//! | 400 | the order is not valid: `faults` names the first [`FAULTS`] faults, and nothing is written |
//! | 401, 403 | no token; a wrong token, or sending is off |
//! | 404, 405 | no such broadcast, or nothing at this path; another method |
//! | 409 | the key belongs to a broadcast with other content |
//! | 413, 415 | the body is larger than [`MAX_BODY`]; the content is not `application/json` |
//! | 503 | the broadcast could not be made durable: call again |
//!
//! Every answer is JSON. An answer with an error describes it in `problem`. The token is that of `[send]` in the
//! settings, given as `Authorization: Bearer …`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tracing::{error, info};

use super::progress::{Question, counts, progress};
use super::{Acceptance, BroadcastError, Order, broadcast};
use crate::backend::Caller;
use crate::error::Fault;
use crate::model::broadcast_key::BroadcastKey;
use crate::project::Project;
use crate::settings::MaySend;
use crate::store::StoreError;

/// The maximum size of the body, in bytes: 10,000 of the longest recipients. Lambda takes 6 MB.
pub const MAX_BODY: usize = 4_000_000;

/// The number of faults that the answer names. Further faults are only counted.
pub const FAULTS: usize = 20;

/// An answer: its status, and its body.
type Answer = (StatusCode, Value);

/// Answers one HTTP request.
pub async fn serve(project: &Project, request: Request<Bytes>) -> Response<Bytes> {
    let (status, body) = answer(project, &request).await;
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let further = match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "GET, POST")),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "5")),
        _ => None,
    };
    if let Some((name, value)) = further {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Answers a direct invocation, whose caller AWS has authorized. The event is an order, or `{"progress": "<key>"}`,
/// optionally with `"states": true` or `"part": <number>`. The answer contains its HTTP `status`. `Err` means that
/// nothing was done and the caller should try again.
pub async fn invoked(project: &Project, event: &str) -> Result<Value, BroadcastError> {
    let asked = serde_json::from_str::<Value>(event).unwrap_or_default();
    let (status, mut body) = if let Some(key) = asked["progress"].as_str() {
        let question = match (asked["states"].as_bool(), asked["part"].as_u64()) {
            (_, Some(part)) => Question::Recipients(u32::try_from(part).unwrap_or(u32::MAX)),
            (Some(true), None) => Question::States,
            _ => Question::Counts,
        };
        answer_progress(project, key, question).await?
    } else {
        take(project, event.as_bytes()).await?
    };
    body["status"] = status.as_u16().into();
    Ok(body)
}

async fn answer(project: &Project, request: &Request<Bytes>) -> Answer {
    if let Some(refusal) = refusal(&project.may_send, request.headers()) {
        return refusal;
    }
    let Some(key) = key_in(request.uri().path()) else {
        return problem(StatusCode::NOT_FOUND, "Unknown path. Use POST /send or GET /send/<key>.");
    };
    let done = match (request.method(), key) {
        (&Method::POST, "") => {
            let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
            // A web page of another origin cannot send this content type before the browser has asked this server for
            // permission.
            if !kind.eq_ignore_ascii_case("application/json") {
                return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.");
            }
            if request.body().len() > MAX_BODY {
                return problem(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "The body is too large. Split the recipients into several calls.",
                );
            }
            take(project, request.body()).await
        }
        (&Method::GET, key) if !key.is_empty() => {
            let query = request.uri().query().unwrap_or_default();
            let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
            let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            let question = if field("recipients").is_some() {
                let part = field("part").map_or(Ok(0), |part| part.parse());
                let Ok(part) = part else {
                    return faulty(&[Fault::new("part", "is not a whole number")]);
                };
                Question::Recipients(part)
            } else if field("states").is_some() {
                Question::States
            } else {
                Question::Counts
            };
            answer_progress(project, key, question).await.map_err(BroadcastError::from)
        }
        _ => return problem(StatusCode::METHOD_NOT_ALLOWED, "Use POST /send or GET /send/<key>."),
    };
    done.unwrap_or_else(|unavailable| {
        error!(outcome = "not_accepted", error = %unavailable, "broadcast");
        problem(StatusCode::SERVICE_UNAVAILABLE, "The service is not available now. Call again.")
    })
}

/// Returns the key in a path, or an empty text if the path has no key. Returns `None` for a path with more segments,
/// which is not the path of a broadcast. A slash at the end makes no difference.
fn key_in(path: &str) -> Option<&str> {
    let mut segments = path.strip_suffix('/').unwrap_or(path).split('/').skip(2);
    match segments.next() {
        None => Some(""),
        Some("") => None,
        Some(key) => segments.next().is_none().then_some(key),
    }
}

fn problem(status: StatusCode, words: &str) -> Answer {
    (status, json!({ "problem": words }))
}

fn faulty(faults: &[Fault]) -> Answer {
    let named = faults.iter().take(FAULTS);
    let named = named.map(|fault| json!({ "field": fault.field, "problem": fault.problem }));
    let body = json!({
        "problem": "The call has faults. Nothing was sent.",
        "faults": named.collect::<Value>(),
        "more_faults": faults.len().saturating_sub(FAULTS),
    });
    (StatusCode::BAD_REQUEST, body)
}

/// Returns the refusal of a request without a valid token, or `None` if the request may proceed.
fn refusal(may_send: &MaySend, headers: &HeaderMap) -> Option<Answer> {
    let token = match may_send {
        MaySend::Open => return None,
        MaySend::Off => {
            let words = "Sending is off: the settings have no token in [send].";
            return Some(problem(StatusCode::FORBIDDEN, words));
        }
        MaySend::Guarded(token) => token,
    };
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let given = given.and_then(|given| {
        let (scheme, token) = given.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    });
    match Caller::with_token(token, given) {
        Caller::Gateway | Caller::Anyone => None,
        Caller::NoCredentials => Some(problem(
            StatusCode::UNAUTHORIZED,
            "The token is missing. Send it as the header Authorization: Bearer <token>.",
        )),
        Caller::WrongCredentials => Some(problem(StatusCode::FORBIDDEN, "The token is wrong.")),
    }
}

async fn take(project: &Project, body: &[u8]) -> Result<Answer, BroadcastError> {
    let order = match Order::from_json(body) {
        Ok(order) => order,
        Err(faults) => return Ok(refused(&faults)),
    };
    match broadcast(project, &order).await {
        Ok(Acceptance::Accepted(broadcast)) => {
            let mut body = counts(&broadcast);
            body["progress"] = format!("/send/{}", broadcast.key).into();
            Ok((StatusCode::ACCEPTED, body))
        }
        Ok(Acceptance::Conflict) => Ok(problem(
            StatusCode::CONFLICT,
            "This key belongs to a broadcast with another text or other recipients.",
        )),
        Err(BroadcastError::Unusable(faults)) => Ok(refused(&faults)),
        Err(unavailable) => Err(unavailable),
    }
}

fn refused(faults: &[Fault]) -> Answer {
    info!(faults = faults.len(), outcome = "unusable", "broadcast");
    faulty(faults)
}

async fn answer_progress(project: &Project, key: &str, question: Question) -> Result<Answer, StoreError> {
    let found = match key.parse::<BroadcastKey>() {
        Ok(key) => progress(project, &key, question).await?,
        Err(_) => None,
    };
    Ok(match found {
        Some(body) => (StatusCode::OK, body),
        None => problem(StatusCode::NOT_FOUND, "No broadcast has this key."),
    })
}
