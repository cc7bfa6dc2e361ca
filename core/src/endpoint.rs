//! The HTTP endpoint of the backends of one engine: from a request to its answer, whatever server it came to.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tracing::{error, info, warn};

use crate::backend::{Caller, Fault, OnUnusable, plain_text};
use crate::clock::Deadline;
use crate::incoming::{IncomingError, incoming};
use crate::message::BackendName;
use crate::project::{Installed, Project};
use crate::store::Unusable;

/// The largest body that is read, in bytes: the message in it must fit an item of the table and a job on the queue.
pub const MAX_BODY: usize = 1 << 16;

/// The longest query string that is read, in bytes. An HTTP API takes 10,240 for request line and headers.
pub const MAX_QUERY: usize = 1 << 14;

/// Answers one request to a backend of `engine`, at `/<anything>/<backend name>/`.
///
/// | answer | when |
/// |---|---|
/// | what the backend says (200) | the message is durable; or it came from the gateway but cannot be used, and was kept |
/// | 400 | it cannot be used, and came from anyone; each line names a field and what is wrong with it |
/// | 401, 403 | no token, a wrong one |
/// | 404 | no such backend of this engine |
/// | 405 | another method than the backend's |
/// | 413 | more than [`MAX_QUERY`] or [`MAX_BODY`] |
/// | 415 | as 400, where a fault is of the header `content-type` |
/// | 503 | the message could not be made durable: send it again |
pub async fn serve(
    project: &Project,
    engine: &str,
    request: Request<Bytes>,
    deadline: Deadline,
) -> Response<Bytes> {
    let named = request.uri().path().split('/').nth(2).unwrap_or_default();
    let found = named.parse::<BackendName>().ok();
    let found = found.and_then(|name| project.installed(&name).map(|installed| (name, installed)));
    let Some((name, installed)) = found.filter(|(_, installed)| installed.engine == engine) else {
        info!(outcome = "unknown_backend", status = 404, "request");
        return plain_text(StatusCode::NOT_FOUND, "There is no such backend.\n");
    };
    let response = answer(project, &name, installed, request, deadline).await;
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
    deadline: Deadline,
) -> Response<Bytes> {
    let backend = &installed.backend;
    if !backend.methods().contains(request.method()) {
        let allowed: Vec<&str> = backend.methods().iter().map(http::Method::as_str).collect();
        let mut response =
            plain_text(StatusCode::METHOD_NOT_ALLOWED, "This backend does not take that method.\n");
        if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        return response;
    }
    if request.body().len() > MAX_BODY || request.uri().query().unwrap_or_default().len() > MAX_QUERY {
        return plain_text(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.\n");
    }
    let caller = backend.authenticate(&request);
    match caller {
        Caller::Gateway | Caller::Anyone => {}
        Caller::Nameless => {
            let mut response = plain_text(StatusCode::UNAUTHORIZED, "This backend wants its token.\n");
            let realm = HeaderValue::from_static("Basic realm=\"threadless\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
            return response;
        }
        Caller::Impostor => return plain_text(StatusCode::FORBIDDEN, "That is not this backend's token.\n"),
    }
    match backend.decode(&request) {
        Ok(received) => match incoming(project, name, received, deadline).await {
            Ok(_) => backend.acknowledge(),
            Err(problem) => unavailable(&problem),
        },
        Err(faults) if caller == Caller::Gateway && backend.on_unusable() == OnUnusable::Keep => {
            keep(project, name, installed, &request, &faults).await
        }
        Err(faults) => {
            let of_type = faults.iter().any(|fault| fault.field == header::CONTENT_TYPE.as_str());
            let status = if of_type { StatusCode::UNSUPPORTED_MEDIA_TYPE } else { StatusCode::BAD_REQUEST };
            let lines: Vec<String> = faults.iter().map(|fault| format!("{fault}\n")).collect();
            plain_text(status, lines.concat())
        }
    }
}

/// Keeps what the gateway sent and nobody can use. Only then is it told that all is well.
async fn keep(
    project: &Project,
    name: &BackendName,
    installed: &Installed,
    request: &Request<Bytes>,
    faults: &[Fault],
) -> Response<Bytes> {
    let problems: Vec<String> = faults.iter().map(ToString::to_string).collect();
    warn!(backend = name.as_str(), outcome = "unusable", problems = problems.join("; "), "incoming");
    let (raw, at) = (installed.backend.redact(request), project.ports.clock.now());
    let unusable = Unusable { backend: name.clone(), at, raw, problems };
    match project.ports.store.keep_unusable(&unusable).await {
        Ok(()) => installed.backend.acknowledge(),
        Err(problem) => unavailable(&IncomingError::Store(problem)),
    }
}

fn unavailable(problem: &IncomingError) -> Response<Bytes> {
    error!(outcome = "not_taken", error = %problem, "incoming");
    let mut response =
        plain_text(StatusCode::SERVICE_UNAVAILABLE, "The message was not taken. Send it again.\n");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
