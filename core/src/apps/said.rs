//! What a handler function is told, and what becomes of what it does with it.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Context;

/// What a handler function is told: the message's [`Context`] to own, and what was said.
///
/// It is used like a context: `said.session()`, `said.connection()`, `said.now()`, and with `mut said` also
/// `said.session_mut()`. What the function changes counts if it returns anything but an error; if it fails,
/// nothing of it does, as in every phase. Only [`text`](Said::text) means another thing than in the context.
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
///     let paid: u32 = said.text().parse()?;
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
    /// What was said: to a keyword's handler what follows the keyword, else the whole message. Without white
    /// space around it; empty if nothing is left. The message as it came is in [`Context::message`].
    pub fn text(&self) -> &str {
        &self.text
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

/// A function that is done with it gives the context back.
impl Drop for Said {
    fn drop(&mut self) {
        *self.given_back.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.cx.clone());
    }
}

/// The text as [`Said::text`] has it; the rest is private to who wrote.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("text", &self.text).finish_non_exhaustive()
    }
}

/// Tells a function what was said, and takes over what it did with the context. Where it handed its `Said` on to
/// something that goes on after it, nothing is taken over.
pub(super) async fn tell<Fut: Future>(
    cx: &mut Context,
    text: &str,
    handler: impl FnOnce(Said) -> Fut,
) -> Fut::Output {
    let given_back = Arc::default();
    let said = Said { text: text.trim().to_owned(), cx: cx.clone(), given_back: Arc::clone(&given_back) };
    let answer = handler(said).await;
    if let Some(after) = given_back.lock().unwrap_or_else(PoisonError::into_inner).take() {
        *cx = after;
    }
    answer
}
