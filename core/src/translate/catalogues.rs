//! The translations into all languages, and which of them counts.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use super::bundled;
use super::catalogue::Catalogue;
use super::languages::Languages;
use super::phrase::Phrase;
use crate::model::language::Language;

/// The translations into all languages that a project brings; those that come with this stand behind them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogues {
    own: BTreeMap<Language, Catalogue>,
    faults: Vec<(String, String)>,
}

impl Catalogues {
    /// Adds a `.po` file for a language. What is wrong with it is kept for [`Catalogues::faults`].
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

    /// Adds all of others.
    pub(crate) fn extend(&mut self, other: Self) {
        self.faults.extend(other.faults);
        for (language, catalogue) in other.own {
            self.own.entry(language).or_default().extend(catalogue);
        }
    }

    /// What is wrong with the files: which of them, and what.
    pub(crate) fn faults(&self) -> &[(String, String)] {
        &self.faults
    }

    /// The phrase in the first of these that has it: the language that is wanted, the project's, and the words in
    /// which it was written, which are English. Of `pt-br` `pt` is as good.
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

    /// What people will not be told in their language although the project has it, one line a language. `texts` are
    /// those that are known beside the ones in the catalogues. `is_known` says whether a text in English needs no translation
    /// for a language, since another part of the program has it.
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
