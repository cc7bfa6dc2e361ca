//! A project at work: its settings, apps and backends with the store, the queue and the clock that they use.

mod builder;
mod exposure;
mod settings;
mod turns;
mod unreadable;

pub use crate::limits::{FUNCTION_TIMEOUT, LONGEST_PHASE};
pub use settings::{BackendSettings, Respond, Settings, SettingsError};

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::Request;
use bytes::Bytes;
use jiff::Timestamp;

use crate::app::context::About;
use crate::backend::{Caller, CircuitBreaker, ErasedBackend, Transport};
use crate::consent::Consent;
use crate::model::message::BackendName;
use crate::queue::Queue;
use crate::router::Router;
use crate::settings::{MaySend, Secret};
use crate::store::{Store, StoreError};
use crate::util::clock::Clock;
use turns::Turns;

/// What a project needs of the world around it.
#[derive(Clone)]
pub struct Ports {
    /// Where connections are kept.
    pub store: Arc<dyn Store>,
    /// Where messages wait for the responder.
    pub queue: Arc<dyn Queue>,
    /// The way to the gateways.
    pub transport: Arc<dyn Transport>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// A project at work. One for a process; shared by all its requests.
pub struct Project {
    pub(crate) about: Arc<About>,
    pub(crate) consent: Consent,
    pub(crate) may_send: MaySend,
    pub(crate) router: Router,
    pub(crate) ports: Ports,
    backends: BTreeMap<BackendName, Installed>,
    opened: Mutex<HashSet<BackendName>>,
    /// Who processes which connection in this process.
    pub(crate) turns: Turns,
    /// The last due time of each scheduled job that is known to be started.
    started: Mutex<BTreeMap<String, Timestamp>>,
}

/// A configured backend in this process.
pub(crate) struct Installed {
    pub(crate) engine: &'static str,
    pub(crate) respond: Respond,
    pub(crate) replies_per_hour: Option<NonZeroU32>,
    pub(crate) backend: Arc<dyn ErasedBackend>,
    pub(crate) secrets: Arc<[Secret]>,
    pub(crate) guard: CircuitBreaker,
}

impl Project {
    /// Puts the parts together. Touches neither store nor queue.
    pub fn new(settings: Settings, router: Router, ports: Ports) -> Self {
        let install = |(name, settings): (BackendName, BackendSettings)| {
            let BackendSettings { engine, respond, replies_per_hour, backend } = settings;
            let (backend, secrets, guard) = (backend.0, backend.1, CircuitBreaker::default());
            (name, Installed { engine, respond, replies_per_hour, backend, secrets, guard })
        };
        Self {
            about: Arc::new(settings.about),
            consent: settings.consent,
            may_send: settings.may_send,
            router: router.phase_timeout(settings.phase_timeout),
            ports,
            backends: settings.backends.into_iter().map(install).collect(),
            opened: Mutex::default(),
            turns: Turns::default(),
            started: Mutex::default(),
        }
    }

    /// What apps may know of it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The configured backends with the name of their engine.
    pub fn backends(&self) -> impl Iterator<Item = (&BackendName, &'static str)> {
        self.backends.iter().map(|(name, installed)| (name, installed.engine))
    }

    /// When the messages of a backend are handled; `None` if there is no such backend.
    pub fn respond(&self, backend: &BackendName) -> Option<Respond> {
        self.backends.get(backend).map(|installed| installed.respond)
    }

    /// Whether a backend takes messages from anyone: it asks for no token and no signature.
    pub fn is_open(&self, backend: &BackendName) -> bool {
        let nameless = Request::new(Bytes::new());
        self.installed(backend)
            .is_some_and(|installed| installed.backend.authenticate(&nameless) == Caller::Anyone)
    }

    /// The backend's parts.
    pub(crate) fn installed(&self, backend: &BackendName) -> Option<&Installed> {
        self.backends.get(backend)
    }

    /// Makes sure that the backend has its record: once for a process.
    pub(crate) async fn open_backend(&self, backend: &BackendName) -> Result<(), StoreError> {
        if self.opened.lock().unwrap_or_else(PoisonError::into_inner).contains(backend) {
            return Ok(());
        }
        self.ports.store.open_backend(backend, self.ports.clock.now()).await?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(backend.clone());
        Ok(())
    }

    /// Whether this process knows that a job was started for this due time, so that it need not ask.
    pub(crate) fn is_started(&self, name: &str, due: Timestamp) -> bool {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.get(name).is_some_and(|started| *started >= due)
    }

    pub(crate) fn started(&self, name: &str, due: Timestamp) {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), due);
    }
}
