//! Messages that begin with a word: `register Asha`, `reg, Asha`, `REG: Asha`.

use std::future::Future;

use jiff::Timestamp;

use super::IntoReply;
use crate::{App, AppError, ConnectionId, Context, Handled, MessageId};

/// One or more words, any of which a message can begin with.
///
/// A word matches whole and without regard to case, behind any white space; it ends at the end of the message or
/// before white space, `,`, `;` or `:`. Where several match, the longest counts.
///
/// ```
/// use threadless::apps::Keywords;
/// let join = Keywords::new("join|reg|register");
/// assert_eq!(join.rest_of("Register: Asha"), Some("Asha"));
/// assert_eq!(join.rest_of(" reg,"), Some(""));
/// assert_eq!(join.rest_of("joining us"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keywords(Vec<String>);

impl Keywords {
    /// The words in `words`, with `|` between them. An empty word matches nothing.
    pub fn new(words: &str) -> Self {
        let words = words.split('|').map(|word| word.trim().to_lowercase());
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// What follows the keyword and the separator behind it, to the end; `None` where the text does not begin
    /// with one of the words.
    pub fn rest_of<'t>(&self, text: &'t str) -> Option<&'t str> {
        let text = text.trim_start();
        let rests = self.0.iter().filter_map(|word| behind(text, word));
        rests.min_by_key(|rest| rest.len()).map(without_separator)
    }
}

/// What is behind `word` (in lower case) at the start of `text`, if the word ends there.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    let mut wanted = word.chars();
    while !wanted.as_str().is_empty() {
        for lower in rest.next()?.to_lowercase() {
            if wanted.next() != Some(lower) {
                return None;
            }
        }
    }
    let rest = rest.as_str();
    rest.chars().next().is_none_or(|c| c.is_whitespace() || is_punctuation(c)).then_some(rest)
}

/// Takes off `: `, `,` or ` ; `, but leaves what only looks like it: `echo :)` says `:)`.
fn without_separator(rest: &str) -> &str {
    let rest = rest.strip_prefix(is_punctuation).unwrap_or(rest).trim_start();
    match rest.strip_prefix(is_punctuation) {
        Some(more) if more.is_empty() || more.starts_with(char::is_whitespace) => more.trim_start(),
        _ => rest,
    }
}

fn is_punctuation(c: char) -> bool {
    matches!(c, ',' | ';' | ':')
}

/// What a keyword handler is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What follows the keyword; empty if nothing does.
    pub text: String,
    /// Who said it.
    pub connection: ConnectionId,
    /// The idempotency key for calls to other systems: a message's handler may run more than once.
    pub message_id: MessageId,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// An app out of one function that answers messages which begin with a keyword.
///
/// ```
/// use threadless::Router;
/// use threadless::apps::{Keyword, Said};
///
/// let router = Router::new()
///     .app(Keyword::new("hours", |_: Said| async { "We are open 8 to 17." }))
///     .app(Keyword::new("stock|have", |said: Said| async move { format!("{}: 3 left", said.text) }));
/// ```
pub struct Keyword<F> {
    name: String,
    words: Keywords,
    handler: F,
}

impl<F, Fut> Keyword<F>
where
    F: Fn(Said) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    /// Answers messages that begin with one of `words` (see [`Keywords::new`]) with what `handler` returns.
    pub fn new(words: &str, handler: F) -> Self {
        Self { name: words.to_owned(), words: Keywords::new(words), handler }
    }
}

impl<F, Fut> App for Keyword<F>
where
    F: Fn(Said) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some(text) = self.words.rest_of(cx.text()).map(str::to_owned) else {
            return Ok(Handled::No);
        };
        let said = Said {
            text,
            connection: cx.connection().clone(),
            message_id: cx.message_id().clone(),
            received_at: cx.message().received_at,
        };
        for reply in (self.handler)(said).await.into_replies()? {
            cx.reply(reply);
        }
        Ok(Handled::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_a_whole_word_and_leaves_the_rest() {
        let words = Keywords::new("reg|register|in a|ስም||");
        let table = [
            ("reg", Some("")),
            ("REG ", Some("")),
            ("reg,", Some("")),
            ("reg:", Some("")),
            ("reg;x", Some("x")),
            ("reg , x", Some("x")),
            ("\tReg  x  y ", Some("x  y ")),
            ("reg :)", Some(":)")),
            ("register x", Some("x")),
            ("registerx", None),
            ("reg.x", None),
            ("regs x", None),
            ("in a b", Some("b")),
            ("in ab", None),
            ("ስም አበበ", Some("አበበ")),
            ("", None),
            ("  ", None),
        ];
        for (text, rest) in table {
            assert_eq!(words.rest_of(text), rest, "{text:?}");
        }
    }
}
