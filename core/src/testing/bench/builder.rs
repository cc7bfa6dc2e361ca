//! What a bench is to be, and how it is put together.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

use super::Bench;
use crate::app::context::About;
use crate::backend::{AnyBackend, Fetched, Transport, TransportError};
use crate::model::message::BackendName;
use crate::project::{BackendSettings, Ports, Project, Respond, Settings};
use crate::queue::MemoryQueue;
use crate::router::Router;
use crate::store::MemoryStore;
use crate::testing::clock::TestClock;
use crate::testing::faulty::{Faults, FaultyQueue, FaultyStore};
use crate::testing::gateway::{TestBackend, TestGateway};

/// The backend of a bench that was given none.
const BACKEND: &str = "bench";

/// How a [`Bench`] is to be.
pub struct BenchBuilder {
    router: Router,
    respond: Option<Respond>,
    replies_per_hour: Option<NonZeroU32>,
    settings: Settings,
    /// In the order in which they were given.
    backends: Vec<BackendName>,
}

impl BenchBuilder {
    pub(super) fn of(router: Router) -> Self {
        let settings = Settings::named("Bench");
        let (respond, replies_per_hour, backends) = (None, None, Vec::new());
        Self { router, respond, replies_per_hour, settings, backends }
    }

    /// Has messages handled by the responder, not inline.
    #[must_use]
    pub fn queued(mut self) -> Self {
        self.respond = Some(Respond::Queue);
        self
    }

    /// Has messages handled before the gateway gets its answer, whatever the settings say.
    #[must_use]
    pub fn inline(mut self) -> Self {
        self.respond = Some(Respond::Inline);
        self
    }

    /// Adds a backend of this name that leads to the bench's gateway.
    ///
    /// # Panics
    /// Where `name` is none.
    #[must_use]
    pub fn backend(mut self, name: &str) -> Self {
        let name = name.parse().unwrap_or_else(|problem| panic!("{problem}"));
        let backend = AnyBackend::new(TestBackend(TestGateway::default()));
        let (engine, respond, replies_per_hour) = ("bench", Respond::Inline, None);
        let made = BackendSettings { engine, respond, replies_per_hour, backend };
        self.add(name, made);
        self
    }

    /// Takes everything from settings: name, default response, time limits, opting out, and backends of the same
    /// names. They lead to the bench's gateway, whatever their engine. Replaces what was given before.
    #[must_use]
    pub fn settings(mut self, mut settings: Settings) -> Self {
        self.backends.clear();
        let backends = std::mem::take(&mut settings.backends);
        self.settings = settings;
        for (name, backend) in backends {
            self.add(name, backend);
        }
        self
    }

    /// Has this backend, of those that were given, be the one that is meant where none is named.
    ///
    /// # Panics
    /// Where it was not given.
    #[must_use]
    pub fn default_backend(mut self, name: &str) -> Self {
        let Some(at) = self.backends.iter().position(|backend| backend.as_str() == name) else {
            panic!("the bench has no backend {name}")
        };
        self.backends.swap(0, at);
        self
    }

    /// Sets the project's name and default response.
    #[must_use]
    pub fn about(mut self, name: &str, default_response: &str) -> Self {
        self.settings.about = About {
            name: name.to_owned(),
            default_response: default_response.to_owned(),
            ..self.settings.about
        };
        self
    }

    /// Adds a language that the project speaks, with the name that people call it by.
    ///
    /// # Panics
    /// Where `code` is none.
    #[must_use]
    pub fn language(mut self, code: &str, name: &str) -> Self {
        match code.parse() {
            Ok(language) => self.settings.about.languages.add(language, [name]),
            Err(problem) => panic!("{problem}"),
        }
        self
    }

    /// Sets the most replies to one connection in an hour; without this there may be any number.
    #[must_use]
    pub fn replies_per_hour(mut self, limit: u32) -> Self {
        self.replies_per_hour = NonZeroU32::new(limit);
        self
    }

    /// Sets how long one phase may take.
    #[must_use]
    pub fn phase_timeout(mut self, limit: Duration) -> Self {
        self.settings.phase_timeout = limit;
        self
    }

    /// Puts it together.
    ///
    /// # Panics
    /// Where an app is [not put together rightly](Router::check), as a function would not start then.
    pub fn build(mut self) -> Bench {
        if let Err(faulty) = self.router.check() {
            panic!("{faulty}");
        }
        if self.backends.is_empty() {
            self = self.backend(BACKEND);
        }
        let (gateway, clock, faults) = (TestGateway::default(), TestClock::default(), Faults::default());
        let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        for backend in self.settings.backends.values_mut() {
            backend.engine = "bench";
            backend.respond = self.respond.unwrap_or(backend.respond);
            backend.replies_per_hour = self.replies_per_hour.or(backend.replies_per_hour);
            backend.backend = AnyBackend::new(TestBackend(gateway.clone()));
        }
        let ports = Ports {
            store: Arc::new(FaultyStore::new(MemoryStore::new(), faults.clone())),
            queue: Arc::new(FaultyQueue::new(Arc::clone(&queue), faults.clone())),
            transport: Arc::new(NoTransport),
            clock: Arc::new(clock.clone()),
        };
        let backend = self.backends.swap_remove(0);
        let project = Arc::new(Project::new(self.settings, self.router, ports));
        let (in_hand, touched) = (Mutex::default(), AtomicBool::new(false));
        let done = Mutex::default();
        Bench { project, gateway, clock, faults, queue, in_hand, done, backend, touched }
    }

    fn add(&mut self, name: BackendName, backend: BackendSettings) {
        self.backends.push(name.clone());
        self.settings.backends.insert(name, backend);
    }
}

/// The bench's backend needs none.
struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn fetch(&self, _request: Request<Bytes>, _limit: Duration) -> Result<Fetched, TransportError> {
        Err(TransportError::Unreached("there is no network on the bench".to_owned()))
    }
}
