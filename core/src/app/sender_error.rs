//! The mistake of a sender: a text that an app cannot read.

use std::char::ParseCharError;
use std::error::Error;
use std::num::{ParseFloatError, ParseIntError};
use std::str::ParseBoolError;

use tracing::debug;

use crate::app::Handled;
use crate::app::context::Context;
use crate::translate::Phrase;

/// A mistake of the sender: the app works, but the message holds something that the app cannot read.
///
/// A handler of a [`keyword`](crate::apps::keyword) or of a [`pattern`](crate::apps::pattern) returns this error to say
/// that the sender must be told. The changes of the handler are undone, as after every error. The answer is the
/// [reply](SenderError::with_reply) of this error, or the help text of the keyword or pattern. Without both, the
/// message goes to the next app. The log has no line at `error`, because nothing is wrong with the app.
///
/// [`Said::parse`](crate::apps::Said::parse) returns this error. The errors of `str::parse` for numbers, `bool` and
/// `char` count as a mistake of the sender too, so that a handler can use `?` on them. Any other error is an error of the app.
///
/// In a [conversation](crate::apps::Conversation), the state stays as it was. In the phase
/// [`handle`](crate::App::handle) of an app of your own, only this error itself counts as a mistake of the sender.
///
/// ```text
/// 1112223333 > qty seven
/// 1112223333 < Send: QTY <NUMBER>
/// 1112223333 > qty 700
/// 1112223333 < We have 12.
/// 1112223333 > qty ७
/// 1112223333 < 7 are yours.
/// ```
///
/// ```
/// use threadless::apps::{Said, keyword};
/// use threadless::{AppError, Router, SenderError, tr};
///
/// async fn quantity(said: Said) -> Result<String, AppError> {
///     let quantity: u32 = said.parse()?;
///     if quantity > 12 {
///         return Err(SenderError::new("too many").with_reply(tr!("We have 12.")).into());
///     }
///     Ok(format!("{quantity} are yours."))
/// }
///
/// let router = Router::new().app(keyword("qty", quantity).help("Send: QTY <NUMBER>"));
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let bench = threadless::testing::Bench::new(router);
/// # bench.transcript("
/// #     1112223333 > qty seven
/// #     1112223333 < Send: QTY <NUMBER>
/// #     1112223333 > qty 700
/// #     1112223333 < We have 12.
/// #     1112223333 > qty ७
/// #     1112223333 < 7 are yours.
/// # ").await;
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SenderError {
    problem: String,
    reply: Option<Phrase>,
}

impl SenderError {
    /// Creates the error. `problem` is for the log at `debug`; the sender does not read it.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), reply: None }
    }

    /// Sets the reply to the sender, in the place of the help text.
    #[must_use]
    pub fn with_reply(mut self, reply: Phrase) -> Self {
        self.reply = Some(reply);
        self
    }

    /// Returns the mistake that an error states: the error itself, or one of its sources.
    pub(crate) fn stated_in(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(mistake) = error.downcast_ref::<Self>() {
                return Some(mistake.clone());
            }
            next = error.source();
        }
        None
    }

    /// Returns the mistake behind the error of a handler. A handler parses little but the text of the message, so an
    /// error of `str::parse` is taken for a mistake of the sender.
    pub(crate) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        let parses = error.is::<ParseIntError>()
            || error.is::<ParseFloatError>()
            || error.is::<ParseBoolError>()
            || error.is::<ParseCharError>();
        Self::stated_in(error).or_else(|| parses.then(|| Self::new(error.to_string())))
    }

    /// Answers the sender, if this error or the app has an answer.
    pub(crate) fn answer(self, cx: &mut Context, app: &str, help: Option<&str>) -> Handled {
        let problem = self.problem;
        debug!(app, outcome = "sender_error", problem, "the app cannot read the text of the message");
        match self.reply.or_else(|| help.map(|help| Phrase::new(help.to_owned()))) {
            Some(reply) => {
                cx.say(reply);
                Handled::Yes
            }
            None => Handled::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no quantity")]
    struct Wrapped(#[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn a_mistake_is_found_behind_the_error_of_a_handler() {
        let boxed = |error: Box<dyn Error + Send + Sync>| error;
        let table = [
            (boxed(SenderError::new("x").into()), true, true),
            (boxed(Wrapped(SenderError::new("x").into()).into()), true, true),
            (boxed(Wrapped(Wrapped(SenderError::new("x").into()).into()).into()), true, true),
            (boxed("x".parse::<u8>().unwrap_err().into()), false, true),
            (boxed("x".parse::<f64>().unwrap_err().into()), false, true),
            (boxed("x".parse::<bool>().unwrap_err().into()), false, true),
            (boxed("xx".parse::<char>().unwrap_err().into()), false, true),
            // The app says what it makes of it.
            (boxed(Wrapped("x".parse::<u8>().unwrap_err().into()).into()), false, false),
            (boxed("a text".into()), false, false),
            (boxed(u8::try_from(300_u32).unwrap_err().into()), false, false),
            (boxed(std::io::Error::other("disk").into()), false, false),
            (boxed(Wrapped("a text".into()).into()), false, false),
        ];
        for (error, stated, behind) in table {
            assert_eq!(SenderError::stated_in(error.as_ref()).is_some(), stated, "{error:?}");
            assert_eq!(SenderError::behind(error.as_ref()).is_some(), behind, "{error:?}");
        }
    }
}
