//! An app that answers messages that begin with a word, with the result of a function.

use std::future::Future;

use super::said::answer_of_handler;
use super::{IntoReply, Keywords, Said};
use crate::translate::Phrase;
use crate::{App, AppError, Context, Handled, Usage};

/// An app made of one function: see [`keyword`].
pub struct Keyword<F> {
    words: String,
    keywords: Keywords,
    handler: F,
    help: Option<String>,
    about: Option<String>,
    listed: bool,
}

/// Answers messages that begin with one of `words` with the result of `handler`. [`Keywords`] gives the rules for
/// `words`; the longest word that matches wins.
///
/// The handler is a plain async function. It gets the rest of the message as [`Said`]. It returns a [reply](IntoReply):
/// one text, several texts, or `()` for none. The message then counts as handled, with or without a reply.
///
/// If the handler returns an error, its changes are undone. An error of the app is logged, and the next app gets the
/// message. A [mistake of the sender](crate::SenderError), such as a text in the place of a number, is answered with
/// the [help](Keyword::help).
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
/// # A handler with its own data
///
/// A closure can bring its own data for the handler. The closure runs for many messages, so each run takes its own copy
/// of the `Arc`:
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
/// For more than that, write your own [`App`].
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
    /// Does the same as [`keyword`].
    pub fn new(words: &str, handler: F) -> Self {
        keyword(words, handler)
    }

    /// Sets the answer to the keyword alone, and to a text that the handler [cannot read](crate::SenderError). The
    /// handler does not run for the keyword alone. [`Help`](super::Help) also shows this text.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets the text that [`Help`](super::Help) shows for a keyword that is a whole message, and so has no
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

    /// Hides this app from [`Help`](super::Help).
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
            Some(help) if rest.is_empty() => {
                cx.say(Phrase::new(help.clone()));
                Ok(Handled::Yes)
            }
            help => answer_of_handler(cx, &rest, &self.handler, (&self.words, help.as_deref())).await,
        }
    }
}
