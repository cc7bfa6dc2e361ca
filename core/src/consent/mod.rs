//! Opting out: a person who texts STOP gets no messages until START, whatever the apps would send.

mod languages;

use jiff::Timestamp;

use crate::app::context::About;
use crate::model::language::Language as Code;
use crate::planted::{self, Plant};
use crate::settings::Fields;
use crate::text::matching::key;
use crate::translate::Phrase;
use languages::BUNDLED;

/// The opt-out settings: the table `[opt_out]` of the settings. It decides which messages stop and start the sending of
/// messages.
///
/// A message counts if it consists of one of the words and nothing else. Words and messages are compared in the
/// [normal form](crate::text::matching): case does not matter, nor do characters that nobody sees, nor white space and
/// punctuation around the word. So a word needs a letter or a digit. The apps do not see such a message. A word for start counts only from a person who has
/// opted out. From any other person it is a message like any other, because `START` may mean something to an app.
///
/// The confirmation is in the language that the [contact](crate::Contact::language) chose, if this language is in the
/// table below or if a [catalogue](crate::translate) has a translation. Otherwise it is in the language of the word.
///
/// | key | default | meaning |
/// |---|---|---|
/// | `enabled` | `true` | `false`: every message goes to the apps, and nobody can opt out |
/// | `languages` | all | the codes of the bundled languages to use, in the order in which Threadless compares them: `en`, `fr`, `es`, `pt`, `sw`, `am`, `ar` |
/// | `words.<code>` | – | a further language, or other words for a bundled one: `stop` and `start` (lists of words), `stopped` and `started` (the confirmations; `%(project_name)s` stands for the name) |
///
/// Carriers in North America also require CANCEL, END and QUIT. These words are not bundled, because people use them in
/// the middle of a conversation. A project that needs the words adds them:
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::project::Settings;
/// use threadless::settings::Surroundings;
///
/// let text = r#"
///     [project]
///     name = "Clinic"
///
///     [opt_out]
///     languages = ["am", "en"]
///
///     [opt_out.words.en]
///     stop = ["stop", "cancel", "end", "quit", "unsubscribe"]
///     start = ["start"]
///     stopped = "No more messages from %(project_name)s."
///     started = "Welcome back to %(project_name)s."
/// "#;
/// let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
/// assert!(settings.consent.is_stop("Quit!") && settings.consent.is_stop("አቁም"));
/// assert!(!settings.consent.is_stop("please stop") && !settings.consent.is_stop("arrêt"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    languages: Vec<Language>,
}

/// The words of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Language {
    code: String,
    stop: Vec<String>,
    start: Vec<String>,
    stopped: String,
    started: String,
}

/// The change that a message makes to a person's consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsentChange {
    /// The time since which nothing is sent; `None` if messages are sent.
    pub(crate) opted_out: Option<Timestamp>,
    /// The confirmation. It is `None` if the person had already opted out, because a reply to every STOP would keep two
    /// machines talking.
    pub(crate) confirmation: Option<Phrase>,
}

impl Default for Consent {
    /// Returns all bundled languages.
    fn default() -> Self {
        Self { languages: BUNDLED.iter().map(Language::bundled).collect() }
    }
}

impl Consent {
    /// Returns settings without words: nobody can opt out.
    pub fn none() -> Self {
        Self { languages: Vec::new() }
    }

    /// Returns whether this text is a word for stop.
    pub fn is_stop(&self, text: &str) -> bool {
        let said = key(text);
        self.languages.iter().any(|language| language.stop.contains(&said))
    }

    /// Reads the table `[opt_out]`.
    pub(crate) fn from_fields(fields: &mut Fields<'_>) -> Self {
        let enabled = fields.flag("enabled").unwrap_or(true);
        let codes = fields.texts("languages");
        for unknown in codes.iter().flatten().filter(|code| bundled(code).is_none()) {
            fields.fault(
                "languages",
                format!("{unknown:?} has no bundled words: add the table opt_out.words.{unknown}"),
            );
        }
        let mut languages = match codes {
            Some(codes) => codes.iter().filter_map(|code| bundled(code)).collect(),
            None => Self::default().languages,
        };
        let mut words = fields.table("words");
        for code in words.keys() {
            let mut table = words.table(&code);
            let language = Language::from_fields(&code, &mut table);
            words.absorb(table);
            match languages.iter_mut().find(|known| known.code == code) {
                Some(known) => *known = language,
                None => languages.push(language),
            }
        }
        fields.absorb(words);
        if enabled { Self { languages } } else { Self::none() }
    }

    /// Returns the change that `text` makes. `opted_out` is the time at which the person opted out before, if they did.
    /// `spoken` is the language that the person chose.
    pub(crate) fn change_of(
        &self,
        text: &str,
        opted_out: Option<Timestamp>,
        spoken: Option<&Code>,
        about: &About,
        now: Timestamp,
    ) -> Option<ConsentChange> {
        let said = key(text);
        let confirm = |text: &str| Some(Phrase::new(text.to_owned()).with("project_name", &about.name));
        // STOP is understood in every language, so a person who chose a language gets the confirmation in that
        // language.
        let answering = |word| spoken.and_then(|code| self.language(code)).unwrap_or(word);
        if let Some(language) = self.languages.iter().find(|language| language.stop.contains(&said)) {
            return Some(match opted_out {
                Some(_) => ConsentChange { opted_out, confirmation: None },
                None => ConsentChange {
                    opted_out: Some(now),
                    confirmation: confirm(&answering(language).stopped),
                },
            });
        }
        opted_out?;
        let language = self.languages.iter().find(|language| language.start.contains(&said))?;
        let opted_out = opted_out.filter(|_| planted::is(Plant::StartIgnored));
        Some(ConsentChange { opted_out, confirmation: confirm(&answering(language).started) })
    }

    /// Returns the words of this language.
    fn language(&self, code: &Code) -> Option<&Language> {
        let of = |code: &str| self.languages.iter().find(|language| language.code.eq_ignore_ascii_case(code));
        of(code.as_str()).or_else(|| of(code.base().as_str()))
    }
}

impl Language {
    fn bundled((code, stop, start, stopped, started): &languages::Bundled) -> Self {
        let words = |words: &[&str]| words.iter().map(|word| key(word)).collect();
        Self {
            code: (*code).to_owned(),
            stop: words(stop),
            start: words(start),
            stopped: (*stopped).to_owned(),
            started: (*started).to_owned(),
        }
    }

    fn from_fields(code: &str, fields: &mut Fields<'_>) -> Self {
        let words = |fields: &mut Fields<'_>, field: &str| {
            let mut forms = Vec::new();
            for word in fields.required_texts(field) {
                match key(&word) {
                    form if form.is_empty() => {
                        fields.fault(
                            field,
                            format!("{word:?} has no letter and no digit, so it matches no message"),
                        );
                    }
                    form => forms.push(form),
                }
            }
            forms
        };
        Self {
            code: code.to_owned(),
            stop: words(fields, "stop"),
            start: words(fields, "start"),
            stopped: fields.required_text("stopped"),
            started: fields.required_text("started"),
        }
    }
}

fn bundled(code: &str) -> Option<Language> {
    BUNDLED.iter().find(|(known, ..)| *known == code).map(Language::bundled)
}

/// Returns whether this text is an English confirmation that people who speak this language get in their own language
/// anyway.
pub(crate) fn is_answered_in(language: &Code, text: &str) -> bool {
    let english = BUNDLED.iter().filter(|(code, ..)| *code == "en");
    let is_answer =
        english.map(|(.., stopped, started)| [*stopped, *started]).any(|both| both.contains(&text));
    is_answer && (bundled(language.as_str()).is_some() || bundled(language.base().as_str()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str, opted_out: Option<Timestamp>) -> Option<ConsentChange> {
        let about = About { name: "Clinic".to_owned(), ..About::default() };
        Consent::default().change_of(text, opted_out, None, &about, Timestamp::MAX)
    }

    #[test]
    fn a_word_counts_alone_and_in_any_dress() {
        let table = [
            ("STOP", true),
            (" stop.\n", true),
            ("\"Stop!\"", true),
            ("stop  all", true),
            ("ARRÊT", true),
            ("አቁም።", true),
            ("إيقاف", true),
            ("ST\u{200b}OP", true),
            ("\u{200f}stop\u{200f}", true),
            ("s\u{ad}top", true),
            ("\u{feff}STOP", true),
            ("\u{2068}Stop\u{2069}.", true),
            ("ARRE\u{302}T", true),
            ("ＳＴＯＰ！", true),
            ("stop\nall", true),
            ("opt–out", true),
            ("إيقـاف", true),
            ("st op", false),
            ("\u{200b}", false),
            ("stop it", false),
            ("nonstop", false),
            ("", false),
            ("...", false),
            ("start", false),
            ("cancel", false),
        ];
        for (text, stops) in table {
            assert_eq!(change(text, None).is_some(), stops, "{text:?}");
            assert_eq!(Consent::default().is_stop(text), stops, "{text:?}");
        }
    }

    #[test]
    fn the_answer_is_in_the_language_of_the_word() {
        let said = |text, before| change(text, before).unwrap().confirmation.unwrap().untranslated();
        assert!(said("stop", None).starts_with("Clinic will send you no more"));
        assert!(said("arret", None).contains("ne vous enverra plus"));
        assert!(said("ጀምር", Some(Timestamp::MIN)).contains("Clinic"));
    }

    #[test]
    fn who_is_silent_already_gets_no_answer_to_stop_and_one_to_start() {
        let before = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(change("stop", before), Some(ConsentChange { opted_out: before, confirmation: None }));
        assert_eq!(change("start", before).unwrap().opted_out, None);
        assert_eq!(change("hello", before), None);
    }

    #[test]
    fn the_words_of_the_settings_are_compared_in_the_same_form() {
        let text = r#"
            [project]
            name = "Clinic"
            [opt_out.words.tr]
            stop = ["İPTAL", "SCHLIESSEN", "ΣΤΟΠ ΤΩΣ"]
            start = ["başla"]
            stopped = "Tamam."
            started = "Merhaba."
        "#;
        let surroundings = crate::settings::Surroundings::local(&[]);
        let settings =
            crate::project::Settings::read(text, &crate::backend::Engines::standard(), &surroundings);
        let consent = settings.unwrap().consent;
        for text in [
            "İPTAL",
            "iptal",
            "IPTAL",
            "ıptal!",
            "i\u{307}ptal",
            "schließen",
            "Schliessen",
            "στοπ τως",
            "Στοπ  τωΣ",
        ] {
            assert!(consent.is_stop(text), "{text:?}");
        }
        assert!(!consent.is_stop("ptal"));
        for text in ["BAŞLA", "bas\u{327}la", "Ba\u{200d}şla."] {
            let change =
                consent.change_of(text, Some(Timestamp::MIN), None, &About::default(), Timestamp::MAX);
            assert!(change.is_some_and(|change| change.opted_out.is_none()), "{text:?}");
        }
    }

    #[test]
    fn every_fault_of_the_table_is_named() {
        let text = r#"
            [project]
            name = "Clinic"
            [opt_out]
            languages = ["en", "tlh"]
            enable = false
            [opt_out.words.om]
            stop = []
            start = "jalqabi"
            stopped = ""
            [opt_out.words.tr]
            stop = ["iptal", "\U0001f6d1", "\u200b!"]
            start = ["ba\u015fla"]
            stopped = "Tamam."
            started = "Merhaba."
        "#;
        let surroundings = crate::settings::Surroundings::local(&[]);
        let read = crate::project::Settings::read(text, &crate::backend::Engines::standard(), &surroundings);
        let faults = read.err().unwrap().0;
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        let expected = [
            "opt_out.enable",
            "opt_out.languages",
            "opt_out.words.om.start",
            "opt_out.words.om.started",
            "opt_out.words.om.stop",
            "opt_out.words.om.stopped",
            "opt_out.words.tr.stop",
            "opt_out.words.tr.stop",
        ];
        assert_eq!(fields, expected);
        let problem = faults.iter().find(|fault| fault.field == "opt_out.words.tr.stop");
        let problem = problem.map(|fault| fault.problem.as_str());
        assert_eq!(problem, Some("\"🛑\" has no letter and no digit, so it matches no message"));
    }

    #[test]
    fn no_word_means_two_things() {
        let languages = Consent::default().languages;
        let stops: Vec<&String> = languages.iter().flat_map(|language| &language.stop).collect();
        for language in &languages {
            for word in &language.start {
                assert!(!stops.contains(&word), "{word}");
            }
            // A confirmation names the word for the way back. Threadless must understand this word.
            let named = |text: &str, words: &[String]| {
                let text = key(text);
                words.iter().any(|word| text.contains(word.as_str()))
            };
            assert!(named(&language.stopped, &language.start), "{}", language.code);
            let stop_or_english = [language.stop.clone(), vec!["stop".to_owned()]].concat();
            assert!(named(&language.started, &stop_or_english), "{}", language.code);
        }
    }
}
