//! The adapter for AWS Lambda: it converts event JSON to calls of the code that also runs everywhere else, and the
//! results to JSON.

mod check;
mod environment;
mod http;
mod logging;
mod sqs;
mod start;

pub use environment::{Environment, EnvironmentError};
pub use logging::{json_logs, start_logging};
pub use start::{ProjectCode, start, start_chosen};

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::error::Fault;
use crate::limits::{ANSWER_TIME, SETTLE_TIME};
use crate::metrics::Meter;
use crate::project::Project;
use crate::queue::sqs::SqsQueue;
use crate::util::clock::Deadline;
use crate::worker::sweep::Swept;
use crate::worker::tick::{Ticked, tick};
use crate::{endpoint, tester};

/// The kinds of Lambda functions. The kind decides how a Lambda function processes its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// A function that answers HTTP requests to the backends of one engine. Event: an event of an HTTP API, payload
    /// format 2.0.
    Http {
        /// The engine, as the settings name it.
        engine: &'static str,
    },
    /// A function that answers HTTP requests to the message testers of one engine, which are pages in a browser. Event:
    /// an event of an HTTP API.
    Tester {
        /// The engine, as the settings name it.
        engine: &'static str,
    },
    /// A function that processes jobs from the queue. Event: a batch from SQS. The result lists the batch item
    /// failures.
    Responder,
    /// A function that accepts broadcasts and tells their progress. Event: an event of an HTTP API, or the JSON of a
    /// [direct invocation](crate::broadcast::endpoint).
    Send,
    /// A function that runs the sweep and starts the scheduled jobs that are due. Event: any event.
    Tick,
    /// A function that checks the settings. Event: a request of a `CloudFormation` custom resource. The function sends
    /// the result to `CloudFormation`.
    Check,
}

/// A project, together with the other parts that its Lambda functions need.
#[derive(Clone)]
pub struct Host {
    /// The project.
    pub project: Arc<Project>,
    /// The queue of the function `responder`, which uses it to postpone failed records.
    pub queue: Option<Arc<SqsQueue>>,
    /// The warnings of the settings: values that are allowed but look like a mistake.
    pub warnings: Arc<[Fault]>,
    /// The receiver of the figures of each invocation.
    pub meter: Arc<dyn Meter>,
}

/// The reason why an event has no result. Lambda, or the caller that invoked the function, tries again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The event is not of the right kind.
    #[error("the event cannot be read: {0}")]
    Event(String),
    /// A broadcast could not be accepted now.
    #[error("{0}")]
    Broadcast(String),
    /// The store failed in an operation that the function needs.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The work did not end before the time of the function was nearly over.
    #[error("the work did not end within the time-out of the function")]
    OutOfTime,
    /// The receiver of the answer, which the event names, did not accept the answer.
    #[error("CloudFormation did not accept the answer: {0}")]
    Unheard(String),
}

/// Processes one event with a Lambda function. [`run`] calls it for each event from Lambda; the local stack calls it
/// for its own events.
///
/// This ends at least one second before `deadline`, even if something hangs: the answer to an HTTP request is then 503,
/// a batch is reported as failed, and any other event gives [an error](InvokeError::OutOfTime). The work itself plans
/// to end earlier, so that normally nothing is cut off.
///
/// At the end, the [meter](Host::meter) of the host gets the figures of the invocation.
pub async fn invoke(
    function: Function,
    host: &Host,
    event: &str,
    deadline: Deadline,
) -> Result<String, InvokeError> {
    let result = work(function, host, event, deadline).await;
    host.meter.take(&host.project.metrics().take(), host.project.ports.clock.now());
    result
}

async fn work(
    function: Function,
    host: &Host,
    event: &str,
    deadline: Deadline,
) -> Result<String, InvokeError> {
    let end = deadline.less(ANSWER_TIME);
    let planned = end.less(SETTLE_TIME);
    match function {
        Function::Http { engine } => {
            let serve = |request| endpoint::serve(&host.project, engine, request, planned);
            http::invoke(event, end, serve).await
        }
        Function::Tester { engine } => {
            let serve = |request| tester::serve(&host.project, engine, request, planned);
            http::invoke(event, end, serve).await
        }
        Function::Responder => until(end, sqs::invoke(host, event, end)).await,
        Function::Send => http::invoke_send(&host.project, event, end).await,
        Function::Tick => {
            let ticked = async { Ok(tick(&host.project).await?) };
            let Ticked { swept, jobs } = until(end, ticked).await?;
            let Swept { due, enqueued, unreadable } = swept;
            let unreadable = match unreadable {
                0 => String::new(),
                some => format!(r#","unreadable":{some}"#),
            };
            Ok(format!(r#"{{"due":{due},"enqueued":{enqueued}{unreadable},"jobs":{jobs}}}"#))
        }
        Function::Check => until(end, check::invoke(Ok(&host.warnings), event, planned)).await,
    }
}

/// Runs the work until `end` at the latest.
async fn until<T>(
    end: Deadline,
    work: impl Future<Output = Result<T, InvokeError>>,
) -> Result<T, InvokeError> {
    timeout(end.remaining(), Box::pin(work)).await.unwrap_or(Err(InvokeError::OutOfTime))
}

/// Processes events from Lambda until Lambda stops the process.
///
/// Without a host, a Lambda function does not start. Only [`Function::Check`] starts nevertheless, and reports the
/// reason to the deployment.
pub async fn run(
    function: Function,
    host: Result<Host, EnvironmentError>,
) -> Result<(), lambda_runtime::Error> {
    if host.is_err() && function != Function::Check {
        return host.map(drop).map_err(Into::into);
    }
    let host = Arc::new(host);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let host = Arc::clone(&host);
        async move {
            let deadline = Deadline::within(remaining(event.context.deadline(), SystemTime::now()));
            let result = match &*host {
                Ok(host) => invoke(function, host, event.payload.get(), deadline).await,
                Err(problem) => {
                    check::invoke(Err(problem), event.payload.get(), deadline.less(ANSWER_TIME)).await
                }
            };
            if let Err(problem) = &result {
                tracing::error!(outcome = "failed", error = %problem, "invocation");
            }
            Ok::<_, lambda_runtime::Error>(RawValue::from_string(result?)?)
        }
    }))
    .await
}

/// The longest time for which Lambda lets a function run.
const LONGEST_RUN: Duration = Duration::from_mins(15);

/// The time that a function gets if its deadline is not a real point in time. It is the limit of an HTTP API, 30
/// seconds.
const UNKNOWN_RUN: Duration = Duration::from_secs(30);

/// Returns the time until the deadline.
///
/// A deadline from Lambda is never more than [`LONGEST_RUN`] in the past. An older deadline comes from an emulator:
/// `cargo lambda watch` gives ten minutes after the beginning of 1970.
fn remaining(deadline: SystemTime, now: SystemTime) -> Duration {
    match deadline.duration_since(now) {
        Ok(left) => left,
        Err(late) if late.duration() > LONGEST_RUN => UNKNOWN_RUN,
        Err(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_never_was_counts_as_none() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_519_533);
        let table = [
            (now + Duration::from_secs(29), Duration::from_secs(29)),
            (now, Duration::ZERO),
            (now - Duration::from_secs(1), Duration::ZERO),
            (SystemTime::UNIX_EPOCH + Duration::from_mins(10), UNKNOWN_RUN),
            (SystemTime::UNIX_EPOCH, UNKNOWN_RUN),
        ];
        for (deadline, expected) in table {
            assert_eq!(remaining(deadline, now), expected, "{deadline:?}");
        }
    }
}
