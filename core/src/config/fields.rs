//! Reads one table of the settings key by key, and gathers what is wrong instead of stopping at it.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};

use super::secret::{Place, Secret, Surroundings};
use crate::backend::Fault;

/// One table of the settings. Each getter takes its key out and reports what is wrong with the value; a key that
/// nobody took is a fault too, so that a typing error cannot pass for a default.
pub struct Fields<'a> {
    path: String,
    table: Table,
    asked: Vec<String>,
    surroundings: &'a Surroundings<'a>,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

/// The fewest characters of a token that its length does not give away to who tries them all.
const SHORTEST_TOKEN: usize = 16;

/// What a secret counts as that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Fault,
    Absent,
}

/// A value of a table whose keys are free: plain, or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param {
    /// It stands in the settings.
    Plain(String),
    /// It does not.
    Secret(Secret),
}

impl Param {
    /// The text, secret or not.
    pub fn reveal(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.reveal(),
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(path: &str, table: Table, surroundings: &'a Surroundings<'a>) -> Self {
        let (asked, faults, warnings) = (Vec::new(), Vec::new(), Vec::new());
        Self { path: path.to_owned(), table, asked, surroundings, faults, warnings }
    }

    /// The keys that were not taken yet.
    pub fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Whether a key is given, and was not taken yet.
    pub fn is_given(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text, if it is given.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => self.wrong(key, "a text in quotes", &other),
        }
    }

    /// A text that must be given, and not be empty. Empty, and a fault, if it is not.
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

    /// One of some words, if it is given.
    pub fn one_of(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let known = words.iter().find(|word| **word == text).copied();
        if known.is_none() {
            self.fault(key, format!("is one of {}, not {text:?}", words.join(", ")));
        }
        known
    }

    /// A whole number in a range, if it is given.
    pub fn number(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<i64> {
        match self.take(key)? {
            Value::Integer(number) if range.contains(&number) => Some(number),
            other => {
                self.wrong(key, &format!("a whole number from {} to {}", range.start(), range.end()), &other)
            }
        }
    }

    /// A whole number in a range, or a word that stands for none of them.
    pub fn word_or_number(&mut self, key: &str, word: &str, range: RangeInclusive<u8>) -> Option<u8> {
        match self.take(key)? {
            Value::String(text) if text == word => None,
            Value::Integer(number) if u8::try_from(number).is_ok_and(|number| range.contains(&number)) => {
                u8::try_from(number).ok()
            }
            other => {
                let wanted = format!("{word:?} or a whole number from {} to {}", range.start(), range.end());
                self.wrong(key, &wanted, &other)
            }
        }
    }

    /// A list of whole numbers in a range, if it is given.
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

    /// A list of texts, if it is given.
    pub fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match value.as_array().and_then(|list| list.iter().map(text).collect::<Option<Vec<_>>>()) {
            Some(texts) => Some(texts),
            None => self.wrong(key, "a list of texts in quotes", &value),
        }
    }

    /// One text, or a list of them, if it is given.
    pub fn text_or_texts(&mut self, key: &str) -> Option<Vec<String>> {
        match self.table.get(key) {
            Some(Value::String(_)) => Some(vec![self.text(key)?]),
            _ => self.texts(key),
        }
    }

    /// A list of texts that must be given, and not be empty. Empty, and a fault, if it is not.
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

    /// A number of seconds in a range, if it is given.
    pub fn seconds(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<Duration> {
        let seconds = self.number(key, range)?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// Yes or no, if it is given.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Boolean(flag) => Some(flag),
            other => self.wrong(key, "true or false", &other),
        }
    }

    /// A secret, if it is given: `{ secret = "NAME" }`, where `NAME` is looked up in the environment and in the
    /// deployed secret. `{ secret = "NAME", local = "…" }` says what to take in a local run that does not know
    /// it; an empty text stands for no secret. A text alone is accepted in local runs, with a warning.
    pub fn secret(&mut self, key: &str) -> Option<Secret> {
        let value = self.take(key)?;
        self.reveal(key, value, Unknown::Fault)
    }

    /// A secret that need not be there: as [`Fields::secret`], but one that nobody knows is no fault, wherever the
    /// program runs. For what only one function needs, so that the others start without it.
    pub fn known_secret(&mut self, key: &str) -> Option<Secret> {
        let value = self.take(key)?;
        self.reveal(key, value, Unknown::Absent)
    }

    /// Warns of a token that is guessed too soon: nothing counts wrong ones, since all of a gateway's messages bring one.
    /// Only where it is deployed.
    pub(crate) fn weigh_token(&mut self, key: &str, token: Option<&Secret>) {
        let is_short = token.is_some_and(|token| token.reveal().len() < SHORTEST_TOKEN);
        if is_short && self.place() == Place::Deployed {
            let advice = "nothing slows down who guesses. Take what `openssl rand -hex 24` prints";
            self.warn(key, format!("has fewer than {SHORTEST_TOKEN} characters, and {advice}"));
        }
    }

    /// A table with free keys; its values are texts, numbers or secrets.
    pub fn params(&mut self, key: &str) -> Vec<(String, Param)> {
        let table = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                self.wrong::<()>(key, "a table", &other);
                return Vec::new();
            }
        };
        let param = |(name, value): (String, Value)| {
            let path = format!("{key}.{name}");
            let param = match value {
                Value::String(text) => Param::Plain(text),
                Value::Integer(number) => Param::Plain(number.to_string()),
                Value::Table(_) => Param::Secret(self.reveal(&path, value, Unknown::Fault)?),
                other => return self.wrong(&path, "a text, a whole number or a secret", &other),
            };
            Some((name, param))
        };
        table.into_iter().filter_map(param).collect()
    }

    /// A table within this one, empty if it is not given. Give it back with [`Fields::absorb`].
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

    /// Takes over what is wrong with a table within this one.
    pub fn absorb(&mut self, inner: Fields<'a>) {
        let (faults, warnings) = inner.finish();
        self.faults.extend(faults);
        self.warnings.extend(warnings);
    }

    /// Reports what is wrong with a key.
    pub fn fault(&mut self, key: &str, problem: impl Into<String>) {
        self.faults.push(Fault::new(self.path_of(key), problem));
    }

    /// Reports what is wrong with the table itself.
    pub fn fault_here(&mut self, problem: impl Into<String>) {
        self.faults.push(Fault::new(self.path.clone(), problem));
    }

    /// Reports what is allowed but looks like a mistake.
    pub fn warn(&mut self, key: &str, problem: impl Into<String>) {
        self.warnings.push(Fault::new(self.path_of(key), problem));
    }

    /// Where the program runs.
    pub fn place(&self) -> Place {
        self.surroundings.place
    }

    /// Whether anything was wrong so far.
    pub fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Reports nothing about the keys that are left: nobody knows what they should be.
    pub(super) fn ignore_rest(&mut self) {
        self.table.clear();
    }

    /// What is wrong, and what looks wrong. Faults are in the order of their fields.
    pub(super) fn finish(mut self) -> (Vec<Fault>, Vec<Fault>) {
        for key in self.keys() {
            self.fault(&key, format!("is unknown here; known are {}", self.asked.join(", ")));
        }
        self.faults.sort_by(|a, b| a.field.cmp(&b.field));
        (self.faults, self.warnings)
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        if !self.asked.iter().any(|asked| asked == key) {
            self.asked.push(key.to_owned());
        }
        self.table.remove(key)
    }

    fn reveal(&mut self, key: &str, value: Value, unknown: Unknown) -> Option<Secret> {
        match value {
            Value::String(text) => match self.surroundings.place {
                Place::Local => {
                    self.warn(key, "stands in the settings: write { secret = \"NAME\" } before you deploy");
                    Some(Secret::new(text)).filter(|secret| !secret.reveal().is_empty())
                }
                Place::Deployed => {
                    self.fault(key, "stands in the settings: write { secret = \"NAME\" }");
                    None
                }
            },
            Value::Table(table) => {
                let mut fields = Fields::new(&self.path_of(key), table, self.surroundings);
                let secret = fields.referenced(unknown);
                self.absorb(fields);
                secret
            }
            other => self.wrong(key, "{ secret = \"NAME\" }", &other),
        }
    }

    fn referenced(&mut self, unknown: Unknown) -> Option<Secret> {
        let name = self.required_text("secret");
        let local = self.text("local");
        if let Some(text) = self.surroundings.secret(&name) {
            return Some(Secret::new(text));
        }
        match (self.surroundings.place, local) {
            (Place::Local, Some(text)) => Some(Secret::new(text)).filter(|s| !s.reveal().is_empty()),
            _ if name.is_empty() || unknown == Unknown::Absent => None,
            _ => {
                self.fault(
                    "secret",
                    format!("{name} is neither in the environment nor in the deployed secret"),
                );
                None
            }
        }
    }

    fn wrong<T>(&mut self, key: &str, wanted: &str, found: &Value) -> Option<T> {
        let found = match found {
            Value::Integer(number) => number.to_string(),
            other => format!("a {}", other.type_str()),
        };
        self.fault(key, format!("must be {wanted}, not {found}"));
        None
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
