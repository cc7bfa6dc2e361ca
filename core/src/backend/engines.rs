//! The kinds of gateway that `engine = "…"` in the settings can name.

use std::collections::BTreeMap;

use super::{AnyBackend, http, httptester, kannel};
use crate::settings::Fields;

/// Makes a backend out of its table in the settings, or reports to the [`Fields`] why it cannot.
pub type Engine = fn(&mut Fields<'_>) -> Option<AnyBackend>;

/// The kinds of gateway, by the name that the settings use.
#[derive(Clone)]
pub struct Engines(BTreeMap<&'static str, Engine>);

impl Default for Engines {
    fn default() -> Self {
        Self::standard()
    }
}

impl Engines {
    /// Those that come with the framework: `kannel`, `http` and `httptester`.
    pub fn standard() -> Self {
        Self(BTreeMap::new())
            .with("kannel", |fields| kannel::Kannel::from_fields(fields).map(AnyBackend::new))
            .with("http", |fields| http::HttpGateway::from_fields(fields).map(AnyBackend::new))
            .with("httptester", |fields| httptester::MessageTester::from_fields(fields).map(AnyBackend::new))
    }

    /// Adds one, or puts it in the place of another of that name.
    #[must_use]
    pub fn with(mut self, name: &'static str, engine: Engine) -> Self {
        self.0.insert(name, engine);
        self
    }

    /// The engine of this name.
    pub(crate) fn get(&self, name: &str) -> Option<(&'static str, Engine)> {
        self.0.get_key_value(name).map(|(name, engine)| (*name, *engine))
    }

    /// All names, in order.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}
