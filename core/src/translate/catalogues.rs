//! The translations into all languages, and their order of precedence.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use super::bundled;
use super::catalogue::Catalogue;
use super::languages::Languages;
use super::phrase::Phrase;
use crate::model::language::Language;

/// The translations of a project into all its languages. They take precedence over the bundled ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogues {
    own: BTreeMap<Language, Catalogue>,
    faults: Vec<(String, String)>,
}

impl Catalogues {
    /// Adds a `.po` file for a language. [`Catalogues::faults`] returns its faults later.
    pub(crate) fn add(&mut self, language: &str, text: &str) {
        let name = format!("catalogue {language}");
        let (catalogue, faults) = Catalogue::read(text);
        let faults =
            faults.into_iter().map(|(line, problem)| (name.clone(), format!("line {line}: {problem}")));
        self.faults.extend(faults);
        match Language::from_str(language) {
            Ok(language) => self.own.entry(language).or_default().extend(catalogue),
            Err(problem) => self.faults.push((name, problem.to_string())),
        }
    }

    /// Adds all catalogues of another collection.
    pub(crate) fn extend(&mut self, other: Self) {
        self.faults.extend(other.faults);
        for (language, catalogue) in other.own {
            self.own.entry(language).or_default().extend(catalogue);
        }
    }

    /// Returns the faults of the files: the name of the catalogue, and the fault.
    pub(crate) fn faults(&self) -> &[(String, String)] {
        &self.faults
    }

    /// Returns the phrase in the first language that has a translation: the wanted language, then the project's
    /// language, then English, the language of the text in the program. For `pt-br`, a translation into `pt` is good
    /// enough.
    pub(crate) fn say(&self, phrase: &Phrase, wanted: Option<&Language>, languages: &Languages) -> String {
        if phrase.is_verbatim() {
            return phrase.untranslated();
        }
        for language in wanted.into_iter().chain([&languages.default]) {
            for language in [language, &language.base()] {
                if let Some(said) = self.say_in(phrase, language) {
                    return said;
                }
            }
            if language.is_english() {
                break;
            }
        }
        phrase.untranslated()
    }

    fn say_in(&self, phrase: &Phrase, language: &Language) -> Option<String> {
        let own = self.own.get(language).and_then(|catalogue| catalogue.say(phrase));
        own.or_else(|| bundled::of(language)?.say(phrase))
    }

    /// Lists the texts without a translation, one line for each language of the project. `texts` are known texts that
    /// are not in the catalogues. `is_known` returns whether an English text needs no translation into a language,
    /// because another part of the program has it.
    pub(crate) fn missing<'t>(
        &'t self,
        languages: &Languages,
        texts: impl IntoIterator<Item = &'t str>,
        is_known: impl Fn(&Language, &str) -> bool,
    ) -> Vec<String> {
        let mut wanted: BTreeSet<&str> = self.own.values().flat_map(Catalogue::texts).collect();
        wanted.extend(texts.into_iter().filter(|text| !text.is_empty()));
        let mut lines = Vec::new();
        for language in self.own.keys().filter(|language| !languages.knows(language)) {
            lines.push(format!("there is a catalogue for {language}, which is not one of project.languages"));
        }
        for language in languages.codes().filter(|language| !language.is_english()) {
            let has = |text: &&str| {
                let has = |language| {
                    self.own.get(language).is_some_and(|catalogue| catalogue.has(text))
                        || bundled::of(language).is_some_and(|catalogue| catalogue.has(text))
                };
                has(language) || has(&language.base()) || is_known(language, text)
            };
            let mut without = wanted.iter().filter(|text| !has(text));
            match (without.next(), without.count()) {
                (None, _) => {}
                (Some(first), 0) => lines.push(format!("{language}: {first:?} is not translated")),
                (Some(first), more) => {
                    lines.push(format!("{language}: {first:?} and {more} more are not translated"));
                }
            }
        }
        lines
    }
}
