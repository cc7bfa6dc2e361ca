//! Reads what is secret in a table of the settings, or may be.

use std::fmt;

use toml::Value;

use crate::settings::{Fields, Place, Secret, looks_secret};

/// The fewest characters of a token that its length does not give away to who tries them all.
const SHORTEST_TOKEN: usize = 16;

/// What a secret counts as that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Fault,
    Absent,
}

/// A value of a table whose keys are free: plain, or a secret.
#[derive(Clone, PartialEq, Eq)]
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

/// Hides both: what stands in the settings may be a password all the same.
impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::Secret(_) => "Secret(…)",
        })
    }
}

impl Fields<'_> {
    /// A secret, if it is given: `{ secret = "NAME" }`, where `NAME` is looked up in the environment and in the
    /// deployed secret. `{ secret = "NAME", local = "…" }` says what to take in a local run that does not know
    /// it; an empty text stands for no secret. A text alone is accepted in local runs, with a warning.
    pub fn secret(&mut self, key: &str) -> Option<Secret> {
        self.secret_or(key, Unknown::Fault)
    }

    /// A secret that need not be there: as [`Fields::secret`], but one that nobody knows is no fault, wherever the
    /// program runs. For what only one function needs, so that the others start without it.
    pub fn known_secret(&mut self, key: &str) -> Option<Secret> {
        self.secret_or(key, Unknown::Absent)
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
        let params: Vec<(String, Param)> = table.into_iter().filter_map(param).collect();
        let plain =
            params.iter().filter(|(name, param)| looks_secret(name) && matches!(param, Param::Plain(_)));
        let plain: Vec<Secret> = plain.map(|(_, param)| Secret::new(param.reveal())).collect();
        self.secrets.revealed.extend(plain);
        params
    }

    /// The keys that were asked for a secret so far, with whether the settings give them.
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
                let problem = if is_name(&name) {
                    format!("{name} is neither in the environment nor in the deployed secret")
                } else {
                    "is neither in the environment nor in the deployed secret, and does not look like a name: write \
                     the NAME of the secret here, not the secret"
                        .to_owned()
                };
                self.fault("secret", problem);
                None
            }
        }
    }
}

/// Whether a text looks like the name of a secret, and not like one: capitals, and digits only behind an underscore.
fn is_name(text: &str) -> bool {
    let mut parts = text.split('_');
    let capitals = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase());
    let later = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    text.len() <= 64 && parts.next().is_some_and(capitals) && parts.all(later)
}
