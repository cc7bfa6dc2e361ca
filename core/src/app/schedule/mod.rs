//! Scheduled work: jobs that apps run at set times, not because of a message.
//!
//! Once a minute, the Lambda function `tick` looks at the last due time of each job, and puts each job that is due on
//! the queue. The function `responder` then runs the job. For each due time, a job has its effect once: if a run is
//! repeated after a crash, it adds no further messages. After an outage, a job runs once, for the latest due time that
//! was missed. A new job begins with its next due time.

mod context;
mod cron;

pub(crate) use context::Effect;
pub use context::JobContext;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use self::cron::When;
use crate::error::AppError;

type Done = Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;

/// A job of an app: its due times and its work. [`App::jobs`](crate::App::jobs) lists the jobs of an app.
///
/// ```
/// use threadless::{App, AppError, JobContext, Recipient, Schedule};
///
/// /// Reminds the clinic of its report on each working day.
/// struct Reminder {
///     clinic: Recipient,
/// }
///
/// impl App for Reminder {
///     fn jobs(&self) -> Vec<Schedule> {
///         let clinic = self.clinic.clone();
///         vec![Schedule::cron("remind", "0 8 * * MON-FRI", "Africa/Addis_Ababa", move |cx: JobContext| {
///             let clinic = clinic.clone();
///             async move {
///                 let times = cx.state::<u32>()?.unwrap_or(0) + 1;
///                 cx.set_state(&times)?;
///                 cx.send(format!("Report {times} is due."), [clinic])?;
///                 Ok(())
///             }
///         })]
///     }
/// }
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use threadless::{Router, testing::Bench};
/// # let bench = Bench::new(Router::new().app(Reminder { clinic: "bench:911".parse().unwrap() }));
/// # bench.minutes(24 * 60).await;
/// # assert_eq!(bench.gateway.texts(), ["Report 1 is due."]);
/// # });
/// ```
#[derive(Clone)]
pub struct Schedule {
    pub(crate) name: String,
    pub(crate) when: Result<When, String>,
    pub(crate) work: Arc<dyn Fn(JobContext) -> Done + Send + Sync>,
}

impl Schedule {
    /// Creates a job that is due again and again after a span of time. The spans are counted from the start of 1970 in
    /// UTC. With `"15m"`, the job is due at 0, 15, 30 and 45 minutes past each hour. With `"1d"`, it is due at midnight
    /// UTC. A span is a whole number of minutes. `name` identifies the job within its app. Keep the name when the span
    /// changes, because the state of the job is stored under this name.
    ///
    /// If the span is invalid, the Lambda functions report a [fault](crate::Router::check) and do not start.
    pub fn every<F, D>(name: &str, span: &str, work: F) -> Self
    where
        F: Fn(JobContext) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), AppError>> + Send + 'static,
    {
        Self::new(name, When::every(span), work)
    }

    /// Creates a job that is due at the times of a cron expression. The fields are minute, hour, day of the month,
    /// month and day of the week, with `*`, lists, ranges, steps and the English short names. If the expression
    /// restricts both the day of the month and the day of the week, the job is due on each day that matches one of the
    /// two. `zone` is a name from the IANA time zone database, which is built in: `"Africa/Addis_Ababa"`, `"UTC"`.
    ///
    /// If the expression is invalid or the zone is unknown, the Lambda functions report a [fault](crate::Router::check)
    /// and do not start.
    pub fn cron<F, D>(name: &str, expression: &str, zone: &str, work: F) -> Self
    where
        F: Fn(JobContext) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), AppError>> + Send + 'static,
    {
        Self::new(name, When::cron(expression, zone), work)
    }

    fn new<F, D>(name: &str, when: Result<When, String>, work: F) -> Self
    where
        F: Fn(JobContext) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), AppError>> + Send + 'static,
    {
        Self { name: name.to_owned(), when, work: Arc::new(move |cx| Box::pin(work(cx))) }
    }
}
