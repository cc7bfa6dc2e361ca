//! Apps: code that takes part in the phases of a message.

pub(crate) mod contact_lookup;
pub(crate) mod context;
pub(crate) mod schedule;
pub(crate) mod send;
pub(crate) mod sender_error;
pub(crate) mod snapshot;
pub(crate) mod usage;

use std::any::type_name;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context as Waiting, Poll};

use crate::app::context::{Context, Reply};
use crate::app::schedule::Schedule;
use crate::app::usage::Usage;
use crate::error::AppError;
use crate::model::message::Report;

/// The decision of [`App::filter`] on a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// The message goes on.
    #[default]
    Continue,
    /// The message stops: no further app sees it, and no further phase runs for it. Replies that are already queued
    /// still go out, through `outgoing`.
    Drop,
}

/// The answer of [`App::handle`] and [`App::fallback`]. If the phase queued a reply, the message counts as handled,
/// whatever the phase returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handled {
    /// The app handled the message. The apps after it are not called.
    Yes,
    /// The app did not handle the message. The next app is called.
    #[default]
    No,
}

/// The decision of [`App::outgoing`] on one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outbound {
    /// The reply goes out.
    #[default]
    Send,
    /// The reply does not go out.
    Cancel,
}

/// Code that takes part in the phases of each message.
///
/// Most apps need only one phase, and many apps need no type of their own. [`keyword`](crate::apps::keyword) and
/// [`pattern`](crate::apps::pattern) turn a Rust function into an app. [`conversation`](crate::apps::conversation())
/// turns questions and answers into an app. The [guide](crate::apps) begins with these.
///
/// ```
/// use threadless::text::matching::is_same;
/// use threadless::{App, AppError, Context, Handled};
///
/// struct Balance;
///
/// impl App for Balance {
///     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
///         if is_same(cx.text(), "balance") {
///             cx.reply("You have 20 birr.");
///             return Ok(Handled::Yes);
///         }
///         Ok(Handled::No)
///     }
/// }
/// ```
///
/// # The phases
///
/// For every message, Threadless calls the installed apps phase by phase, in the order in which they were installed. A
/// phase goes through all apps before the next phase begins.
///
/// | phase | purpose | effect of its return value |
/// |---|---|---|
/// | [`filter`](App::filter) | refuse a message, for example from a barred number, or if a number sends too many | [`Filter::Drop`]: no further app and no further phase sees the message; replies that are already queued go out, through `outgoing` |
/// | [`parse`](App::parse) | read the message, and change its [text](Context::set_text) and [fields](Context::set_field) for all later phases | none: all apps are called |
/// | [`handle`](App::handle) | answer the message | [`Handled::Yes`], or a reply that the phase queued: the apps after this one are not called |
/// | [`fallback`](App::fallback) | answer a message that no app handled; not called if an app handled it | as for `handle` |
/// | [`cleanup`](App::cleanup) | do what every message needs, handled or not: count, tidy up | none: all apps are called |
/// | [`outgoing`](App::outgoing) | look at each single reply; the apps are called in reverse order | [`Outbound::Cancel`]: the reply does not go out, and no further app sees it; the other replies go out |
/// | [`report`](App::report) | learn the final status of a message that was sent; this phase runs later, and not together with the other phases | none: all apps that have this phase are called |
///
/// Every phase except `outgoing` may change the text, the fields and the session, and may queue replies. The phase
/// `outgoing` sees the context as `cleanup` left it. It may change only the reply, but it can also call
/// [`Context::send`]. A message that is not a reply (a broadcast, a reminder) goes through `outgoing` alone, and for
/// such a message [`Context::send`] returns an error.
///
/// # Phases may run more than once
///
/// A phase itself stores nothing and sends nothing. When all phases have ended, Threadless commits their changes to the
/// [`Context`] in one write. This write can fail, because another message of the same person was committed first or
/// because the process died. Then nothing has changed, and Threadless runs the phases **again**, with the data of that
/// moment.
///
/// An action outside the context, such as a call to another system, may therefore happen twice for one message. To
/// prevent this, give the other system [`Context::message_id`] as the idempotency key. This id is the same in each run.
///
/// ```
/// use threadless::apps::Said;
/// # use std::error::Error;
/// # struct Bank;
/// # impl Bank {
/// #     async fn transfer(&self, amount: u32, idempotency_key: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
/// #         Ok(amount + idempotency_key.len() as u32)
/// #     }
/// # }
/// # static BANK: Bank = Bank;
/// async fn pay(said: Said) -> Result<String, threadless::AppError> {
///     let amount = said.parse()?;
///     // Even if this line runs several times for one message, the bank pays once, and gives the same answer.
///     let receipt = BANK.transfer(amount, said.message_id().as_str()).await?;
///     Ok(format!("Paid. Receipt {receipt}"))
/// }
/// ```
///
/// # An app that fails
///
/// An error, a panic, or a phase that takes longer than its limit harms only its own app. The text, the fields, the
/// session and the contact get back their values from before the failed call, and the other apps go on. Replies and
/// sends that the phase queued before it failed still go out. In [`handle`](App::handle) and
/// [`fallback`](App::fallback) such a reply counts like any other reply: the message is handled, and the apps after
/// this one are not called. A phase that fails without a reply has not handled the message. The log has a line for each
/// failure, with the app, the phase, and the consequence.
///
/// A message that an app cannot read is no failure of the app. The phase `handle` then returns a
/// [`SenderError`](crate::SenderError): the sender gets the reply of this error, or the next app gets the message.
///
/// # Time
///
/// One phase may take as long as the [limit of the settings](crate::Router::phase_timeout) allows. All phases of one
/// message share the time of the Lambda function that handles it, less the time that the commit and the answer need. If
/// an app runs into its limit, less time is left for the message, and later calls may get only a share of this time.
/// The app that ran into its limit gets only a small share, so that the other apps still have their turn. If no time is
/// left for a phase, Threadless does not begin it, and writes this to the log.
///
/// A phase should not block its thread, for example with `std::thread::sleep` or with a lock that is never released.
/// Threadless gives up a blocking phase at its limit, too, but the phase keeps its thread until it returns. An app that
/// holds [`MAX_BLOCKED`](crate::Router::MAX_BLOCKED) threads in this way is not called again in that process until one
/// of the threads returns. A task that an app starts with `tokio::spawn` runs on threads that other tasks need, so such
/// a task must not block. Use `tokio::task::spawn_blocking` for blocking work.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an app",
    label = "not an app",
    note = "to make an app of a function, write `threadless::apps::keyword(\"word\", function)` or `pattern(\"form\", function)`, \
            for a conversation, write `conversation(\"word\", …)`",
    note = "for a type of your own, write `impl App for …` with the phases that it needs, such as \
            `async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError>`"
)]
pub trait App: Send + Sync + 'static {
    /// Returns the app's name for logs. The default is the name of the type, without its path.
    fn name(&self) -> &str {
        let path = type_name::<Self>();
        let end = path.find('<').unwrap_or(path.len());
        path[..end].rsplit("::").next().unwrap_or(path)
    }

    /// Lists the commands that people can text to this app. [`Help`](crate::apps::Help) shows them. The router calls
    /// this function once, when the app is installed.
    fn usage(&self) -> Vec<Usage> {
        Vec::new()
    }

    /// Lists the scheduled jobs of this app: see [`Schedule`]. The router calls this function once, when the app is
    /// installed.
    fn jobs(&self) -> Vec<Schedule> {
        Vec::new()
    }

    /// Checks that the app is set up correctly. This check runs once, when a Lambda function starts. An error stops the
    /// Lambda function with a clear line in the log. A panic in the middle of a message would come too late.
    ///
    /// ```
    /// use threadless::{App, AppError, Router};
    ///
    /// struct Prices(Vec<(&'static str, u32)>);
    ///
    /// impl App for Prices {
    ///     fn check(&self) -> Result<(), AppError> {
    ///         if self.0.is_empty() { Err("there are no prices".into()) } else { Ok(()) }
    ///     }
    /// }
    ///
    /// let problem = Router::new().app(Prices(Vec::new())).check().unwrap_err();
    /// assert_eq!(problem.to_string(), r#"app "Prices": there are no prices"#);
    /// ```
    fn check(&self) -> Result<(), AppError> {
        Ok(())
    }

    /// Decides whether the apps see this message. STOP and START are processed before this phase.
    fn filter(&self, cx: &mut Context) -> impl Future<Output = Result<Filter, AppError>> + Send {
        let _ = cx;
        ready(Ok(Filter::Continue))
    }

    /// Reads the message, changes it, and leaves [fields](Context::set_field) for later phases. This phase is not meant
    /// for answers: a reply that it queues goes out, but the message does not count as handled.
    fn parse(&self, cx: &mut Context) -> impl Future<Output = Result<(), AppError>> + Send {
        let _ = cx;
        ready(Ok(()))
    }

    /// Answers the message.
    fn handle(&self, cx: &mut Context) -> impl Future<Output = Result<Handled, AppError>> + Send {
        let _ = cx;
        ready(Ok(Handled::No))
    }

    /// Answers a message that no app handled.
    #[doc(alias = "default")]
    fn fallback(&self, cx: &mut Context) -> impl Future<Output = Result<Handled, AppError>> + Send {
        let _ = cx;
        ready(Ok(Handled::No))
    }

    /// Finishes a message, handled or not. It is the last phase before the replies go through `outgoing`.
    fn cleanup(&self, cx: &mut Context) -> impl Future<Output = Result<(), AppError>> + Send {
        let _ = cx;
        ready(Ok(()))
    }

    /// Checks one reply before it is committed. This phase may change the reply's text, or cancel the reply.
    fn outgoing(
        &self,
        cx: &Context,
        reply: &mut Reply,
    ) -> impl Future<Output = Result<Outbound, AppError>> + Send {
        let _ = (cx, reply);
        ready(Ok(Outbound::Send))
    }

    /// Learns the final status of a sent message: the gateway reported it as delivered or failed, refused it, or did
    /// not accept it within a day. The call comes through the queue. For each message and final status, it takes effect
    /// once, even if the gateway reports the status several times.
    ///
    /// An app that implements this phase gets the reports; no other step is needed. If no installed app has this phase,
    /// Threadless spends nothing on reports to apps.
    ///
    /// Like any phase, this phase may change the session, reply and send. The message in the context has an empty text;
    /// its connection is the one to which the sent message went. The final status of such replies and sends goes only
    /// into the history. Otherwise an app that answers each report would never come to an end. If Threadless held a
    /// message back because its recipient had opted out, no app gets a report of this message.
    ///
    /// ```
    /// use threadless::testing::Bench;
    /// use threadless::{App, AppError, Context, FinalStatus, Report, Router, apps};
    ///
    /// /// Counts the messages that did not arrive.
    /// struct Unreached;
    ///
    /// impl App for Unreached {
    ///     async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
    ///         if report.final_status == FinalStatus::Failed {
    ///             let count = cx.session().get::<u32>("unreached")?.unwrap_or(0) + 1;
    ///             cx.session_mut().set("unreached", &count)?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let bench = Bench::new(Router::new().app(apps::Ping).app(Unreached));
    /// bench.transcript("1112223333 > ping\n1112223333 < pong").await;
    /// let pong = bench.gateway.taken().remove(0);
    /// bench.report(&pong, Some(FinalStatus::Failed)).await.unwrap();
    /// bench.work_off().await;
    /// assert_eq!(bench.session("1112223333").await.get::<u32>("unreached").unwrap(), Some(1));
    /// # });
    /// ```
    fn report(&self, cx: &mut Context, report: &Report) -> impl Future<Output = Result<(), AppError>> + Send {
        let _ = (cx, report);
        NoReport
    }
}

/// The future of the default report phase. No code outside this crate can name this type. So if a report phase returns
/// this type, the app does not implement the phase.
pub(crate) struct NoReport;

impl Future for NoReport {
    type Output = Result<(), AppError>;

    fn poll(self: Pin<&mut Self>, _: &mut Waiting<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}
