//! Reads values of the settings that are secrets or may be secrets.

use std::fmt;

use toml::Value;

use crate::settings::{Fields, Place, Secret, looks_secret};

/// The minimum length of a token, in characters. An attacker could find a shorter token by trying all possibilities.
const SHORTEST_TOKEN: usize = 16;

/// The treatment of a secret that is referred to but not found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Fault,
    Absent,
}

/// A value of a table with free keys: a plain text or a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Param {
    /// A text that is written in the settings.
    Plain(String),
    /// A secret that the settings refer to by name.
    Secret(Secret),
}

impl Param {
    /// Returns the text, secret or not.
    pub fn reveal(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.reveal(),
        }
    }
}

/// The output hides both kinds, because a plain text in the settings may also be a password.
impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::Secret(_) => "Secret(…)",
        })
    }
}

impl Fields<'_> {
    /// Takes a secret: `{ secret = "NAME" }`. Looks up `NAME` in the environment and in the deployed secret.
    /// `{ secret = "NAME", local = "…" }` also gives a text for a local run in which `NAME` is not found; an empty text
    /// means no secret. A local run also accepts a plain text, with a warning. `None` if the key is absent.
    pub fn secret(&mut self, key: &str) -> Option<Secret> {
        self.secret_or(key, Unknown::Fault)
    }

    /// Takes a secret that may be missing. It works like [`Fields::secret`], but a name that is not found is never a
    /// fault, neither in a local run nor in a deployment. Use it for a secret that only one Lambda function needs, so
    /// that the other functions start without the secret.
    pub fn known_secret(&mut self, key: &str) -> Option<Secret> {
        self.secret_or(key, Unknown::Absent)
    }

    /// Warns about a short token in a deployment. An attacker can try many tokens, because nothing counts wrong tokens:
    /// every message of a gateway brings a token.
    pub(crate) fn weigh_token(&mut self, key: &str, token: Option<&Secret>) {
        let is_short = token.is_some_and(|token| token.reveal().chars().count() < SHORTEST_TOKEN);
        if is_short && self.place() == Place::Deployed {
            let advice = "nothing limits wrong guesses. Use the output of `openssl rand -hex 24`";
            self.warn_of_value(key, format!("has fewer than {SHORTEST_TOKEN} characters, and {advice}"));
        }
    }

    /// Takes a text that must be present, or a secret in its place: `{ secret = "NAME" }`. `None` after a fault.
    pub fn required_text_or_secret(&mut self, key: &str) -> Option<Param> {
        if !self.is_table(key) {
            return Some(self.required_text(key)).filter(|text| !text.is_empty()).map(Param::Plain);
        }
        let value = self.take(key)?;
        let secret = self.reveal(key, value, Unknown::Fault);
        if secret.is_none() && !self.is_faulty_at(key) {
            self.fault(key, "is empty");
        }
        secret.map(Param::Secret)
    }

    /// Takes a table with free keys. Its values are texts, numbers or secrets.
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
        let params: Vec<(String, Param)> = table.into_iter().filter_map(param).collect();
        let plain =
            params.iter().filter(|(name, param)| looks_secret(name) && matches!(param, Param::Plain(_)));
        let plain: Vec<Secret> = plain.map(|(_, param)| Secret::new(param.reveal())).collect();
        self.secrets.revealed.extend(plain);
        params
    }

    /// Returns the keys that were read as secrets so far. For each key: whether the settings give it.
    pub(crate) fn secrets_asked(&self) -> &[(String, bool)] {
        &self.secrets.asked
    }

    fn secret_or(&mut self, key: &str, unknown: Unknown) -> Option<Secret> {
        let value = self.take(key);
        self.secrets.asked.push((key.to_owned(), value.is_some()));
        self.reveal(key, value?, unknown)
    }

    fn reveal(&mut self, key: &str, value: Value, unknown: Unknown) -> Option<Secret> {
        let secret = self.read_secret(key, value, unknown)?;
        self.secrets.revealed.push(secret.clone());
        Some(secret)
    }

    fn read_secret(&mut self, key: &str, value: Value, unknown: Unknown) -> Option<Secret> {
        match value {
            Value::String(text) => {
                match self.surroundings.place {
                    Place::Local => {
                        self.warn(key, "is written in the settings: write { secret = \"NAME\" } instead before you deploy");
                        Some(Secret::new(text)).filter(|secret| !secret.reveal().is_empty())
                    }
                    Place::Deployed => {
                        self.fault(key, "is written in the settings: write { secret = \"NAME\" } instead");
                        None
                    }
                }
            }
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
                let problem = if is_name(&name) {
                    format!("{name} is neither in the environment nor in the deployed secret")
                } else {
                    "is neither in the environment nor in the deployed secret, and does not look like a name: write \
                     the name of the secret here, not the secret itself"
                        .to_owned()
                };
                self.fault("secret", problem);
                None
            }
        }
    }
}

/// Returns whether a text looks like the name of a secret, and not like a secret itself: capital letters, with digits
/// only after an underscore.
fn is_name(text: &str) -> bool {
    let mut parts = text.split('_');
    let capitals = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase());
    let later = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    text.len() <= 64 && parts.next().is_some_and(capitals) && parts.all(later)
}
