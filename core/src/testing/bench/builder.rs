//! The builder of a bench.

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
use crate::project::turns::Turns;
use crate::project::{BackendSettings, NumberRules, Ports, Project, Respond, Settings};
use crate::queue::MemoryQueue;
use crate::router::Router;
use crate::store::{MemoryStore, Store};
use crate::testing::clock::TestClock;
use crate::testing::faulty::{Faults, FaultyQueue, FaultyStore};
use crate::testing::gateway::{TestBackend, TestGateway};
use crate::text::number::Country;

/// The name of the backend of a bench if the test adds none.
const BACKEND: &str = "bench";

/// A builder for a [`Bench`].
pub struct BenchBuilder {
    router: Router,
    respond: Option<Respond>,
    replies_per_hour: Option<NonZeroU32>,
    country: Option<Country>,
    /// The store and the queue of another bench.
    kept: Option<(Arc<dyn Store>, Arc<MemoryQueue>)>,
    settings: Settings,
    /// The backends in the order in which the test added them.
    backends: Vec<BackendName>,
}

impl BenchBuilder {
    pub(super) fn of(router: Router) -> Self {
        let settings = Settings::named("Bench");
        let (respond, replies_per_hour, country, backends) = (None, None, None, Vec::new());
        Self { router, respond, replies_per_hour, country, kept: None, settings, backends }
    }

    /// Sets that the responder handles messages from the queue, and not inline.
    #[must_use]
    pub fn queued(mut self) -> Self {
        self.respond = Some(Respond::Queue);
        self
    }

    /// Sets that messages are handled before the gateway gets its answer, whatever the settings say.
    #[must_use]
    pub fn inline(mut self) -> Self {
        self.respond = Some(Respond::Inline);
        self
    }

    /// Adds a backend of this name that leads to the bench's gateway.
    ///
    /// # Panics
    /// Panics if `name` is invalid.
    #[must_use]
    pub fn backend(mut self, name: &str) -> Self {
        let name = name.parse().unwrap_or_else(|problem| panic!("{problem}"));
        let backend = AnyBackend::new(TestBackend(TestGateway::default()));
        let (engine, respond, replies_per_hour) = ("bench", Respond::Inline, None);
        let numbers = NumberRules::default();
        let made = BackendSettings { engine, respond, replies_per_hour, numbers, backend };
        self.add(name, made);
        self
    }

    /// Takes everything from settings: the name, the default response, the time limits, opting out, and backends of the
    /// same names. These backends lead to the bench's gateway, whatever their engine is. Settings replace everything
    /// that the test gave before.
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

    /// Makes one of the added backends the default backend.
    ///
    /// # Panics
    /// Panics if the bench has no such backend.
    #[must_use]
    pub fn default_backend(mut self, name: &str) -> Self {
        let Some(at) = self.backends.iter().position(|backend| backend.as_str() == name) else {
            panic!("the bench has no backend {name}")
        };
        self.backends.swap(0, at);
        self
    }

    /// Sets the project's name and its default response.
    #[must_use]
    pub fn about(mut self, name: &str, default_response: &str) -> Self {
        self.settings.about = About {
            name: name.to_owned(),
            default_response: default_response.to_owned(),
            ..self.settings.about
        };
        self
    }

    /// Adds a language that the project speaks, with the name that people use for it.
    ///
    /// # Panics
    /// Panics if `code` is invalid.
    #[must_use]
    pub fn language(mut self, code: &str, name: &str) -> Self {
        match code.parse() {
            Ok(language) => self.settings.about.languages.add(language, [name]),
            Err(problem) => panic!("{problem}"),
        }
        self
    }

    /// Sets the most replies to one connection in an hour. Without it, any number of replies may go out.
    #[must_use]
    pub fn replies_per_hour(mut self, limit: u32) -> Self {
        self.replies_per_hour = NonZeroU32::new(limit);
        self
    }

    /// Sets the country whose numbers people write without a country code, for each backend without a country.
    ///
    /// # Panics
    /// Panics if `code` is no country.
    #[must_use]
    pub fn country(mut self, code: &str) -> Self {
        self.country = Some(code.parse().unwrap_or_else(|problem| panic!("{problem}")));
        self
    }

    /// Uses the store and the queue of another bench, as a new version of a function does after a deployment. The planned
    /// faults of the other bench apply to them.
    #[must_use]
    pub fn deployed_over(mut self, other: &Bench) -> Self {
        self.kept = Some((Arc::clone(&other.project.ports.store), Arc::clone(&other.queue)));
        self
    }

    /// Sets the longest time for one phase.
    #[must_use]
    pub fn phase_timeout(mut self, limit: Duration) -> Self {
        self.settings.phase_timeout = limit;
        self
    }

    /// Builds the bench.
    ///
    /// # Panics
    /// Panics if an app is [faulty](Router::check). A Lambda function would not start in this case.
    pub fn build(mut self) -> Bench {
        if let Err(faulty) = self.router.check() {
            panic!("{faulty}");
        }
        if self.backends.is_empty() {
            self = self.backend(BACKEND);
        }
        let (gateway, clock, faults) = (TestGateway::default(), TestClock::default(), Faults::default());
        let new_store = || Arc::new(FaultyStore::new(MemoryStore::new(), faults.clone())) as Arc<dyn Store>;
        let new_queue = || Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        let (store, queue) = self.kept.take().unwrap_or_else(|| (new_store(), new_queue()));
        for backend in self.settings.backends.values_mut() {
            backend.engine = "bench";
            backend.numbers.country = backend.numbers.country.or(self.country);
            backend.respond = self.respond.unwrap_or(backend.respond);
            backend.replies_per_hour = self.replies_per_hour.or(backend.replies_per_hour);
            backend.backend = AnyBackend::new(TestBackend(gateway.clone()));
        }
        let ports = Ports {
            store,
            queue: Arc::new(FaultyQueue::new(Arc::clone(&queue), faults.clone())),
            transport: Arc::new(NoTransport),
            clock: Arc::new(clock.clone()),
        };
        let backend = self.backends.swap_remove(0);
        let mut project = Project::new(self.settings, self.router, ports);
        project.turns = Turns::off();
        let project = Arc::new(project);
        let (in_hand, touched) = (Mutex::default(), AtomicBool::new(false));
        let done = Mutex::default();
        Bench { project, gateway, clock, faults, queue, in_hand, done, backend, touched }
    }

    fn add(&mut self, name: BackendName, backend: BackendSettings) {
        self.backends.push(name.clone());
        self.settings.backends.insert(name, backend);
    }
}

/// A transport that always fails. The bench's backend needs no transport.
struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn fetch(&self, _request: Request<Bytes>, _limit: Duration) -> Result<Fetched, TransportError> {
        Err(TransportError::Unreached("there is no network on the bench".to_owned()))
    }
}
