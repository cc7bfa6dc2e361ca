//! On AWS Lambda: event JSON in, result JSON out, around the same code that runs everywhere else.

mod check;
mod environment;
mod http;
mod logging;
mod sqs;

pub use environment::{Environment, EnvironmentError};
pub use logging::{json_logs, start_logging};

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::error::Fault;
use crate::limits::{ANSWER_TIME, SETTLE_TIME};
use crate::project::Project;
use crate::queue::sqs::SqsQueue;
use crate::util::clock::Deadline;
use crate::worker::sweep::Swept;
use crate::worker::tick::{Ticked, tick};
use crate::{endpoint, tester};

/// What a function does with its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Answers HTTP requests to the backends of one engine. Event: an HTTP API's, payload format 2.0.
    Http {
        /// The engine, as the settings name it.
        engine: &'static str,
    },
    /// Answers HTTP requests to the message testers of one engine, which are pages in a browser. Event: an HTTP API's.
    Tester {
        /// The engine, as the settings name it.
        engine: &'static str,
    },
    /// Works off queued messages. Event: a batch from SQS; the result reports what is not done.
    Responder,
    /// Takes broadcasts, and tells how far they are. Event: an HTTP API's, or what
    /// [direct invocations](crate::broadcast::endpoint) ask for.
    Send,
    /// Sweeps, and starts the scheduled jobs that are due. Any event.
    Tick,
    /// Says whether the settings are sound. Event: a custom resource of `CloudFormation`, which is told.
    Check,
}

/// A project with what its functions need beyond it.
#[derive(Clone)]
pub struct Host {
    /// The project.
    pub project: Arc<Project>,
    /// The queue as the responder knows it, to let failed records wait.
    pub queue: Option<Arc<SqsQueue>>,
    /// What the settings allow but looks like a mistake.
    pub warnings: Arc<[Fault]>,
}

/// Why an event has no result. Lambda, or who invoked the function, tries again.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// It is not an event of that kind.
    #[error("the event cannot be read: {0}")]
    Event(String),
    /// A broadcast could not be taken now.
    #[error("{0}")]
    Broadcast(String),
    /// The store does not do what the function needs.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// Something hung until the function's time was nearly over.
    #[error("it was not done within the function's time")]
    OutOfTime,
    /// Who asked by the event did not take in the answer.
    #[error("the answer was not taken in: {0}")]
    Unheard(String),
}

/// Runs one event through a function: what [`run`] does with each that Lambda has, and the local stack with its
/// own.
///
/// It ends a second before `deadline` whatever hangs: an HTTP request is answered 503, a batch is reported as not done, and
/// anything else is [an error](InvokeError::OutOfTime). Before that, work is planned so that it need not be cut off.
pub async fn invoke(
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

/// Works until an end, and no longer.
async fn until<T>(
    end: Deadline,
    work: impl Future<Output = Result<T, InvokeError>>,
) -> Result<T, InvokeError> {
    timeout(end.remaining(), Box::pin(work)).await.unwrap_or(Err(InvokeError::OutOfTime))
}

/// Takes events from Lambda until it stops the process.
///
/// Without a host a function does not start. Only [`Function::Check`] starts all the same, and says why to who deploys.
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

/// The longest that Lambda lets a function run.
const LONGEST_RUN: Duration = Duration::from_mins(15);

/// What a function is given where its deadline is no point in time, as with an HTTP API's 30 seconds.
const UNKNOWN_RUN: Duration = Duration::from_secs(30);

/// How long there is until the deadline.
///
/// An event never comes later than a function could have run. What is older is an emulator's: `cargo lambda watch`
/// gives ten minutes after the beginning of 1970.
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
