//! Help: the list of the words that people can text.

use super::{Keywords, texts};
use crate::translate::Phrase;
use crate::{App, AppError, Context, Handled, Usage};

/// Answers `help` with the words that this installation understands, and answers `help <word>` with how to use this
/// word.
///
/// The words come from [`Context::usage`], where the installed apps list them. A [group](crate::Router::group) stands
/// for all words in it, so that the list stays short enough for one SMS. `help <group>` lists the words of the group.
///
/// ```text
/// 1112223333 > help
/// 1112223333 < Clinic understands: STOCK, REPORT. For more send HELP and one of these words. Questions: 0911223344
/// 1112223333 > help report
/// 1112223333 < To report cases, send: REPORT <VILLAGE> <NUMBER>
/// 1112223333 > help stock
/// 1112223333 < Clinic understands: STOCK IN, STOCK OUT. For more send HELP and one of these words. Questions: 0911223344
/// ```
///
/// ```
/// use threadless::Router;
/// use threadless::apps::{Help, Said, keyword};
///
/// async fn noted(said: Said) -> String {
///     format!("Noted: {}", said.text())
/// }
///
/// let router = Router::new()
///     .app(Help::new().note("Questions: 0911223344"))
///     .group("stock", |group| group.app(keyword("stock in", noted)).app(keyword("stock out", noted)))
///     .app(keyword("report|rpt", noted).help("To report cases, send: REPORT <VILLAGE> <NUMBER>"));
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let bench = threadless::testing::Bench::with(router).about("Clinic", "").build();
/// # bench.transcript("
/// #     1112223333 > help
/// #     1112223333 < Clinic understands: STOCK, REPORT. For more send HELP and one of these words. Questions: 0911223344
/// #     1112223333 > help report
/// #     1112223333 < To report cases, send: REPORT <VILLAGE> <NUMBER>
/// #     1112223333 > help stock
/// #     1112223333 < Clinic understands: STOCK IN, STOCK OUT. For more send HELP and one of these words. Questions: 0911223344
/// # ").await;
/// # });
/// ```
///
/// Carriers in North America ask that the answer to HELP has three parts: the name of the service, a contact, and how
/// to stop messages. This app gives the name. Set the other two parts as the [`note`](Help::note). Install this app
/// before apps that take any text. A person who has opted out gets no answer to `help`, as with every other word.
#[derive(Clone, Debug)]
pub struct Help {
    words: String,
    list: String,
    note: String,
}

impl Default for Help {
    fn default() -> Self {
        Self::new()
    }
}

impl Help {
    /// Creates the app. It listens to `help` and answers in English.
    pub fn new() -> Self {
        Self { words: "help".to_owned(), list: texts::HELP.to_owned(), note: String::new() }
    }

    /// Sets other words to listen to, such as `"help|aide|እርዳታ"`.
    #[must_use]
    pub fn words(mut self, words: impl Into<String>) -> Self {
        self.words = words.into();
        self
    }

    /// Sets the text before the note. `%(project_name)s` stands for the project's name, and `%(words)s` stands for the
    /// words.
    #[must_use]
    pub fn list(mut self, text: impl Into<String>) -> Self {
        self.list = text.into();
        self
    }

    /// Sets the text at the end of the list: a contact, how to stop messages, how much messages cost.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = text.into();
        self
    }

    fn listing(&self, cx: &Context, words: &[String]) -> String {
        let list = Phrase::new(self.list.clone()).with("words", words.join(", "));
        let list = cx.translate(&list.with("project_name", &cx.about().name));
        if self.note.is_empty() { list } else { format!("{list} {}", translated(cx, &self.note)) }
    }

    /// Returns the answer to `help <topic>`, or `None` if there is no help on this topic.
    fn of(&self, topic: &str, cx: &Context) -> Option<String> {
        let usage = cx.usage();
        let named = |words: &str| Keywords::new(words).rest_of(topic).map(str::len);
        let single = usage.iter().filter_map(|one| Some((named(&one.words)?, one)));
        let single = single.filter(|(_, one)| !one.help.is_empty()).min_by_key(|(rest, _)| *rest);
        let group = usage.iter().filter_map(|one| Some((named(&one.group)?, &one.group)));
        let group = group.min_by_key(|(rest, _)| *rest);
        match (single, group) {
            (Some((rest, one)), Some((other, _))) if rest <= other => Some(translated(cx, &one.help)),
            (Some((_, one)), None) => Some(translated(cx, &one.help)),
            (_, Some((_, name))) => {
                let inside = usage.iter().filter(|one| one.group == *name);
                Some(self.listing(cx, &inside.map(Usage::shown).collect::<Vec<_>>()))
            }
            (None, None) => None,
        }
    }
}

fn translated(cx: &Context, text: &str) -> String {
    cx.translate(&Phrase::new(text.to_owned()))
}

/// Returns the words of the whole list: each group once, and each word that is in no group.
fn shown(usage: &[Usage]) -> Vec<String> {
    let mut shown = Vec::new();
    for one in usage {
        let word = if one.group.is_empty() { one.shown() } else { one.group.to_uppercase() };
        if !word.is_empty() && !shown.contains(&word) {
            shown.push(word);
        }
    }
    shown
}

impl App for Help {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let Some(topic) = Keywords::new(&self.words).rest_of(cx.text()) else {
            return Ok(Handled::No);
        };
        let answer = self.of(topic, cx);
        let answer = answer.unwrap_or_else(|| self.listing(cx, &shown(cx.usage())));
        cx.reply(answer);
        Ok(Handled::Yes)
    }
}
