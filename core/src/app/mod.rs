//! What an app is: code that takes part in the phases of a message.

pub(crate) mod contact_lookup;
pub(crate) mod context;
pub(crate) mod schedule;
pub(crate) mod send;
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

/// What [`App::filter`] decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// The message goes on.
    #[default]
    Continue,
    /// No further phase sees the message. Replies that are already queued still go out.
    Drop,
}

/// What [`App::handle`] and [`App::fallback`] say of a message. A queued reply counts as handled, whatever they
/// say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handled {
    /// This app dealt with it: apps after it are not asked.
    Yes,
    /// The next app is asked.
    #[default]
    No,
}

/// What [`App::outgoing`] decides of one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outbound {
    /// It goes out.
    #[default]
    Send,
    /// It does not.
    Cancel,
}

/// Code that takes part in the phases of each message.
///
/// Most apps need only one of them, and many need no type of their own: a function becomes an app by
/// [`keyword`](crate::apps::keyword) or [`pattern`](crate::apps::pattern), questions and answers by
/// [`conversation`](crate::apps::conversation()). The [guide](crate::apps) begins there.
///
/// ```
/// use threadless::{App, AppError, Context, Handled};
///
/// struct Balance;
///
/// impl App for Balance {
///     async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
///         if cx.text().trim().eq_ignore_ascii_case("balance") {
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
/// For every message the installed apps are called phase by phase, in the order in which they were installed. A
/// phase goes through all apps before the next one begins.
///
/// | phase | what it is for | what its answer does |
/// |---|---|---|
/// | [`filter`](App::filter) | refusing a message: a number that is barred, a flood | [`Filter::Drop`]: no further app and no further phase sees the message; replies that are queued by then go out |
/// | [`parse`](App::parse) | reading the message and changing it for all that follow: its [text](Context::set_text), [fields](Context::set_field) | it has none: all apps are called |
/// | [`handle`](App::handle) | answering | [`Handled::Yes`], or a reply queued in it: apps behind this one are not asked |
/// | [`fallback`](App::fallback) | what no app handled; not called if one did | the same |
/// | [`cleanup`](App::cleanup) | what is to be done for each message, handled or not: counting, tidying up | it has none: all apps are called |
/// | [`outgoing`](App::outgoing) | a look at each single reply, apps in reverse order | [`Outbound::Cancel`]: the reply does not go out, and no further app sees it; the other replies do |
/// | [`report`](App::report) | what became of a message that was sent, later and apart from the phases of any message | it has none: all apps that have this phase are called |
///
/// All of them but `outgoing` may change the text, the fields and the session, and queue replies; `outgoing` sees the
/// context as cleanup left it and may change only the reply. Messages that nobody asked for (a broadcast, a reminder)
/// go through `outgoing` alone.
///
/// # Phases may run more than once
///
/// Phases store and send nothing. What they change in the [`Context`] is committed in one write when all of them are
/// through, and if it cannot be, because another message of the same person was committed first or because the
/// process died, nothing has happened and they run **again**, on what is so by then. So whatever an app does to the
/// world outside of its context may be done twice for one message, unless the other side knows the message:
/// [`Context::message_id`] is the same in each run, and is the key to call by.
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
///     let amount = said.text().parse()?;
///     // However often this runs for this message, the bank does it once, and gives the same answer.
///     let receipt = BANK.transfer(amount, said.message_id().as_str()).await?;
///     Ok(format!("Paid. Receipt {receipt}"))
/// }
/// ```
///
/// # An app that fails
///
/// An error, a panic, or a phase that takes longer than its limit harms only that app. Text, fields, session and contact
/// are again as they were before the phase, and the other apps go on. Replies and sends that the phase queued before it
/// failed still go out. In [`handle`](App::handle) and [`fallback`](App::fallback) such a reply counts as any other: the
/// message is handled, and the apps behind are not asked. A phase that fails without a reply has not handled the message.
/// The log has a line for each failure, with the app, the phase, and what follows from it.
///
/// # Time
///
/// One phase may take the [limit of the settings](crate::Router::phase_timeout), and all phases of one message share the
/// time of the function that handles it, less what the commit and the answer need. When an app runs into its limit, the
/// message has less time left: later calls get a share of it, and the app itself gets a small one, so that the other
/// apps still have their turn. A phase for which no time is left is not begun; the log says so.
///
/// A phase should not block its thread (`std::thread::sleep`, a lock that nobody opens). A phase that does is given up at
/// its limit all the same, and keeps that thread until it returns. An app that holds
/// [`MAX_BLOCKED`](crate::Router::MAX_BLOCKED) threads like this is not called again in that process until one returns.
/// A task that an app starts with `tokio::spawn` runs on threads that others need, and must not block: that is what
/// `tokio::task::spawn_blocking` is for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no app",
    label = "not an app",
    note = "a function becomes an app by `threadless::apps::keyword(\"word\", function)` or `pattern(\"form\", function)`, \
            a conversation by `conversation(\"word\", …)`",
    note = "a type becomes one by `impl App for …`, with the phases that it takes part in, such as \
            `async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError>`"
)]
pub trait App: Send + Sync + 'static {
    /// The name in logs: by default the type's, without its path.
    fn name(&self) -> &str {
        let path = type_name::<Self>();
        let end = path.find('<').unwrap_or(path.len());
        path[..end].rsplit("::").next().unwrap_or(path)
    }

    /// What people can text to it, for [`Help`](crate::apps::Help) to tell. Asked once, when it is installed.
    fn usage(&self) -> Vec<Usage> {
        Vec::new()
    }

    /// What it does by the clock and not because someone wrote: see [`Schedule`]. Asked once, when it is installed.
    fn jobs(&self) -> Vec<Schedule> {
        Vec::new()
    }

    /// Whether it is put together rightly. Asked once, when a function starts: an error stops it with a clear
    /// line, where a panic in the middle of a message would come too late.
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

    /// The first look at a message: whether anyone gets to see it. STOP and START are dealt with before.
    fn filter(&self, cx: &mut Context) -> impl Future<Output = Result<Filter, AppError>> + Send {
        let _ = cx;
        ready(Ok(Filter::Continue))
    }

    /// Reads the message, changes it, leaves [fields](Context::set_field) for later phases. Not for answering: a reply
    /// queued here goes out, but does not count as handled.
    fn parse(&self, cx: &mut Context) -> impl Future<Output = Result<(), AppError>> + Send {
        let _ = cx;
        ready(Ok(()))
    }

    /// Answers the message.
    fn handle(&self, cx: &mut Context) -> impl Future<Output = Result<Handled, AppError>> + Send {
        let _ = cx;
        ready(Ok(Handled::No))
    }

    /// Takes a message that no app handled.
    #[doc(alias = "default")]
    fn fallback(&self, cx: &mut Context) -> impl Future<Output = Result<Handled, AppError>> + Send {
        let _ = cx;
        ready(Ok(Handled::No))
    }

    /// The last look at a message, handled or not.
    fn cleanup(&self, cx: &mut Context) -> impl Future<Output = Result<(), AppError>> + Send {
        let _ = cx;
        ready(Ok(()))
    }

    /// A look at one reply before it is committed; may change its text or cancel it.
    fn outgoing(
        &self,
        cx: &Context,
        reply: &mut Reply,
    ) -> impl Future<Output = Result<Outbound, AppError>> + Send {
        let _ = (cx, reply);
        ready(Ok(Outbound::Send))
    }

    /// Learns what became of a message: whether the gateway reported it delivered or failed, refused it, or did not take
    /// it within a day. Once for each message and fate, through the queue, whatever way and however often the gateway
    /// tells.
    ///
    /// An app that writes this phase is told of reports; nothing else is needed. Where no installed app has the phase,
    /// nothing is spent on telling them.
    ///
    /// It may change the session, reply and send, like any phase; the message in the context is a blank one of the
    /// connection. What it replies or sends is reported in the history alone, since an app that answers each report would never
    /// come to an end. What was held back before it went to a gateway, from someone who opted out, is not reported.
    ///
    /// ```
    /// use threadless::testing::Bench;
    /// use threadless::{App, AppError, Context, FinalStatus, Report, Router, apps};
    ///
    /// /// Counts what did not arrive.
    /// struct Unreached;
    ///
    /// impl App for Unreached {
    ///     async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
    ///         if report.fate == FinalStatus::Failed {
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

/// The report phase of an app that has none. No other code can name this type, so it tells an app that writes the phase
/// from one that does not.
pub(crate) struct NoReport;

impl Future for NoReport {
    type Output = Result<(), AppError>;

    fn poll(self: Pin<&mut Self>, _: &mut Waiting<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}
