//! The HTTP server in front of the table. It speaks the JSON 1.0 protocol of the AWS SDKs, for the operations on data.
//!
//! The emulator has a server of its own. That server would let the pages of every site read the table: it answers each
//! `Origin` with `Access-Control-Allow-Origin: *`. This server ignores origins, and accepts only requests for this
//! machine.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use crate::data::Data;
use crate::guests::STRANGER;
use crate::serving::{self, Hosts, Room};

/// The most bytes of a request, as in DynamoDB.
const LONGEST_BODY: usize = 16 << 20;

/// The memory for the bodies of all requests together, in bytes.
const ROOM: usize = 256 << 20;

/// The longest time for request line and headers. It is longer than clients keep an unused connection open. So the
/// server closes no connection while its client sends.
const LONGEST_HEAD_WAIT: Duration = Duration::from_secs(180);

/// The table, and the hosts by which it may be called.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) database: Database,
    pub(crate) data: Option<Arc<Data>>,
    pub(crate) hosts: Hosts,
}

/// Answers requests on `listener` until this future is dropped.
pub(crate) async fn serve(listener: TcpListener, server: Server) {
    let (server, room) = (Arc::new(server), Room::new(ROOM));
    serving::serve(listener, LONGEST_HEAD_WAIT, move |request, _| {
        let (server, room) = (Arc::clone(&server), room.clone());
        async move { server.respond(request, &room).await }
    })
    .await;
}

impl Server {
    async fn respond(&self, request: Request<Incoming>, room: &Room) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if !self.hosts.are_ours(&parts.uri, &parts.headers) {
            return failure(StatusCode::FORBIDDEN, "AccessDeniedException", STRANGER);
        }
        let Ok(body) = room.read(body, LONGEST_BODY).await else {
            let words = "The request is too long, too slow or incomplete.";
            return failure(StatusCode::BAD_REQUEST, "SerializationException", words);
        };
        let Some(operation) = operation(&parts.headers) else {
            let words = "A request without X-Amz-Target: DynamoDB_20120810.…";
            return failure(StatusCode::BAD_REQUEST, "UnknownOperationException", words);
        };
        // The check runs before the operation, so that nothing is read from a deleted file. It runs again after the
        // operation, because the file may have been deleted in the meantime.
        let answer = match self.gone() {
            Some(gone) => return gone,
            None => self.answer(&operation, &body.bytes).await,
        };
        if let Some(gone) = self.gone() {
            return gone;
        }
        match answer {
            Ok(json) => response(StatusCode::OK, json),
            Err(problem) => {
                let status = StatusCode::from_u16(problem.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
                if status.is_server_error() {
                    tracing::error!(operation, error = %problem, "the call of DynamoDB failed");
                }
                response(status, problem.to_json())
            }
        }
    }

    /// Runs one operation on a thread that may block: a write waits for the disk, and for the writes before it.
    async fn answer(&self, operation: &str, body: &Bytes) -> Result<String, DynoxideError> {
        let (database, operation, body) = (self.database.clone(), operation.to_owned(), body.clone());
        let answered = tokio::task::spawn_blocking(move || answer(&database, &operation, &body)).await;
        answered.unwrap_or_else(|problem| Err(DynoxideError::InternalServerError(problem.to_string())))
    }

    /// Returns the error answer while the file is not the one that was opened.
    fn gone(&self) -> Option<Response<Full<Bytes>>> {
        let problem = self.data.as_ref()?.problem()?;
        Some(failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", &problem))
    }
}

fn operation(headers: &HeaderMap) -> Option<String> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.strip_prefix("DynamoDB_20120810.").map(str::to_owned)
}

/// Runs one operation.
fn answer(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "DeleteTable" => run(body, |request| database.delete_table(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => run(body, |request| database.describe_time_to_live(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "ListTables" => run(body, |request| database.list_tables(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        _ => {
            let words = format!("this stack does not support {operation}");
            Err(DynoxideError::UnsupportedCapability(words))
        }
    }
}

fn run<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> Result<String, DynoxideError> {
    let unread = |problem: serde_json::Error| DynoxideError::SerializationException(problem.to_string());
    let output = operation(serde_json::from_slice(body).map_err(unread)?)?;
    serde_json::to_string(&output).map_err(|problem| DynoxideError::InternalServerError(problem.to_string()))
}

fn failure(status: StatusCode, kind: &str, words: &str) -> Response<Full<Bytes>> {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
    response(status, serde_json::json!({ "__type": kind, "message": words }).to_string())
}

fn response(status: StatusCode, json: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(json)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
