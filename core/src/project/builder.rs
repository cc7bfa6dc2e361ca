//! Builds settings in code.

use std::collections::BTreeMap;

use super::{BackendSettings, NumberRules, Respond, Settings};
use crate::app::context::About;
use crate::backend::AnyBackend;
use crate::consent::Consent;
use crate::model::message::BackendName;
use crate::router::Router;
use crate::settings::MaySend;

impl Settings {
    /// Makes settings with only this name: no backends, no default response, the default opt-out, and broadcasts that
    /// anyone may send.
    pub fn named(name: &str) -> Self {
        Self {
            about: About { name: name.to_owned(), ..About::default() },
            country: None,
            phase_timeout: Router::PHASE_TIMEOUT,
            consent: Consent::default(),
            may_send: MaySend::Open,
            backends: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Adds a backend that answers inline. This does not check the [exposure](crate::backend::Backend::exposure) of the
    /// backend; only settings for a deployment need this check.
    #[must_use]
    pub fn with_backend(mut self, name: BackendName, backend: AnyBackend) -> Self {
        let replies_per_hour = backend.0.replies_per_hour();
        let (engine, respond) = ("by hand", Respond::Inline);
        let numbers = NumberRules { country: self.country, ..NumberRules::default() };
        let made = BackendSettings { engine, respond, replies_per_hour, numbers, backend };
        self.backends.insert(name, made);
        self
    }
}
