//! The languages of a project.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use crate::model::language::Language;
use crate::settings::Fields;
use crate::text::matching::{is_same, key};

/// The languages of a project: `languages` and `default_language` of `[project]`.
///
/// ```
/// use threadless::backend::Engines;
/// use threadless::project::Settings;
/// use threadless::settings::Surroundings;
///
/// let text = r#"
///     [project]
///     name = "Clinic"
///     default_language = "am"
///     languages = { en = "English", am = ["አማርኛ", "Amharic"] }
/// "#;
/// let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
/// let languages = settings.about.languages;
/// let amharic = languages.named("amharic").unwrap();
/// assert_eq!((amharic.as_str(), languages.name(&amharic)), ("am", "አማርኛ"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Languages {
    /// The language for a person who has not chosen one.
    pub default: Language,
    names: BTreeMap<Language, Vec<String>>,
}

impl Default for Languages {
    /// Returns English alone.
    fn default() -> Self {
        let english = Language::english();
        Self { names: BTreeMap::from([(english.clone(), vec!["English".to_owned()])]), default: english }
    }
}

impl Languages {
    /// Adds a language with the names that people use for it. Replies show the first name.
    pub fn add(&mut self, language: Language, names: impl IntoIterator<Item = impl Into<String>>) {
        self.names.insert(language, names.into_iter().map(Into::into).collect());
    }

    /// Returns the codes in alphabetical order.
    pub fn codes(&self) -> impl Iterator<Item = &Language> {
        self.names.keys()
    }

    /// Returns whether the project has this language.
    pub fn knows(&self, language: &Language) -> bool {
        self.names.contains_key(language)
    }

    /// Returns the name to show, or the code if there is no name.
    pub fn name<'a>(&'a self, language: &'a Language) -> &'a str {
        let name = self.names.get(language).and_then(|names| names.first());
        name.map_or(language.as_str(), String::as_str)
    }

    /// Returns the language with this code or name. Both are compared in the [normal form](crate::text::matching):
    /// `Swahili!` is `swahili`.
    pub fn named(&self, text: &str) -> Option<Language> {
        let by_name = self.names.iter().find(|(_, names)| names.iter().any(|name| is_same(name, text)));
        let by_code = || Language::from_str(&key(text)).ok().filter(|code| self.knows(code));
        by_name.map(|(code, _)| code.clone()).or_else(by_code)
    }

    /// Reads `languages` and `default_language` of a table.
    pub(crate) fn from_fields(fields: &mut Fields<'_>) -> Self {
        let mut table = fields.table("languages");
        let mut names = BTreeMap::new();
        for key in table.keys() {
            let called = table.text_or_texts(&key).unwrap_or_default();
            match Language::from_str(&key) {
                Ok(language) => drop(names.insert(language, called)),
                Err(problem) => table.fault(&key, problem.to_string()),
            }
        }
        fields.absorb(table);
        if names.is_empty() {
            names = Self::default().names;
        }
        let given = fields.text("default_language");
        let code = given.as_deref().unwrap_or("en");
        match Language::from_str(code) {
            Ok(default) if names.contains_key(&default) => return Self { default, names },
            Ok(default) => {
                let known: Vec<&str> = names.keys().map(Language::as_str).collect();
                let problem = if given.is_some() { "" } else { "is missing, and its default " };
                fields.fault(
                    "default_language",
                    format!("{problem}{default} is not one of languages ({})", known.join(", ")),
                );
            }
            Err(problem) => fields.fault("default_language", problem.to_string()),
        }
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_however_it_is_typed() -> Result<(), crate::InvalidLanguage> {
        let mut languages = Languages::default();
        languages.add("sw".parse()?, ["Kiswahili", "Swahili"]);
        languages.add("fr".parse()?, ["français"]);
        languages.add("tr".parse()?, ["İngilizce"]);
        languages.add("pt-br".parse()?, ["Português do Brasil"]);
        let table = [
            ("Swahili!", Some("sw")),
            ("\u{200f}swahili\u{200f}.", Some("sw")),
            ("“Kiswahili”", Some("sw")),
            ("ＳＷＡＨＩＬＩ", Some("sw")),
            ("franc\u{327}ais", Some("fr")),
            ("FRANÇAIS,", Some("fr")),
            ("ingilizce", Some("tr")),
            ("INGILIZCE?", Some("tr")),
            ("português\u{a0} do  brasil", Some("pt-br")),
            ("PT_BR.", Some("pt-br")),
            ("sw!", Some("sw")),
            ("swahil", None),
            ("!", None),
            ("", None),
        ];
        for (text, code) in table {
            assert_eq!(languages.named(text).as_ref().map(Language::as_str), code, "{text:?}");
        }
        Ok(())
    }
}
