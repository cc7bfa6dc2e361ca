//! Functions that answer messages of a given form. A regular expression describes the form, and its groups become
//! values.

// The crate is `regex` and not `regex-lite`. `regex-lite` knows only the letters, digits and case of ASCII: with it,
// `\w+` would match no word of Amharic, `\d` would not match ٣, and `été` would not match ÉTÉ. A Lambda function that
// uses a pattern grows by 430 KB. A Lambda function that uses no pattern grows by 250 KB, since the log's filter shares
// the Unicode tables. With all features of `regex`, a Lambda function would grow by 1,170 KB; with `regex-lite`, by 80
// KB. Some automata of `regex` are left out. Without them, compiling a pattern takes about a millisecond, and matching
// a short text takes about a microsecond.

mod form;
mod groups;
mod value;

use std::fmt::Display;
use std::future::Future;
use std::marker::PhantomData;

use regex::{Captures, Regex, RegexBuilder};
use serde::de::DeserializeOwned;
use tracing::debug;

use super::said::answer_of_handler;
use super::{IntoReply, Said};
use crate::text::matching::Normal;
use crate::translate::Phrase;
use crate::{App, AppError, Context, Handled, Usage};
use groups::{Groups, fields_of};
use value::Unread;

/// An app made of a regular expression and a function: see [`pattern`].
pub struct Pattern<F, T> {
    pattern: String,
    regex: Result<Regex, String>,
    handler: F,
    help: Option<String>,
    listed_as: Option<String>,
    read: PhantomData<fn() -> T>,
}

/// Answers messages that have the form of `pattern`. The answer is the result of `handler` for the values in the
/// message.
///
/// The pattern is a [regular expression](regex#syntax). It must match the **whole** message, without the white space
/// around it. Pattern and message are compared in the [normal form](crate::text::matching): case does not matter, nor do
/// characters that nobody sees, and each run of white space is one space or one line break. Flags for case have no
/// effect. `\d`, `\w` and `\s` follow Unicode. Matching takes time in proportion to the length of the message, so no
/// text can make it hang.
///
/// The handler is an async function with two arguments: the [`Said`] and one value. The type of the value decides how
/// Threadless reads it:
///
/// - a struct (`#[derive(Deserialize)]`) has one field for each named group, `(?<name>…)`;
/// - a tuple has the groups in their order;
/// - a number, a text or another simple type is the first group.
///
/// A text is as the sender wrote it. Numbers may use the digits of any script. An `Option` is `None` if its group is
/// empty or is not in the message. The words `true`, `yes`, `y` and `1` mean true. Case does not matter for the variants
/// of an enum.
///
/// ```text
/// 1112223333 > temp 38.5
/// 1112223333 < 38.5 degrees. Thank you.
/// 1112223333 > Temperature ٣٧ Bole
/// 1112223333 < 37 degrees in Bole. Thank you.
/// 1112223333 > temp 38.5.1
/// 1112223333 < Send: TEMP <DEGREES> <PLACE>
/// ```
///
/// ```
/// use serde::Deserialize;
/// use threadless::Router;
/// use threadless::apps::{Said, pattern};
///
/// #[derive(Deserialize)]
/// struct Temperature {
///     degrees: f64,
///     place: Option<String>,
/// }
///
/// async fn temperature(_: Said, Temperature { degrees, place }: Temperature) -> String {
///     let place = place.map(|place| format!(" in {place}")).unwrap_or_default();
///     format!("{degrees} degrees{place}. Thank you.")
/// }
///
/// let app = pattern(r"temp(?:erature)?\s+(?<degrees>[\d.]+)(?:\s+(?<place>.*))?", temperature)
///     .help("Send: TEMP <DEGREES> <PLACE>");
/// let router = Router::new().app(app);
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let bench = threadless::testing::Bench::new(router);
/// # bench.transcript("
/// #     1112223333 > temp 38.5
/// #     1112223333 < 38.5 degrees. Thank you.
/// #     1112223333 > Temperature ٣٧ Bole
/// #     1112223333 < 37 degrees in Bole. Thank you.
/// #     1112223333 > temp 38.5.1
/// #     1112223333 < Send: TEMP <DEGREES> <PLACE>
/// # ").await;
/// # });
/// ```
///
/// # Values that do not fit
///
/// A message that does not have the form goes to the next app. A message can have the form, but hold a value that its
/// type cannot take (`300` for a `u8`). The app answers such a message with the [help](Pattern::help). It does the same
/// if the handler returns a [mistake of the sender](crate::SenderError). Without a help text, the message goes to the
/// next app too.
///
/// Threadless checks each pattern [when a Lambda function starts](crate::Router::check), not at the first message. The
/// check finds a pattern that is no valid regular expression, and a group that is not a field of the struct. A field
/// that has no group and is no `Option` is not found at the start: it causes an error of the app in the log for each
/// message.
pub fn pattern<F, Fut, T>(pattern: &str, handler: F) -> Pattern<F, T>
where
    F: Fn(Said, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
    T: DeserializeOwned + Send + 'static,
{
    Pattern {
        pattern: pattern.to_owned(),
        regex: compile::<T>(pattern),
        handler,
        help: None,
        listed_as: None,
        read: PhantomData,
    }
}

/// Compiles the pattern so that it matches only whole texts. Refuses a named group that is not a field of `T`.
fn compile<T: DeserializeOwned>(pattern: &str) -> Result<Regex, String> {
    let mut parser = regex_syntax::ParserBuilder::new().case_insensitive(true).build();
    parser.parse(pattern).map_err(|problem| match &problem {
        regex_syntax::Error::Parse(problem) => at(problem.kind(), problem.span()),
        regex_syntax::Error::Translate(problem) => at(problem.kind(), problem.span()),
        other => other.to_string(),
    })?;
    let form = form::normal(pattern).map_err(|problem| at(problem.kind(), problem.span()))?;
    let whole = format!(r"\A(?:{form})\z");
    let regex = RegexBuilder::new(&whole).case_insensitive(true).dot_matches_new_line(true).build();
    let regex = regex.map_err(|problem| problem.to_string())?;
    let Some(fields) = fields_of::<T>() else { return Ok(regex) };
    match regex.capture_names().flatten().find(|name| !fields.contains(name)) {
        Some(unknown) => {
            Err(format!("the group {unknown:?} is not a field (the fields are {})", fields.join(", ")))
        }
        None => Ok(regex),
    }
}

fn at(problem: impl Display, span: &regex_syntax::ast::Span) -> String {
    format!("{problem}, at character {}", span.start.column)
}

impl<F, Fut, T> Pattern<F, T>
where
    F: Fn(Said, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
    T: DeserializeOwned + Send + 'static,
{
    /// Sets the answer to a message that has the form, but holds a value that does not fit.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Lists the app in [`Help`](super::Help) under `words`, the first words of its messages. [`Help`](super::Help)
    /// then shows the [help](Pattern::help).
    #[must_use]
    pub fn listed_as(mut self, word: impl Into<String>) -> Self {
        self.listed_as = Some(word.into());
        self
    }

    fn read(regex: &Regex, found: &Captures<'_>, message: &Normal<'_>) -> Result<T, Unread> {
        T::deserialize(Groups { regex, found, message })
    }
}

impl<F, Fut, T> App for Pattern<F, T>
where
    F: Fn(Said, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
    T: DeserializeOwned + Send + 'static,
{
    fn name(&self) -> &str {
        &self.pattern
    }

    fn usage(&self) -> Vec<Usage> {
        let help = self.help.clone().unwrap_or_default();
        self.listed_as.iter().map(|word| Usage::new(word).help(help.clone())).collect()
    }

    fn check(&self) -> Result<(), AppError> {
        self.regex.as_ref().map(|_| ()).map_err(|problem| problem.as_str().into())
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let regex = self.regex.as_ref().map_err(String::as_str)?;
        let text = cx.text().to_owned();
        let message = Normal::of(&text);
        let Some(found) = regex.captures(message.form()) else {
            return Ok(Handled::No);
        };
        let value = match Self::read(regex, &found, &message) {
            Ok(value) => value,
            Err(Unread::Unfit(problem)) => {
                debug!(
                    app = self.pattern,
                    outcome = "wrong_type",
                    problem,
                    "a value in the message does not fit its type"
                );
                let Some(help) = &self.help else { return Ok(Handled::No) };
                cx.say(Phrase::new(help.clone()));
                return Ok(Handled::Yes);
            }
            Err(missing) => return Err(missing.into()),
        };
        drop(found);
        let names = (self.pattern.as_str(), self.help.as_deref());
        answer_of_handler(cx, &text, |said| (self.handler)(said, value), names).await
    }
}
