//! The kannel backends of the settings, with the values that must match Kannel's own configuration.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use threadless::backend::Engines;
use threadless::project::Settings;
use threadless::settings::Surroundings;
use toml::{Table, Value};
use url::Url;

/// A text of the settings that may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// A text that is written in the settings.
    Plain(String),
    /// A secret: `{ secret = "NAME", local = "…" }`.
    Secret {
        /// The name of the secret.
        name: String,
        /// The value in the environment or in `THREADLESS_SECRETS`.
        deployed: Option<String>,
        /// The value for a local run that knows no other value.
        local: Option<String>,
    },
}

impl Known {
    /// Returns the value that a local run uses.
    pub(crate) fn here(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Secret { deployed, local, .. } => deployed.as_deref().or(local.as_deref()),
        }
    }

    fn read(value: &Value, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Plain(text.clone())),
            Value::Integer(number) => Some(Self::Plain(number.to_string())),
            Value::Table(table) => {
                let text = |key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
                let name = text("secret")?;
                Some(Self::Secret { deployed: lookup(&name), local: text("local"), name })
            }
            _ => None,
        }
    }
}

/// One kannel backend.
#[derive(Clone)]
pub(crate) struct Backend {
    /// The name of the backend, as in its URL.
    pub(crate) name: String,
    /// The URL at which this backend's Kannel takes messages.
    pub(crate) sendsms_url: Url,
    /// The parameters of each message, from the URL's query and from `sendsms_params`. If a name occurs twice, the
    /// first one counts.
    params: BTreeMap<String, Known>,
    /// The token that requests must carry, or `None` if they need none.
    pub(crate) token: Option<Known>,
    /// The token that the front before sendsms demands, or `None` if it demands none.
    pub(crate) sendsms_token: Option<Known>,
}

impl Backend {
    /// Returns a parameter of sendsms that has any of these names.
    pub(crate) fn param(&self, names: &[&str]) -> Option<&Known> {
        names.iter().find_map(|name| self.params.get(*name))
    }

    fn read(name: &str, table: &Table, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let sendsms_url = Url::parse(table.get("sendsms_url")?.as_str()?).ok()?;
        let mut params = BTreeMap::new();
        for (name, value) in sendsms_url.query_pairs() {
            params.entry(name.into_owned()).or_insert_with(|| Known::Plain(value.into_owned()));
        }
        for (name, value) in table.get("sendsms_params").and_then(Value::as_table).into_iter().flatten() {
            if let Some(known) = Known::read(value, lookup) {
                params.entry(name.clone()).or_insert(known);
            }
        }
        let token = |key: &str| {
            let token = table.get(key).and_then(|token| Known::read(token, lookup));
            // An empty text for local runs means that a local run needs no token. A deployed function demands the token
            // all the same.
            token.filter(|token| *token != Known::Plain(String::new()))
        };
        let (sendsms_token, token) = (token("sendsms_token"), token("token"));
        Some(Self { name: name.to_owned(), sendsms_url, params, token, sendsms_token })
    }
}

/// The settings that a command works with.
pub struct SettingsFile<'a> {
    /// Their text.
    pub text: &'a str,
    /// Their file, or `None` for the settings of the project itself.
    pub file: Option<&'a Path>,
    /// The kinds of gateway that they can name.
    pub engines: &'a Engines,
}

/// The backends of a project.
pub(crate) struct Backends {
    /// The kannel backends.
    pub(crate) kannels: Vec<Backend>,
    /// The engine of every backend, by name.
    pub(crate) engines: BTreeMap<String, String>,
}

impl Backends {
    /// Reads the settings, with the secrets of this machine. The error is one line.
    pub(crate) fn load(settings: &SettingsFile<'_>) -> Result<Self, String> {
        let secrets = env::var("THREADLESS_SECRETS").ok();
        let secrets: BTreeMap<String, String> = match secrets.filter(|secrets| !secrets.is_empty()) {
            Some(json) => serde_json::from_str(&json)
                .map_err(|_| "THREADLESS_SECRETS must be a JSON object whose values are strings")?,
            None => BTreeMap::new(),
        };
        let lookup = |name: &str| {
            let variable = env::var(name).ok().filter(|text| !text.is_empty());
            variable.or_else(|| secrets.get(name).cloned())
        };
        Self::read(settings.text, settings.engines, &lookup).map_err(|problem| match settings.file {
            Some(file) => format!("{}: {problem}", file.display()),
            None => problem,
        })
    }

    /// Reads settings. The error is one line with all their faults.
    pub(crate) fn read(
        text: &str,
        engines: &Engines,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        // This machine need not know the secrets, so the check of the settings uses a placeholder for each unknown
        // secret.
        let any = |name: &str| Some(lookup(name).unwrap_or_else(|| "unknown".to_owned()));
        let surroundings = Surroundings::new(threadless::settings::Place::Local, any);
        Settings::read(text, engines, &surroundings).map_err(|faults| faults.to_string())?;
        let table = text.parse::<Table>().map_err(|problem| problem.to_string())?;
        let mut backends = Self { kannels: Vec::new(), engines: BTreeMap::new() };
        for (name, backend) in table.get("backends").and_then(Value::as_table).into_iter().flatten() {
            let Some(backend) = backend.as_table() else { continue };
            let engine = backend.get("engine").and_then(Value::as_str).unwrap_or_default();
            backends.engines.insert(name.clone(), engine.to_owned());
            if engine == "kannel" {
                backends.kannels.extend(Backend::read(name, backend, lookup));
            }
        }
        Ok(backends)
    }
}
