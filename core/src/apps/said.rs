//! The input of a handler function, and the way back for its changes.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use super::IntoReply;
use crate::text::matching::{number, trimmed};
use crate::{AppError, Context, Handled, SenderError};

/// The input of a handler function: the message's [`Context`], which the function owns, and the text.
///
/// Use it like a context: `said.session()`, `said.connection()`, `said.now()`. With `mut said`, `said.session_mut()`
/// works too. If the function succeeds, its changes count. If the function returns an error, none of its changes count,
/// as in every phase. Only [`text`](Said::text) differs from the method of the same name in the context.
///
/// ```text
/// 1112223333 > pay 50
/// 1112223333 < You have 50 birr.
/// 1112223333 > pay 25
/// 1112223333 < You have 75 birr.
/// 1112223333 > balance
/// 1112223333 < You have 75 birr.
/// ```
///
/// ```
/// use threadless::apps::{Said, keyword};
/// use threadless::{AppError, Router};
///
/// async fn balance(said: Said) -> Result<String, AppError> {
///     let birr = said.session().get::<u32>("bank.birr")?.unwrap_or(0);
///     Ok(format!("You have {birr} birr."))
/// }
///
/// async fn pay(mut said: Said) -> Result<String, AppError> {
///     let paid: u32 = said.parse()?;
///     let birr = said.session().get::<u32>("bank.birr")?.unwrap_or(0) + paid;
///     said.session_mut().set("bank.birr", &birr)?;
///     balance(said).await
/// }
///
/// let router = Router::new().app(keyword("pay", pay)).app(keyword("balance", balance));
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let bench = threadless::testing::Bench::new(router);
/// # bench.transcript("
/// #     1112223333 > pay 50
/// #     1112223333 < You have 50 birr.
/// #     1112223333 > pay 25
/// #     1112223333 < You have 75 birr.
/// #     1112223333 > balance
/// #     1112223333 < You have 75 birr.
/// # ").await;
/// # });
/// ```
pub struct Said {
    text: String,
    cx: Context,
    given_back: Arc<Mutex<Option<Context>>>,
}

impl Said {
    /// Returns the text. For the handler of a keyword, this is the rest of the message after the keyword. For other
    /// handlers, it is the whole message. The text is as the sender wrote it. It has no white space around it, and is
    /// empty if nothing is left. To compare it with a word, use [`matching`](crate::text::matching).
    /// [`Context::message`] has the message as it arrived.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the whole text as a number, or as another value that consists of digits, such as a date. The digits may be
    /// of any script; [`number`] gives the rules.
    ///
    /// ```
    /// use threadless::apps::{Said, keyword};
    /// use threadless::{Router, SenderError};
    ///
    /// async fn double(said: Said) -> Result<String, SenderError> {
    ///     Ok((2 * said.parse::<u64>()?).to_string())
    /// }
    ///
    /// let router = Router::new().app(keyword("double", double).help("Send: DOUBLE <NUMBER>"));
    /// # #[cfg(feature = "testing")]
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let bench = threadless::testing::Bench::new(router);
    /// # bench.transcript("1 > double ٢١.\n1 < 42\n1 > double a\n1 < Send: DOUBLE <NUMBER>").await;
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not a value of the type. If the handler returns this error, the sender gets the
    /// help text of the keyword: see [`SenderError`].
    pub fn parse<N: FromStr<Err: fmt::Display>>(&self) -> Result<N, SenderError> {
        number(&self.text).map_err(|problem: N::Err| SenderError::new(problem.to_string()))
    }
}

impl Deref for Said {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.cx
    }
}

impl DerefMut for Said {
    fn deref_mut(&mut self) -> &mut Context {
        &mut self.cx
    }
}

/// Gives the context back when the function has finished with it.
impl Drop for Said {
    fn drop(&mut self) {
        *self.given_back.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.cx.clone());
    }
}

/// Shows only the text ([`Said::text`]). The rest is private to the sender.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("text", &self.text).finish_non_exhaustive()
    }
}

/// Gives a function the text, and takes over its changes to the context. If the function moved its `Said` into a task
/// that is still running at the end of the function, no changes are taken over.
pub(super) async fn call_handler<Fut: Future>(
    cx: &mut Context,
    text: &str,
    handler: impl FnOnce(Said) -> Fut,
) -> Fut::Output {
    let given_back = Arc::default();
    let said = Said { text: trimmed(text).to_owned(), cx: cx.clone(), given_back: Arc::clone(&given_back) };
    let answer = handler(said).await;
    if let Some(after) = given_back.lock().unwrap_or_else(PoisonError::into_inner).take() {
        *cx = after;
    }
    answer
}

/// Queues the replies of a handler. If the sender made a mistake, undoes the changes of the handler and answers with the
/// help, if there is any.
pub(super) async fn answer_of_handler<Fut: Future<Output: IntoReply>>(
    cx: &mut Context,
    text: &str,
    handler: impl FnOnce(Said) -> Fut,
    (app, help): (&str, Option<&str>),
) -> Result<Handled, AppError> {
    let unchanged = cx.clone();
    match call_handler(cx, text, handler).await.into_replies() {
        Ok(replies) => {
            for reply in replies {
                cx.say(reply);
            }
            Ok(Handled::Yes)
        }
        Err(problem) => {
            let mistake = SenderError::behind(problem.as_ref()).ok_or(problem)?;
            *cx = unchanged;
            Ok(mistake.answer(cx, app, help))
        }
    }
}
