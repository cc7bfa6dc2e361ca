//! The translations into one language.

use std::collections::HashMap;

use super::phrase::Phrase;
use super::placeholders::names;
use super::plural::PluralRule;
use super::po::{self, PoEntry, PoFault};

/// The translations into one language.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogue {
    rule: Option<PluralRule>,
    /// The forms of each translation. The key is the text in the program. An empty list means: not translated yet.
    translations: HashMap<String, Vec<String>>,
}

impl Catalogue {
    /// Reads a `.po` file. Returns the catalogue and the faults of the file, line by line.
    pub(super) fn read(text: &str) -> (Self, Vec<PoFault>) {
        let (entries, mut faults) = po::read(text);
        let mut catalogue = Self::default();
        for entry in entries {
            let line = entry.line;
            if let Err(problem) = catalogue.take(entry) {
                faults.push((line, problem));
            }
        }
        faults.sort();
        (catalogue, faults)
    }

    fn take(&mut self, entry: PoEntry) -> Result<(), String> {
        if entry.forms.is_empty() {
            return Err("has no msgstr".to_owned());
        }
        if entry.has_context {
            return Err("msgctxt is not supported".to_owned());
        }
        if entry.id.is_empty() {
            self.rule = plural_rule(&entry.forms[0])?;
            return Ok(());
        }
        let translated = !entry.is_fuzzy && entry.forms.iter().all(|form| !form.is_empty());
        if translated {
            self.suits(&entry)?;
        }
        let forms = if translated { entry.forms } else { Vec::new() };
        if self.translations.insert(entry.id, forms).is_some() {
            return Err("this text has a translation already".to_owned());
        }
        Ok(())
    }

    /// Checks that a translation fits its text, as far as a program can tell.
    fn suits(&self, entry: &PoEntry) -> Result<(), String> {
        let wanted = match (&entry.plural_id, &self.rule) {
            (None, _) => 1,
            (Some(_), Some(rule)) => rule.forms,
            (Some(_), None) => return Err("the catalogue's head has no Plural-Forms".to_owned()),
        };
        if entry.forms.len() != wanted {
            return Err(format!("has {} plural forms and needs {wanted}", entry.forms.len()));
        }
        let known: Vec<&str> =
            names(&entry.id).chain(entry.plural_id.as_deref().into_iter().flat_map(names)).collect();
        let mut used = entry.forms.iter().flat_map(|form| names(form));
        match used.find(|name| !known.contains(name)) {
            Some(name) => Err(format!("%({name})s is not in the original text")),
            None => Ok(()),
        }
    }

    /// Returns the phrase in this language, if it has a translation.
    pub(super) fn say(&self, phrase: &Phrase) -> Option<String> {
        let forms = self.translations.get(phrase.text.as_ref())?;
        let form = match (&phrase.plural, &self.rule) {
            (Some((_, count)), Some(rule)) => forms.get(rule.form(*count)).or(forms.first()),
            _ => forms.first(),
        };
        Some(phrase.filled(form?))
    }

    /// Returns whether this text has a translation.
    pub(super) fn has(&self, text: &str) -> bool {
        self.translations.get(text).is_some_and(|forms| !forms.is_empty())
    }

    /// Returns the texts of the catalogue, translated or not.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.translations.keys().map(String::as_str)
    }

    /// Adds another catalogue. Its translations take precedence.
    pub(super) fn extend(&mut self, other: Self) {
        self.rule = other.rule.or(self.rule.take());
        self.translations.extend(other.translations.into_iter().filter(|(_, forms)| !forms.is_empty()));
    }
}

/// Reads the plural rule from the head of a catalogue.
fn plural_rule(head: &str) -> Result<Option<PluralRule>, String> {
    let fields = || head.lines().filter_map(|line| line.split_once(':'));
    let field = |name: &str| fields().find(|(field, _)| field.eq_ignore_ascii_case(name));
    if let Some((_, kind)) = field("Content-Type")
        && let Some((_, charset)) = kind.split_once("charset=")
        && !charset.trim().eq_ignore_ascii_case("utf-8")
    {
        return Err(format!("a catalogue must be in UTF-8, not in {}", charset.trim()));
    }
    let rule = field("Plural-Forms").map(|(_, rule)| PluralRule::read(rule));
    rule.transpose().map_err(|problem| format!("Plural-Forms {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n\
                        \"Plural-Forms: nplurals=2; plural=n > 1;\\n\"\n";

    fn read(entries: &str) -> (Catalogue, Vec<PoFault>) {
        Catalogue::read(&format!("{HEAD}{entries}"))
    }

    #[test]
    fn a_number_takes_its_form() {
        let (catalogue, faults) = read(
            "msgid \"%(n)s case\"\nmsgid_plural \"%(n)s cases\"\nmsgstr[0] \"un cas\"\nmsgstr[1] \"%(n)s cas\"",
        );
        assert_eq!(faults, []);
        let said =
            |n: u64| catalogue.say(&Phrase::counted("%(n)s case", "%(n)s cases", n).with("n", n)).unwrap();
        assert_eq!((said(0).as_str(), said(1).as_str(), said(2).as_str()), ("un cas", "un cas", "2 cas"));
    }

    #[test]
    fn what_is_not_translated_or_fuzzy_is_known_and_not_said() {
        let (catalogue, faults) = read("msgid \"a\"\nmsgstr \"\"\n#, fuzzy\nmsgid \"b\"\nmsgstr \"%(x)s\"");
        assert_eq!(faults, []);
        let mut texts: Vec<&str> = catalogue.texts().collect();
        texts.sort_unstable();
        assert_eq!(texts, ["a", "b"]);
        assert!(!catalogue.has("a") && catalogue.say(&Phrase::new("b")).is_none());
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let (_, faults) = read(
            "msgid \"a %(name)s\"\nmsgstr \"%(nmae)s\"\nmsgid \"b\"\nmsgid_plural \"bs\"\nmsgstr[0] \"x\"\n\
             msgid \"c\"\nmsgstr \"c\"\nmsgid \"c\"\nmsgstr \"d\"\nmsgctxt \"x\"\nmsgid \"e\"\nmsgstr \"e\"",
        );
        let expected = [
            (4, "%(nmae)s is not in the original text"),
            (6, "has 1 plural forms and needs 2"),
            (11, "this text has a translation already"),
            (13, "msgctxt is not supported"),
        ];
        assert_eq!(faults, expected.map(|(line, problem)| (line, problem.to_owned())));
        let heads = [
            (
                "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=ISO-8859-1\\n\"",
                "a catalogue must be in UTF-8, not in ISO-8859-1",
            ),
            ("msgid \"\"\nmsgstr \"Plural-Forms: nplurals=2\\n\"", "Plural-Forms has no plural="),
            ("msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0] \"x\"", "the catalogue's head has no Plural-Forms"),
            ("msgid \"a\"", "has no msgstr"),
        ];
        for (text, problem) in heads {
            assert_eq!(Catalogue::read(text).1, [(1, problem.to_owned())]);
        }
    }
}
