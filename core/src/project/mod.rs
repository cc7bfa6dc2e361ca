//! A project that can run: its settings, apps and backends, together with its store, queue and clock.

mod builder;
mod exposure;
mod numbers;
mod settings;
pub(crate) mod turns;
mod unreadable;

pub use crate::limits::{FUNCTION_TIMEOUT, LONGEST_PHASE};
pub use numbers::{NeverSend, NumberRules};
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
use crate::metrics::Recorder;
use crate::model::message::BackendName;
use crate::queue::Queue;
use crate::router::Router;
use crate::settings::{MaySend, Secret};
use crate::store::{Store, StoreError};
use crate::util::clock::Clock;
use turns::Turns;

/// The parts of the outside world that a project needs.
///
/// ```
/// # #[cfg(feature = "client")] {
/// use std::sync::Arc;
///
/// use threadless::backend::HttpTransport;
/// use threadless::queue::MemoryQueue;
/// use threadless::store::MemoryStore;
/// use threadless::{Ports, SystemClock};
///
/// let queue = Arc::new(MemoryQueue::new(Arc::new(SystemClock)));
/// let transport = Arc::new(HttpTransport::new());
/// let ports = Ports::new(Arc::new(MemoryStore::new()), queue, transport, Arc::new(SystemClock));
/// # let _ = ports;
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// The store of the connections.
    pub store: Arc<dyn Store>,
    /// The queue in which messages wait for the Lambda function `responder`.
    pub queue: Arc<dyn Queue>,
    /// The transport to the gateways.
    pub transport: Arc<dyn Transport>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Ports {
    /// Creates the ports of a project.
    pub fn new(
        store: Arc<dyn Store>,
        queue: Arc<dyn Queue>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, queue, transport, clock }
    }
}

/// A project that can run. A process has one project, and all requests share it.
pub struct Project {
    pub(crate) about: Arc<About>,
    pub(crate) consent: Consent,
    pub(crate) may_send: MaySend,
    pub(crate) router: Router,
    pub(crate) ports: Ports,
    pub(crate) metrics: Recorder,
    backends: BTreeMap<BackendName, Installed>,
    opened: Mutex<HashSet<BackendName>>,
    /// The turns of the connections that this process works on.
    pub(crate) turns: Turns,
    /// For each scheduled job: the last due time for which this process knows that the job was started.
    started: Mutex<BTreeMap<String, Timestamp>>,
}

/// A configured backend in this process.
pub(crate) struct Installed {
    pub(crate) engine: &'static str,
    pub(crate) respond: Respond,
    pub(crate) replies_per_hour: Option<NonZeroU32>,
    pub(crate) numbers: NumberRules,
    pub(crate) backend: Arc<dyn ErasedBackend>,
    pub(crate) secrets: Arc<[Secret]>,
    pub(crate) breaker: CircuitBreaker,
}

impl Project {
    /// Makes a project from its parts. This uses neither the store nor the queue.
    pub fn new(settings: Settings, router: Router, ports: Ports) -> Self {
        let install = |(name, settings): (BackendName, BackendSettings)| {
            let BackendSettings { engine, respond, replies_per_hour, numbers, backend } = settings;
            let (backend, secrets, breaker) = (backend.0, backend.1, CircuitBreaker::default());
            (name, Installed { engine, respond, replies_per_hour, numbers, backend, secrets, breaker })
        };
        let metrics = Recorder::of(settings.backends.keys().cloned());
        Self {
            about: Arc::new(settings.about),
            consent: settings.consent,
            may_send: settings.may_send,
            router: router.phase_timeout(settings.phase_timeout),
            ports,
            metrics,
            backends: settings.backends.into_iter().map(install).collect(),
            opened: Mutex::default(),
            turns: Turns::default(),
            started: Mutex::default(),
        }
    }

    /// Returns the facts about the project that apps may know.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Returns the figures that this process records. The end of an invocation takes them out.
    pub fn metrics(&self) -> &Recorder {
        &self.metrics
    }

    /// Returns the configured backends, each with the name of its engine.
    pub fn backends(&self) -> impl Iterator<Item = (&BackendName, &'static str)> {
        self.backends.iter().map(|(name, installed)| (name, installed.engine))
    }

    /// Returns when the messages of a backend are processed; `None` if there is no such backend.
    pub fn respond(&self, backend: &BackendName) -> Option<Respond> {
        self.backends.get(backend).map(|installed| installed.respond)
    }

    /// Returns whether the circuit breaker of a backend is open: its gateway did not answer, and gets no message for a
    /// while.
    pub fn is_paused(&self, backend: &BackendName) -> bool {
        let now = self.ports.clock.now();
        self.installed(backend).is_some_and(|installed| installed.breaker.is_open(now))
    }

    /// Returns whether a backend accepts messages from anyone: it requires no token and no signature.
    pub fn is_open(&self, backend: &BackendName) -> bool {
        let nameless = Request::new(Bytes::new());
        self.installed(backend)
            .is_some_and(|installed| installed.backend.authenticate(&nameless) == Caller::Anyone)
    }

    /// Returns the parts of the backend.
    pub(crate) fn installed(&self, backend: &BackendName) -> Option<&Installed> {
        self.backends.get(backend)
    }

    /// Makes sure that the store has a record of the backend. This is done once in a process.
    pub(crate) async fn open_backend(&self, backend: &BackendName) -> Result<(), StoreError> {
        if self.opened.lock().unwrap_or_else(PoisonError::into_inner).contains(backend) {
            return Ok(());
        }
        self.ports.store.open_backend(backend, self.ports.clock.now()).await?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(backend.clone());
        Ok(())
    }

    /// Returns whether this process knows that a scheduled job was started for this due time. If so, it need not ask
    /// the store.
    pub(crate) fn is_started(&self, name: &str, due: Timestamp) -> bool {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.get(name).is_some_and(|started| *started >= due)
    }

    pub(crate) fn started(&self, name: &str, due: Timestamp) {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), due);
    }
}
