//! Reads one table of the settings key by key. It collects all faults instead of stopping at the first one.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};

use crate::error::Fault;
use crate::settings::{Place, Secret, Surroundings, looks_secret};

/// A reader for one table of the settings. Each getter takes its key out of the table and reports a wrong value as a
/// fault. A key that no getter took is also a fault, so that a misspelt key cannot silently lead to a default.
///
/// No fault repeats a value that may be a text or a secret, because faults appear in the log and in `CloudFormation`. A
/// fault may repeat a number that is out of range, unless the name of its key looks like the name of a secret.
pub struct Fields<'a> {
    path: String,
    table: Table,
    asked: Vec<String>,
    /// The keys that a table of defaults added.
    added: Vec<String>,
    pub(crate) surroundings: &'a Surroundings<'a>,
    pub(crate) secrets: Secrets,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

/// The secrets of a table.
#[derive(Default)]
pub(crate) struct Secrets {
    /// The keys that were read as secrets. For each key: whether the settings give it.
    pub(crate) asked: Vec<(String, bool)>,
    /// The secrets that were found.
    pub(crate) revealed: Vec<Secret>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(path: &str, table: Table, surroundings: &'a Surroundings<'a>) -> Self {
        let (asked, added, faults, warnings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let secrets = Secrets::default();
        Self { path: path.to_owned(), table, asked, added, surroundings, secrets, faults, warnings }
    }

    /// Returns the keys that no getter took yet.
    pub fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Returns whether the settings give a key that no getter took yet.
    pub fn is_given(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns whether a key that no getter took yet has a table.
    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Value::is_table)
    }

    /// Adds the keys that the table does not have from a table of defaults. A table within the table gets the keys that
    /// it does not have, too; but a secret, and a table whose name ends with `_when`, counts as a whole.
    pub(crate) fn add_defaults(&mut self, defaults: Table) {
        for (key, value) in defaults {
            let is_whole = key.ends_with("_when");
            match (self.table.get_mut(&key), value) {
                (None, value) => {
                    self.added.push(key.clone());
                    self.table.insert(key, value);
                }
                (Some(Value::Table(own)), Value::Table(inner))
                    if !is_whole && !own.contains_key("secret") && !inner.contains_key("secret") =>
                {
                    for (key, value) in inner {
                        own.entry(key).or_insert(value);
                    }
                }
                (Some(_), _) => {}
            }
        }
    }

    /// Takes a text. `None` if the key is absent.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => self.wrong(key, "a text in quotes", &other),
        }
    }

    /// Takes a text that must be present and not empty. Otherwise reports a fault and returns an empty text.
    pub fn required_text(&mut self, key: &str) -> String {
        if !self.table.contains_key(key) {
            self.asked.push(key.to_owned());
            self.fault(key, "is missing");
        }
        let text = self.text(key);
        if text.as_deref() == Some("") {
            self.fault(key, "is empty");
        }
        text.unwrap_or_default()
    }

    /// Takes one of some words. `None` if the key is absent.
    pub fn one_of(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let known = words.iter().find(|word| **word == text).copied();
        if known.is_none() {
            self.fault(key, format!("must be one of {}, not {text:?}", words.join(", ")));
        }
        known
    }

    /// Takes a whole number in a range. `None` if the key is absent.
    pub fn number(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<i64> {
        match self.take(key)? {
            Value::Integer(number) if range.contains(&number) => Some(number),
            other => {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong_here(key, &wanted, &other)
            }
        }
    }

    /// Takes a whole number in a range, or a word. `None` if the value is the word or the key is absent.
    pub fn word_or_number(&mut self, key: &str, word: &str, range: RangeInclusive<u8>) -> Option<u8> {
        match self.take(key)? {
            Value::String(text) if text == word => None,
            Value::Integer(number) if u8::try_from(number).is_ok_and(|number| range.contains(&number)) => {
                u8::try_from(number).ok()
            }
            other => {
                let wanted = format!("{word:?} or a whole number from {} to {}", range.start(), range.end());
                self.wrong_here(key, &wanted, &other)
            }
        }
    }

    /// Takes a list of whole numbers in a range. `None` if the key is absent. An empty list is a fault.
    pub fn numbers(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<Vec<i64>> {
        let wanted = format!("a list of whole numbers from {} to {}", range.start(), range.end());
        let value = self.take(key)?;
        let number = |value: &Value| value.as_integer().filter(|number| range.contains(number));
        let numbers = value.as_array().and_then(|list| list.iter().map(number).collect::<Option<Vec<_>>>());
        match numbers.filter(|numbers| !numbers.is_empty()) {
            Some(numbers) => Some(numbers),
            None => self.wrong(key, &wanted, &value),
        }
    }

    /// Takes a list of texts. `None` if the key is absent.
    pub fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match value.as_array().and_then(|list| list.iter().map(text).collect::<Option<Vec<_>>>()) {
            Some(texts) => Some(texts),
            None => self.wrong_here(key, "a list of texts in quotes", &value),
        }
    }

    /// Takes one text or a list of texts. `None` if the key is absent.
    pub fn text_or_texts(&mut self, key: &str) -> Option<Vec<String>> {
        match self.table.get(key) {
            Some(Value::String(_)) => Some(vec![self.text(key)?]),
            _ => self.texts(key),
        }
    }

    /// Takes one value or a list of values that are texts, whole numbers, `true` or `false`, as texts. `None` if the key
    /// is absent.
    pub(crate) fn scalars(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let list = match &value {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Boolean(flag) => Some(flag.to_string()),
            _ => None,
        };
        match list.iter().map(text).collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty()) {
            Some(texts) => Some(texts),
            None => self.wrong(key, "a text, a whole number, true or false, or a list of them", &value),
        }
    }

    /// Takes a list of texts that must be present and not empty. Otherwise reports a fault and returns an empty list.
    pub fn required_texts(&mut self, key: &str) -> Vec<String> {
        let given = self.table.contains_key(key);
        let texts = self.texts(key);
        match &texts {
            None if !given => self.fault(key, "is missing"),
            Some(texts) if texts.is_empty() => self.fault(key, "is empty"),
            _ => {}
        }
        texts.unwrap_or_default()
    }

    /// Takes a number of seconds in a range. `None` if the key is absent.
    pub fn seconds(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<Duration> {
        let seconds = self.number(key, range)?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// Takes `true` or `false`. `None` if the key is absent.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Boolean(flag) => Some(flag),
            other => self.wrong(key, "true or false", &other),
        }
    }

    /// Takes an inner table, or an empty table if the key is absent. Give the inner table back with [`Fields::absorb`].
    pub fn table(&mut self, key: &str) -> Fields<'a> {
        let table = match self.take(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                self.wrong::<()>(key, "a table", &other);
                Table::new()
            }
        };
        Fields::new(&self.path_of(key), table, self.surroundings)
    }

    /// Takes over the faults and warnings of an inner table.
    pub fn absorb(&mut self, inner: Fields<'a>) {
        let (faults, warnings) = inner.finish();
        self.faults.extend(faults);
        self.warnings.extend(warnings);
    }

    /// Reports a fault of a key.
    pub fn fault(&mut self, key: &str, problem: impl Into<String>) {
        self.faults.push(Fault::new(self.path_of(key), problem));
    }

    /// Reports a fault of the table itself.
    pub fn fault_here(&mut self, problem: impl Into<String>) {
        self.faults.push(Fault::new(self.path.clone(), problem));
    }

    /// Reports a warning: a value that is allowed but looks like a mistake. A key that only a table of defaults gives is
    /// no mistake of the person who wrote the settings.
    pub fn warn(&mut self, key: &str, problem: impl Into<String>) {
        if !self.added.iter().any(|added| added == key) {
            self.warn_of_value(key, problem);
        }
    }

    /// Reports a warning about the value of a key, wherever the key comes from.
    pub(crate) fn warn_of_value(&mut self, key: &str, problem: impl Into<String>) {
        self.warnings.push(Fault::new(self.path_of(key), problem));
    }

    /// Returns where the program runs.
    pub fn place(&self) -> Place {
        self.surroundings.place
    }

    /// Returns whether this key, or a key below it, has a fault.
    pub(crate) fn is_faulty_at(&self, key: &str) -> bool {
        let path = self.path_of(key);
        let rest = |fault: &Fault| fault.field.strip_prefix(&path).map(str::to_owned);
        self.faults.iter().filter_map(rest).any(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Returns every text of this table and of its inner tables that no getter took yet, each with its key.
    pub(crate) fn texts_within(&self) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for (key, value) in &self.table {
            collect_texts(key, value, &mut texts);
        }
        texts
    }

    /// Returns whether the table has a fault so far.
    pub fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Discards the remaining keys without a fault, because it is not known which keys the table may have.
    pub(crate) fn ignore_rest(&mut self) {
        self.table.clear();
    }

    /// Returns the faults and the warnings. The faults are in the order of their fields.
    pub(crate) fn finish(mut self) -> (Vec<Fault>, Vec<Fault>) {
        for key in self.keys() {
            self.fault(&key, format!("is unknown here (known are {})", self.asked.join(", ")));
        }
        self.faults.sort_by(|a, b| a.field.cmp(&b.field));
        (self.faults, self.warnings)
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        if !self.asked.iter().any(|asked| asked == key) {
            self.asked.push(key.to_owned());
        }
        self.table.remove(key)
    }

    /// Reports a value of the wrong kind without the value itself, because the value may be a secret.
    pub(crate) fn wrong<T>(&mut self, key: &str, wanted: &str, found: &Value) -> Option<T> {
        let found = match found {
            Value::Integer(_) => "number",
            other => other.type_str(),
        };
        self.fault(key, format!("must be {wanted}, not a {found}"));
        None
    }

    /// Reports a wrong value of a key that takes no secret. The fault repeats a number, unless the key looks like the
    /// name of a secret.
    fn wrong_here<T>(&mut self, key: &str, wanted: &str, found: &Value) -> Option<T> {
        match found {
            Value::Integer(number) if !looks_secret(key) => {
                self.fault(key, format!("must be {wanted}, not {number}"));
                None
            }
            other => self.wrong(key, wanted, other),
        }
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        // A key of TOML may be the empty text, which it writes as "".
        let key = if key.is_empty() { "\"\"" } else { key };
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn collect_texts(key: &str, value: &Value, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => texts.push((key.to_owned(), text.clone())),
        Value::Array(list) => list.iter().for_each(|value| collect_texts(key, value, texts)),
        Value::Table(table) => {
            table.iter().for_each(|(name, value)| collect_texts(&format!("{key}.{name}"), value, texts));
        }
        _ => {}
    }
}
