//! Registration: the names and the languages of people.

use super::{Keywords, texts};
use crate::text::matching::{Piece, Pieces, is_separator, is_stop};
use crate::translate::Phrase;
use crate::{App, AppError, Contact, Context, Handled, Usage};

/// Stores people's names and languages in their [contact](crate::Contact).
///
/// A person who sends `REGISTER`, `REG` or `JOIN` and a name sets or changes the name. A person who sends `LANGUAGE` or
/// `LANG` and a language chooses the language of the replies. The language is the code or a name of one of the
/// project's [languages](crate::translate::Languages). A person can choose a language without being registered. The
/// answer to the keyword alone explains how to use it.
///
/// ```text
/// 1112223333 > join
/// 1112223333 < To register, send: JOIN <NAME>
/// 1112223333 > Join Asha
/// 1112223333 < Thank you for registering, Asha!
/// 1112223333 > language français
/// 1112223333 < Désormais, je vous écris en français.
/// ```
///
/// ```
/// use threadless::Router;
/// use threadless::apps::Registration;
///
/// let router = Router::new().app(Registration::new());
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let bench = threadless::testing::Bench::with(router).language("fr", "français").build();
/// # bench.transcript("
/// #     1112223333 > join
/// #     1112223333 < To register, send: JOIN <NAME>
/// #     1112223333 > Join Asha
/// #     1112223333 < Thank you for registering, Asha!
/// #     1112223333 > language français
/// #     1112223333 < Désormais, je vous écris en français.
/// # ").await;
/// let asha = bench.contact("1112223333").await.unwrap();
/// assert_eq!((asha.name(), asha.language().unwrap().as_str()), ("Asha", "fr"));
/// # });
/// ```
///
/// A sentence mark or a separator at the end is no part of a name: `Join Abel.` registers Abel. The rest of the name is
/// stored as it was written. A name of more than [`Contact::MAX_NAME_BYTES`] bytes is invalid. The answer to it explains
/// how to register.
#[derive(Clone, Debug)]
pub struct Registration {
    register: String,
    language: String,
}

impl Default for Registration {
    fn default() -> Self {
        Self::new()
    }
}

impl Registration {
    /// Creates the app. It listens to `register`, `reg` and `join`, and to `language` and `lang`.
    pub fn new() -> Self {
        Self { register: "join|register|reg".to_owned(), language: "language|lang".to_owned() }
    }

    /// Sets other words for registering, such as `"join|reg|jiunge"`.
    #[must_use]
    pub fn register_words(mut self, words: impl Into<String>) -> Self {
        self.register = words.into();
        self
    }

    /// Sets other words for choosing a language, such as `"language|lang|lugha"`.
    #[must_use]
    pub fn language_words(mut self, words: impl Into<String>) -> Self {
        self.language = words.into();
        self
    }
}

impl App for Registration {
    fn usage(&self) -> Vec<Usage> {
        vec![
            Usage::new(&self.register).help(texts::REGISTER),
            Usage::new(&self.language).help(texts::LANGUAGE),
        ]
    }

    fn check(&self) -> Result<(), AppError> {
        let silent = |words: &String| Keywords::new(words).is_empty();
        if [&self.register, &self.language].into_iter().any(silent) {
            return Err("registration needs at least one word".into());
        }
        Ok(())
    }

    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let rest = |words: &str| {
            Some(without_end(&in_one_line(Keywords::new(words).rest_of(cx.text())?)).to_owned())
        };
        let answer = if let Some(name) = rest(&self.register) {
            register(cx, &name)
        } else if let Some(name) = rest(&self.language) {
            choose_language(cx, &name)
        } else {
            return Ok(Handled::No);
        };
        cx.say(answer);
        Ok(Handled::Yes)
    }
}

fn register(cx: &mut Context, name: &str) -> Phrase {
    if name.is_empty() || name.len() > Contact::MAX_NAME_BYTES {
        return Phrase::new(texts::REGISTER);
    }
    cx.contact_mut().set_name(name);
    Phrase::new(texts::REGISTERED).with("name", name)
}

fn choose_language(cx: &mut Context, name: &str) -> Phrase {
    if name.is_empty() {
        return Phrase::new(texts::LANGUAGE);
    }
    let languages = &cx.about().languages;
    let Some(language) = languages.named(name) else {
        let known: Vec<&str> = languages.codes().map(|code| languages.name(code)).collect();
        return Phrase::new(texts::NOT_SPOKEN).with("language", name).with("languages", known.join(", "));
    };
    let shown = languages.name(&language).to_owned();
    cx.contact_mut().set_language(language);
    Phrase::new(texts::SPOKEN).with("language", shown)
}

/// Returns a name without the sentence marks and separators at its end. A full stop after a single letter stays: it
/// belongs to an initial.
fn without_end(name: &str) -> &str {
    let pieces: Vec<_> = Pieces::of(name).collect();
    let is_mark =
        |at: &usize| pieces.get(*at).is_some_and(|piece| piece.all(|c| is_stop(c) || is_separator(c)));
    let is_letter = |at: usize| pieces.get(at).is_some_and(|piece| piece.all(char::is_alphanumeric));
    let is_start = |at: usize| at.checked_sub(1).is_none_or(|at| pieces.get(at).is_some_and(Piece::is_space));
    let marks = (0..pieces.len()).rev().take_while(is_mark).count();
    let mut end = pieces.len() - marks;
    let is_full_stop = pieces.get(end).is_some_and(|piece| piece.all(|c| c == '.'));
    if is_full_stop && end > 1 && is_letter(end - 1) && is_start(end - 1) {
        end += 1;
    }
    while end > 0 && pieces.get(end - 1).is_some_and(Piece::is_space) {
        end -= 1;
    }
    let bytes = end.checked_sub(1).and_then(|last| pieces.get(last)).map_or(0, |last| last.to);
    name.get(..bytes).unwrap_or_default()
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_at_the_end_is_no_part_of_a_name() {
        let table = [
            ("Abel.", "Abel"),
            ("Abel!!", "Abel"),
            ("Abel ,", "Abel"),
            ("Abel…", "Abel"),
            ("አበበ።", "አበበ"),
            ("فاطمة،", "فاطمة"),
            ("Dr. Abel Bekele.", "Dr. Abel Bekele"),
            ("Abel T.", "Abel T."),
            ("Abel T.!", "Abel T."),
            ("\u{2068}Abel\u{2069}.", "\u{2068}Abel\u{2069}"),
            ("Abel (CHW)", "Abel (CHW)"),
            ("O'Neil-Smith", "O'Neil-Smith"),
            ("😀", "😀"),
            (".", ""),
            ("?!", ""),
            ("\u{200f}", ""),
            ("", ""),
        ];
        for (written, name) in table {
            assert_eq!(without_end(written), name, "{written:?}");
        }
    }
}
