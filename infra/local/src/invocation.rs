//! One invocation of a Lambda function. As on AWS, it ends at the function's time-out, even in the middle of its work.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>

use std::future::Future;
use std::time::Duration;

use threadless::Deadline;
use threadless::lambda::{self, Function, Host, InvokeError};

/// The reason why an invocation has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoResult {
    /// The function returned an error.
    #[error(transparent)]
    Failed(#[from] InvokeError),
    /// The function's time-out is over. Lambda then ends the process. The text is the text of Lambda.
    #[error("Task timed out after {:.2} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
}

/// Invokes a Lambda function with this time-out.
pub(crate) async fn invoke(
    function: Function,
    host: &Host,
    event: &str,
    timeout: Duration,
) -> Result<String, NoResult> {
    within(timeout, lambda::invoke(function, host, event, Deadline::within(timeout))).await
}

async fn within(
    timeout: Duration,
    work: impl Future<Output = Result<String, InvokeError>>,
) -> Result<String, NoResult> {
    let ended = tokio::time::timeout(timeout, work).await;
    Ok(ended.map_err(|_| NoResult::TimedOut(timeout))??)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_invocation_ends_at_the_functions_timeout_and_nothing_of_it_goes_on() {
        let (begun, went_on) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&went_on);
        let work = async move {
            sleep(Duration::from_secs(60)).await;
            flag.store(true, Ordering::SeqCst);
            Ok(String::new())
        };
        let problem = within(Duration::from_secs(29), work).await.unwrap_err();
        assert_eq!(problem.to_string(), "Task timed out after 29.00 seconds");
        assert_eq!(begun.elapsed().as_secs(), 29);
        sleep(Duration::from_secs(60)).await;
        assert!(!went_on.load(Ordering::SeqCst));
    }

    #[tokio::test(start_paused = true)]
    async fn a_result_and_an_error_are_the_functions_own() {
        let seconds = Duration::from_secs(1);
        assert_eq!(within(seconds, async { Ok("done".to_owned()) }).await.unwrap(), "done");
        let problem = within(seconds, async { Err(InvokeError::OutOfTime) }).await.unwrap_err();
        assert_eq!(problem.to_string(), InvokeError::OutOfTime.to_string());
    }
}
