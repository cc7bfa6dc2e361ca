//! The backends of the settings, seen from the other side: the side of the gateway.

use std::collections::BTreeMap;

use threadless::text::number::{self, Country};
use threadless::{BackendName, ConnectionId};
use toml::{Table, Value};

use super::ScriptError;
use crate::gateway::{self, GatewayRequest};

/// The kinds of backends through which transcripts can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Engine {
    /// Messages come in by a get-url; replies go out by sendsms.
    Kannel,
    /// Messages come in by a form; replies go out to `outgoing_url`.
    Http,
    /// Messages come in by a form; replies must be polled.
    Tester,
}

/// The table of one backend in the settings.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) engine: Engine,
    country: Option<Country>,
    table: Table,
}

/// The backends of the settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Backends(BTreeMap<BackendName, Known>);

impl Backends {
    /// Reads the backends through which transcripts can be played.
    pub(super) fn of(settings: &Table) -> Self {
        let tables = settings.get("backends").and_then(Value::as_table).into_iter().flatten();
        let of_project = settings.get("project").and_then(|project| project.get("country"));
        let known = tables.filter_map(|(name, table)| {
            let table = table.as_table()?.clone();
            let engine = match table.get("engine").and_then(Value::as_str)? {
                "kannel" => Engine::Kannel,
                "http" => Engine::Http,
                "httptester" => Engine::Tester,
                _ => return None,
            };
            let country = table.get("country").or(of_project).and_then(Value::as_str);
            let country = country.and_then(|country| country.parse().ok());
            Some((name.parse().ok()?, Known { engine, country, table }))
        });
        Self(known.collect())
    }

    pub(super) fn get(&self, name: &BackendName) -> Result<&Known, ScriptError> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.0.keys().map(BackendName::as_str).collect();
            ScriptError::new(format!(
                "the settings have no backend {name} of the engines kannel, http and httptester: they have {}",
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            ))
        })
    }

    /// Returns the default backend, for lines that name none.
    pub(super) fn default_of(&self, first: &[Engine]) -> Result<BackendName, ScriptError> {
        let place = |engine: Engine| first.iter().position(|wanted| *wanted == engine);
        let found = self.0.iter().min_by_key(|(_, known)| place(known.engine));
        let found = found.ok_or_else(|| {
            ScriptError::new("the settings have no backend of the engines kannel, http and httptester")
        });
        found.map(|(name, _)| name.clone())
    }

    /// Returns a connection in its normal form. The settings decide whether `0711000222` is `+254711000222`.
    pub(super) fn normal(&self, connection: ConnectionId) -> ConnectionId {
        let country = self.0.get(&connection.backend).and_then(|known| known.country);
        let number = number::normal(connection.identity.as_str(), country).ok();
        match number.and_then(|number| number.as_str().parse().ok()) {
            Some(identity) => ConnectionId::new(connection.backend, identity),
            None => connection,
        }
    }

    /// Reads a request to the gateway: the backend that sent it, the recipient and the text.
    pub(super) fn read(&self, taken: &GatewayRequest) -> Option<(BackendName, String, String)> {
        self.0.iter().find_map(|(name, known)| {
            let (to, text) = known.message(taken)?;
            Some((name.clone(), to, text))
        })
    }
}

impl Known {
    /// Returns a text of the backend's table.
    pub(super) fn text<'a>(&'a self, key: &str, otherwise: &'a str) -> &'a str {
        self.table.get(key).and_then(Value::as_str).unwrap_or(otherwise)
    }

    /// Returns a secret of the backend's table: its plain text, the value in the environment, or the value for one's
    /// own machine.
    pub(super) fn secret(&self, key: &str) -> Option<String> {
        let text = match self.table.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Table(table) => {
                let text_of = |key: &str| table.get(key).and_then(Value::as_str);
                let named = text_of("secret").and_then(|name| std::env::var(name).ok());
                named.filter(|text| !text.is_empty()).or_else(|| text_of("local").map(str::to_owned))
            }
            _ => None,
        };
        text.filter(|text| !text.is_empty())
    }

    /// Returns whether the backend's table has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns the URL to which the backend sends messages.
    pub(super) fn gateway_url(&self) -> &str {
        self.text(if self.engine == Engine::Kannel { "sendsms_url" } else { "outgoing_url" }, "")
    }

    /// Reads the recipient and the text of a request to the gateway, if the request is from this backend.
    fn message(&self, taken: &GatewayRequest) -> Option<(String, String)> {
        let url = url::Url::parse(self.gateway_url()).ok()?;
        match self.engine {
            Engine::Kannel if url.path() == taken.path && self.has_params(&taken.query) => {
                Some(gateway::message(&taken.query))
            }
            Engine::Http if self.text("outgoing_method", "GET") == "json" && url.path() == taken.path => {
                let body: serde_json::Value = serde_json::from_str(&taken.body).ok()?;
                let text = |name: &str| body[name].as_str().map(str::to_owned);
                Some((
                    text(self.text("outgoing_identity", "identity"))?,
                    text(self.text("outgoing_text", "text"))?,
                ))
            }
            _ => None,
        }
    }

    /// Returns whether a query has all fixed parameters of this backend that are not secrets.
    fn has_params(&self, query: &str) -> bool {
        let params = self.table.get("sendsms_params").and_then(Value::as_table).into_iter().flatten();
        params
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?)))
            .all(|(name, value)| gateway::field(query, name).is_some_and(|found| found == value.as_bytes()))
    }
}

/// Returns the default backend for a transcript's own stack: a kannel backend if there is one.
///
/// # Errors
/// Fails if the settings cannot be read, or have no backend through which a transcript can be played.
pub fn default_backend(settings: &str) -> Result<BackendName, ScriptError> {
    let table: Table = settings.parse().map_err(|problem| ScriptError::of_settings(&problem))?;
    Backends::of(&table).default_of(&[Engine::Kannel, Engine::Http, Engine::Tester])
}

/// Changes the settings for a stack that one transcript uses alone. The backends send to a gateway on this port, each
/// to a path of its own, and demand no secret.
pub(super) fn redirected(mut settings: Table, port: u16) -> Table {
    let tables = settings.get_mut("backends").and_then(Value::as_table_mut);
    for (name, table) in tables.into_iter().flatten() {
        let Some(table) = table.as_table_mut() else { continue };
        let gateway = |table: &mut Table, key: &str| {
            table.insert(key.to_owned(), format!("http://127.0.0.1:{port}/{name}/").into());
        };
        let without = |table: &mut Table, keys: &[&str]| {
            for key in keys {
                table.remove(*key);
            }
        };
        match table.get("engine").and_then(Value::as_str) {
            Some("kannel") => {
                without(table, &["token"]);
                let params = [("username", "script"), ("password", "script")];
                let params: Table =
                    params.map(|(name, text)| (name.to_owned(), text.into())).into_iter().collect();
                table.insert("sendsms_params".to_owned(), params.into());
                gateway(table, "sendsms_url");
            }
            Some("http") => {
                without(table, &["token", "signature_secret", "headers", "expected_statuses"]);
                gateway(table, "outgoing_url");
                table.insert("outgoing_method".to_owned(), "json".into());
            }
            Some("httptester") => without(table, &["token", "password"]),
            _ => {}
        }
    }
    settings
}
