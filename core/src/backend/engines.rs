//! The kinds of gateway that `engine = "…"` in the settings can name.

use std::collections::BTreeMap;

use super::{AnyBackend, http, httptester, kannel};
use crate::settings::Fields;

/// A function that makes a backend from its table in the settings. If it cannot, it reports the reason to the
/// [`Fields`].
pub type Engine = fn(&mut Fields<'_>) -> Option<AnyBackend>;

/// The kinds of gateway, by the names that the settings use.
#[derive(Clone)]
pub struct Engines(BTreeMap<&'static str, Engine>);

impl Default for Engines {
    fn default() -> Self {
        Self::standard()
    }
}

impl Engines {
    /// Returns the engines of the framework: `kannel`, `http` and `httptester`.
    pub fn standard() -> Self {
        Self(BTreeMap::new())
            .with("kannel", |fields| kannel::Kannel::from_fields(fields).map(AnyBackend::new))
            .with("http", |fields| http::HttpGateway::from_fields(fields).map(AnyBackend::new))
            .with("httptester", |fields| httptester::MessageTester::from_fields(fields).map(AnyBackend::new))
    }

    /// Adds an engine. It replaces any engine of the same name.
    #[must_use]
    pub fn with(mut self, name: &'static str, engine: Engine) -> Self {
        self.0.insert(name, engine);
        self
    }

    /// Returns the engine of this name.
    pub(crate) fn get(&self, name: &str) -> Option<(&'static str, Engine)> {
        self.0.get_key_value(name).map(|(name, engine)| (*name, *engine))
    }

    /// Returns all names, in alphabetical order.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}
