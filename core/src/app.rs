//! What an app is: code that takes part in the phases of a message.

use std::any::type_name;
use std::future::{Future, ready};

use crate::context::{Context, Reply};
use crate::usage::Usage;

/// Why a phase of an app failed. Any error, or a text, turns into one with `?` or `into()`.
///
/// It is logged; it stops neither the other apps nor the message.
pub type AppError = Box<dyn std::error::Error + Send + Sync>;

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
/// For every message the installed apps are called phase by phase, in the order in which they were added:
///
/// | phase | for | stops at |
/// |---|---|---|
/// | [`filter`](App::filter) | refusing a message | the first app that drops it |
/// | [`parse`](App::parse) | reading or changing it | – |
/// | [`handle`](App::handle) | answering it | the first app that handled it |
/// | [`fallback`](App::fallback) | what nobody handled | the first app that took it |
/// | [`cleanup`](App::cleanup) | after all that, handled or not | – |
/// | [`outgoing`](App::outgoing) | each reply, apps in reverse order | the first app that cancels it |
///
/// Phases are pure with respect to storage: what they change in the [`Context`] is committed at once when all of
/// them are through. They **may run more than once for one message** (two messages of one sender race, a process
/// dies), so a call to another system takes [`Context::message_id`] as its idempotency key.
///
/// An error, a panic or a time-out in one phase harms only that app: message, fields and session are again as
/// they were before the phase, replies that it had queued stay, the other apps go on.
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

    /// Whether it is put together rightly. Asked once, when a function starts: an error stops it with a clear
    /// line, where a panic in the middle of a message would come too late.
    fn check(&self) -> Result<(), AppError> {
        Ok(())
    }

    /// The first look at a message: whether anyone gets to see it.
    fn filter(&self, cx: &mut Context) -> impl Future<Output = Result<Filter, AppError>> + Send {
        let _ = cx;
        ready(Ok(Filter::Continue))
    }

    /// Reads the message, changes it, leaves [fields](Context::set_field) for later phases. Not for answering.
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
}
