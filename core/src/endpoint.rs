//! The HTTP endpoint of the backends of one engine. It answers requests from any kind of server.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tracing::{error, info, warn};

use crate::backend::{Caller, OnUnusable, Reports, plain_text, redact};
use crate::error::Fault;
use crate::model::message::BackendName;
use crate::pipeline::accept::incoming;
use crate::pipeline::errors::IncomingError;
use crate::pipeline::status::report;
use crate::planted::{self, Plant};
use crate::project::{Installed, Project};
use crate::store::Unusable;
use crate::util::clock::Deadline;

/// The maximum size of the body, in bytes. The message in it must fit in an item of the table and in a job on the
/// queue.
pub const MAX_BODY: usize = 1 << 16;

/// The maximum size of the query string, in bytes. An HTTP API takes 10,240 for request line and headers.
pub const MAX_QUERY: usize = 1 << 14;

/// The maximum number of problems that are kept of one request.
const MOST_PROBLEMS: usize = 50;

/// The maximum number of bytes that are kept of one problem.
const LONGEST_PROBLEM: usize = 1_000;

/// Answers one request to a backend of `engine`. The path of a message is `/<anything>/<backend name>/`. The path of a
/// delivery report is `/<anything>/<backend name>/<path>/`, with the [path](crate::backend::Reports::path) that the
/// backend has for reports. A request to any other path below the backend's name is a message too.
///
/// | answer | when |
/// |---|---|
/// | the backend's acknowledgement (200) | the message is durable; or the gateway sent it but it cannot be used, and it was kept. Or everything that follows from the report is durable, or nothing follows from it |
/// | 400 | the request cannot be used and was not kept, since its backend is open to anyone or does not keep such requests; each line names a field and its fault |
/// | 401, 403 | no token, a wrong token; a report without our signature |
/// | 404 | no such backend of this engine |
/// | 405 | another method than the backend's |
/// | 413 | more than [`MAX_QUERY`] or [`MAX_BODY`] |
/// | 415 | as 400, if a fault is in the header `content-type` |
/// | 503 | the message or the report could not be made durable: send it again |
pub async fn serve(
    project: &Project,
    engine: &str,
    request: Request<Bytes>,
    deadline: Deadline,
) -> Response<Bytes> {
    let mut segments = request.uri().path().split('/').skip(2);
    let named = segments.next().unwrap_or_default();
    let below = segments.next().unwrap_or_default().to_owned();
    let found = named.parse::<BackendName>().ok();
    let found = found.and_then(|name| project.installed(&name).map(|installed| (name, installed)));
    let Some((name, installed)) = found.filter(|(_, installed)| installed.engine == engine) else {
        info!(outcome = "unknown_backend", status = 404, "request");
        return plain_text(StatusCode::NOT_FOUND, "There is no such backend.\n");
    };
    let reports = installed.backend.reports().filter(|reports| reports.path() == below);
    let response = answer(project, &name, installed, request, reports, deadline).await;
    let status = response.status().as_u16();
    if status >= 500 {
        error!(backend = name.as_str(), status, "request");
    } else if status >= 400 {
        info!(backend = name.as_str(), status, "request");
    }
    response
}

async fn answer(
    project: &Project,
    name: &BackendName,
    installed: &Installed,
    request: Request<Bytes>,
    reports: Option<&dyn Reports>,
    deadline: Deadline,
) -> Response<Bytes> {
    let backend = &installed.backend;
    if !backend.methods().contains(request.method()) {
        return wrong_method(backend.methods());
    }
    if request.body().len() > MAX_BODY || request.uri().query().unwrap_or_default().len() > MAX_QUERY {
        return too_large();
    }
    let now = project.ports.clock.now();
    let caller = match reports {
        None => backend.authenticate_at(&request, now),
        Some(reports) => reports.authenticate_at(name, &request, now),
    };
    if reports.is_some() && caller == Caller::WrongCredentials {
        warn!(backend = name.as_str(), outcome = "unsigned", "report");
        return plain_text(
            StatusCode::FORBIDDEN,
            "The report does not belong to a message of this backend.\n",
        );
    }
    if let Some(refusal) = to_stranger(caller) {
        return refusal;
    }
    let taken = match reports {
        None => match backend.decode_all(&request) {
            Ok(received) => Ok(all(received, |one| incoming(project, name, one, deadline)).await),
            Err(faults) => Err(faults),
        },
        Some(reports) => match reports.decode_all(name, &request) {
            Ok(reported) => Ok(all(reported, |one| report(project, one)).await),
            Err(faults) => Err(faults),
        },
    };
    match taken {
        Ok(Ok(())) => backend.acknowledge(),
        Ok(Err(_)) if reports.is_none() && planted::is(Plant::StoreErrorSwallowed) => backend.acknowledge(),
        Ok(Err(_)) if reports.is_some() && planted::is(Plant::ReportUnheard) => backend.acknowledge(),
        Ok(Err(problem)) => unavailable(&problem),
        Err(faults) if caller == Caller::Gateway && backend.on_unusable() == OnUnusable::Keep => {
            keep(project, name, installed, &request, &faults).await
        }
        Err(faults) => unusable(&faults),
    }
}

/// Accepts the messages or the reports of one request, one after the other. If one of them is not durable, the gateway
/// sends all of them again.
async fn all<T, R, F>(items: Vec<T>, accept: impl Fn(T) -> F) -> Result<(), IncomingError>
where
    F: Future<Output = Result<R, IncomingError>>,
{
    for item in items {
        accept(item).await?;
    }
    Ok(())
}

/// Returns the answer 413.
pub(crate) fn too_large() -> Response<Bytes> {
    plain_text(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.\n")
}

/// Returns the answer 405, with the methods that are allowed.
pub(crate) fn wrong_method(taken: &[http::Method]) -> Response<Bytes> {
    let allowed: Vec<&str> = taken.iter().map(http::Method::as_str).collect();
    let mut response =
        plain_text(StatusCode::METHOD_NOT_ALLOWED, "This backend does not accept this HTTP method.\n");
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// Returns the refusal for a caller without valid credentials, or `None` if the caller may proceed.
pub(crate) fn to_stranger(caller: Caller) -> Option<Response<Bytes>> {
    match caller {
        Caller::Gateway | Caller::Anyone => None,
        Caller::NoCredentials => {
            let mut response =
                plain_text(StatusCode::UNAUTHORIZED, "The token of this backend is missing.\n");
            let realm = HeaderValue::from_static("Basic realm=\"threadless\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
            Some(response)
        }
        Caller::WrongCredentials => Some(plain_text(StatusCode::FORBIDDEN, "The token is wrong.\n")),
    }
}

/// Returns the answer to an unusable request: a line for each faulty field.
pub(crate) fn unusable(faults: &[Fault]) -> Response<Bytes> {
    let of_type = faults.iter().any(|fault| fault.field == header::CONTENT_TYPE.as_str());
    let status = if of_type { StatusCode::UNSUPPORTED_MEDIA_TYPE } else { StatusCode::BAD_REQUEST };
    let lines: Vec<String> = faults.iter().map(|fault| format!("{fault}\n")).collect();
    plain_text(status, lines.concat())
}

/// Stores a request of the gateway that cannot be used. Acknowledges it only after that.
async fn keep(
    project: &Project,
    name: &BackendName,
    installed: &Installed,
    request: &Request<Bytes>,
    faults: &[Fault],
) -> Response<Bytes> {
    let secrets = &installed.secrets;
    let problem = |fault: &Fault| {
        let problem = redact::text_without_secrets(&fault.to_string(), secrets);
        redact::bounded(problem, LONGEST_PROBLEM).0
    };
    let problems: Vec<String> = faults.iter().take(MOST_PROBLEMS).map(problem).collect();
    let without = redact::without_secrets(request, secrets);
    let mut raw = installed.backend.redact(&without);
    if raw.is_empty() && !request.body().is_empty() {
        // An engine that keeps only the query would lose a message in the body.
        raw = redact::whole(&without);
    }
    let (raw, cut) = redact::bounded(raw, Unusable::MAX_RAW);
    // The problem itself may quote the request, so the log has only the field names.
    let fields: Vec<&str> = faults.iter().take(MOST_PROBLEMS).map(|fault| fault.field.as_str()).collect();
    warn!(backend = name.as_str(), outcome = "unusable", fields = fields.join(", "), cut, "incoming");
    let at = project.ports.clock.now();
    let unusable = Unusable { backend: name.clone(), at, raw, problems };
    match project.ports.store.keep_unusable(&unusable).await {
        Ok(()) => installed.backend.acknowledge(),
        Err(problem) => unavailable(&IncomingError::Store(problem)),
    }
}

/// Returns the answer 503. Nothing of the message was kept.
pub(crate) fn unavailable(problem: &IncomingError) -> Response<Bytes> {
    error!(outcome = "not_stored", error = %problem, "incoming");
    let mut response =
        plain_text(StatusCode::SERVICE_UNAVAILABLE, "The request was not stored. Send it again.\n");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
