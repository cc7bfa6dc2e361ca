//! A function that answers messages which begin with a word.

use std::future::Future;

use super::said::tell;
use super::{IntoReply, Keywords, Said};
use crate::translate::Phrase;
use crate::{App, AppError, Context, Handled, Usage};

/// An app out of one function: see [`keyword`].
pub struct Keyword<F> {
    words: String,
    keywords: Keywords,
    handler: F,
    help: Option<String>,
    about: Option<String>,
    listed: bool,
}

/// Answers messages that begin with one of `words` (as [`Keywords`] understands them, the longest first) with what
/// `handler` returns.
///
/// The handler is a plain async function. It is told what was [`Said`] and returns anything that is a
/// [reply](IntoReply): a text, several, `()` for none. The message is handled then, replied to or not. An error is
/// logged, undoes what the function did, and hands the message to the next app.
///
/// ```text
/// 1112223333 > hours
/// 1112223333 < We are open 8 to 17.
/// 1112223333 > RPT
/// 1112223333 < To report cases, send: REPORT <VILLAGE> <NUMBER>
/// 1112223333 > report: Bole 3
/// 1112223333 < Thank you. Noted: Bole 3
/// ```
///
/// ```
/// use threadless::Router;
/// use threadless::apps::{Said, keyword};
///
/// async fn report(said: Said) -> String {
///     format!("Thank you. Noted: {}", said.text())
/// }
///
/// let router = Router::new()
///     .app(keyword("hours|open", async |_| "We are open 8 to 17."))
///     .app(keyword("report|rpt", report).help("To report cases, send: REPORT <VILLAGE> <NUMBER>"));
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let bench = threadless::testing::Bench::new(router);
/// # bench.transcript("
/// #     1112223333 > hours
/// #     1112223333 < We are open 8 to 17.
/// #     1112223333 > RPT
/// #     1112223333 < To report cases, send: REPORT <VILLAGE> <NUMBER>
/// #     1112223333 > report: Bole 3
/// #     1112223333 < Thank you. Noted: Bole 3
/// # ").await;
/// # });
/// ```
///
/// # A handler with something of its own
///
/// A closure can bring what the handler works with. It is asked for many messages, so each gets a copy of the handle:
///
/// ```
/// # use std::collections::BTreeMap;
/// use std::sync::Arc;
/// use threadless::Router;
/// use threadless::apps::{Said, keyword};
///
/// let prices = Arc::new(BTreeMap::from([("maize", 32), ("teff", 95)]));
/// let price = move |said: Said| {
///     let prices = Arc::clone(&prices);
///     async move { prices.get(said.text()).map(|birr| format!("{birr} birr")) }
/// };
/// let router = Router::new().app(keyword("price", price).help("To know a price, send: PRICE <CROP>"));
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # threadless::testing::Bench::new(router).transcript("1 > price teff\n1 < 95 birr").await;
/// # });
/// ```
///
/// What is more than that is better an [`App`] of its own.
pub fn keyword<F, Fut>(words: &str, handler: F) -> Keyword<F>
where
    F: Fn(Said) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    Keyword {
        words: words.to_owned(),
        keywords: Keywords::new(words),
        handler,
        help: None,
        about: None,
        listed: true,
    }
}

impl<F, Fut> Keyword<F>
where
    F: Fn(Said) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    /// The same as [`keyword`].
    pub fn new(words: &str, handler: F) -> Self {
        keyword(words, handler)
    }

    /// Sets what the keyword alone is answered with, in place of asking the handler. [`Help`](super::Help) tells
    /// it too.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets what [`Help`](super::Help) tells of a keyword that is a message by itself, and so has no
    /// [`help`](Keyword::help).
    ///
    /// ```
    /// use threadless::apps::{Said, keyword};
    ///
    /// async fn balance(_: Said) -> &'static str {
    ///     "You have 20 birr."
    /// }
    /// let app = keyword("balance|bal", balance).about("BALANCE tells what you have.");
    /// # let _ = threadless::Router::new().app(app);
    /// ```
    #[must_use]
    pub fn about(mut self, text: impl Into<String>) -> Self {
        self.about = Some(text.into());
        self
    }

    /// Has [`Help`](super::Help) say nothing of it.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.listed = false;
        self
    }
}

impl<F, Fut> App for Keyword<F>
where
    F: Fn(Said) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.words
    }

    fn usage(&self) -> Vec<Usage> {
        let help = self.about.as_ref().or(self.help.as_ref());
        let usage = Usage::new(&self.words).help(help.cloned().unwrap_or_default());
        if self.listed { vec![usage] } else { Vec::new() }
    }

    fn check(&self) -> Result<(), AppError> {
        if self.keywords.is_empty() { Err("a keyword needs a word".into()) } else { Ok(()) }
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some(rest) = self.keywords.rest_of(cx.text()).map(str::to_owned) else {
            return Ok(Handled::No);
        };
        match &self.help {
            Some(help) if rest.is_empty() => cx.say(Phrase::new(help.clone())),
            _ => tell(cx, &rest, &self.handler)
                .await
                .into_replies()?
                .into_iter()
                .for_each(|reply| cx.say(reply)),
        }
        Ok(Handled::Yes)
    }
}
