//! A project with everything in memory.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use super::clock::TestClock;
use super::faulty::{Faults, FaultyQueue, FaultyStore};
use super::gateway::{TestBackend, TestGateway};
use crate::backend::{AnyBackend, Fetched, Received, Reference, Reported, Transport, TransportError};
use crate::broadcast::{BroadcastError, Order, Taken, broadcast};
use crate::clock::{Clock as _, Deadline};
use crate::config::{BackendSettings, Respond, Settings};
use crate::contact::Contact;
use crate::context::About;
use crate::endpoint;
use crate::incoming::{Accepted, IncomingError, incoming};
use crate::message::{BackendName, ConnectionId, Fate, MessageId, Notice, Outgoing};
use crate::project::{Ports, Project};
use crate::queue::{MemoryQueue, Queue, QueueError, Ticket};
use crate::report::report;
use crate::responder::{Failure, Record, respond};
use crate::router::Router;
use crate::session::Session;
use crate::store::{MemoryStore, Moved, Outbox, Row, Store, Unusable};
use crate::sweep::sweep;

/// The backend of a bench that was given none.
const BACKEND: &str = "bench";

/// A project with everything in memory: apps, backends, one gateway behind them that does as it is told.
///
/// It has one backend, `bench`, unless it is given others. Where a method asks for a number alone, the first one
/// that it was given is meant.
pub struct Bench {
    /// The project.
    pub project: Arc<Project>,
    /// Its gateway.
    pub gateway: TestGateway,
    /// Its clock.
    pub clock: TestClock,
    /// What its store and its queue do wrong: calls of both are counted together.
    pub faults: Faults,
    queue: Arc<MemoryQueue>,
    /// The jobs that were taken from the queue and are not done.
    in_hand: Mutex<Vec<Ticket>>,
    /// Those that are.
    done: Mutex<Vec<Ticket>>,
    backend: BackendName,
    /// Whether anything has come in.
    touched: AtomicBool,
}

/// How a [`Bench`] is to be.
pub struct BenchBuilder {
    router: Router,
    respond: Option<Respond>,
    replies_per_hour: Option<NonZeroU32>,
    settings: Settings,
    /// In the order in which they were given.
    backends: Vec<BackendName>,
    queue: bool,
}

impl BenchBuilder {
    /// Takes the queue away.
    #[must_use]
    pub fn without_queue(mut self) -> Self {
        self.queue = false;
        self
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
        let made =
            BackendSettings { engine: "bench", respond: Respond::Inline, replies_per_hour: None, backend };
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
            queue: self
                .queue
                .then(|| Arc::new(FaultyQueue::new(Arc::clone(&queue), faults.clone())) as Arc<dyn Queue>),
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

impl Bench {
    /// A bench with these apps that handles messages inline.
    pub fn new(router: Router) -> Self {
        Self::with(router).build()
    }

    /// A bench with these apps, to be shaped further.
    pub fn with(router: Router) -> BenchBuilder {
        let settings = Settings::named("Bench");
        let (respond, replies_per_hour, backends) = (None, None, Vec::new());
        BenchBuilder { router, respond, replies_per_hour, settings, backends, queue: true }
    }

    /// The backend that is meant where none is named.
    pub fn default_backend(&self) -> &BackendName {
        &self.backend
    }

    /// The connection of a sender at the default backend.
    ///
    /// # Panics
    /// Where `identity` is none.
    pub fn connection(&self, identity: &str) -> ConnectionId {
        self.connection_at(self.backend.as_str(), identity)
    }

    /// The connection of a sender at a backend, which need not be one of the bench's.
    ///
    /// # Panics
    /// Where `backend` or `identity` is none.
    pub fn connection_at(&self, backend: &str, identity: &str) -> ConnectionId {
        let backend = backend.parse().unwrap_or_else(|problem| panic!("{problem}"));
        let identity = identity.parse().unwrap_or_else(|problem| panic!("{identity:?}: {problem}"));
        ConnectionId::new(backend, identity)
    }

    /// Has a message come in, as the gateway would hand it over.
    pub async fn receive(
        &self,
        from: &str,
        text: &str,
        gateway_id: Option<&str>,
    ) -> Result<Accepted, IncomingError> {
        self.receive_at(&self.connection(from), text, gateway_id).await
    }

    /// Has a message come in from any connection.
    pub async fn receive_at(
        &self,
        from: &ConnectionId,
        text: &str,
        gateway_id: Option<&str>,
    ) -> Result<Accepted, IncomingError> {
        self.touched.store(true, Ordering::Relaxed);
        let received = Received {
            identity: from.identity.clone(),
            text: text.to_owned(),
            gateway_id: gateway_id.map(str::to_owned),
            received_at: None,
            recipient: None,
            raw: None,
            details: BTreeMap::new(),
        };
        incoming(&self.project, &from.backend, received, Deadline::within(Duration::from_secs(29))).await
    }

    /// Has a message sent to someone that nobody asked for, once for each `id`. It goes out when the queue is
    /// [worked off](Bench::work_off).
    pub async fn notify(&self, to: &str, text: &str, id: &str) -> Result<(), QueueError> {
        self.notify_by(&[self.connection(to)], text, id).await
    }

    /// The same by the first of several ways that does not refuse it for good.
    ///
    /// # Panics
    /// Without any way.
    pub async fn notify_by(&self, ways: &[ConnectionId], text: &str, id: &str) -> Result<(), QueueError> {
        self.touched.store(true, Ordering::Relaxed);
        let [first, otherwise @ ..] = ways else { panic!("no way to send {text:?}") };
        let notice = Notice {
            id: MessageId::from(id),
            connection: first.clone(),
            text: text.to_owned(),
            created_at: self.clock.now(),
            otherwise: otherwise.to_vec(),
        };
        self.project.enqueue(Ticket::notice(notice)).await
    }

    /// Has the gateway report what became of a message that it [took](TestGateway::taken); `None`: it is on its way. Apps
    /// learn of it when the queue is [worked off](Bench::work_off).
    pub async fn report(&self, message: &Outgoing, fate: Option<Fate>) -> Result<Moved, IncomingError> {
        let reference = Reference::of(message);
        let reported = Reported { reference, fate, detail: None, reported_at: None };
        report(&self.project, reported, Deadline::within(Duration::from_secs(29))).await
    }

    /// Has a text sent to senders at the default backend, once for each `key`. It goes out when the queue is
    /// [worked off](Bench::work_off).
    ///
    /// # Panics
    /// Where `key` or a number is none.
    pub async fn broadcast(&self, key: &str, text: &str, numbers: &[&str]) -> Result<Taken, BroadcastError> {
        self.touched.store(true, Ordering::Relaxed);
        let key = key.parse().unwrap_or_else(|problem| panic!("{problem}"));
        let recipients = numbers.iter().map(|number| self.connection(number).into()).collect();
        broadcast(&self.project, &Order { key, text: text.to_owned(), recipients }).await
    }

    /// Answers one HTTP request to the function `send`.
    pub async fn request_send(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.touched.store(true, Ordering::Relaxed);
        crate::broadcast::endpoint::serve(&self.project, request).await
    }

    /// Answers one HTTP request to a backend of the bench: the default one is at `/backend/bench/`.
    pub async fn request(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.touched.store(true, Ordering::Relaxed);
        endpoint::serve(&self.project, "bench", request, Deadline::within(Duration::from_secs(29))).await
    }

    fn in_hand(&self) -> MutexGuard<'_, Vec<Ticket>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works off the queue until it is empty, and says what failed. What did, or was cut off, comes again with the
    /// next of the [`Bench::minutes`].
    pub async fn work_off(&self) -> Vec<Failure> {
        let mut failures = Vec::new();
        while let Some(ticket) = self.queue.take() {
            self.in_hand().push(ticket.clone());
            let failed = self.hand_out(&ticket, 1).await;
            if failed.is_empty() {
                self.in_hand().retain(|other| *other != ticket);
                self.done.lock().unwrap_or_else(PoisonError::into_inner).push(ticket);
            }
            failures.extend(failed);
        }
        failures
    }

    /// How many jobs are on the queue.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.in_hand().len()
    }

    /// Hands out once more all that was done, as a queue may at any time, and says what failed.
    pub async fn hand_out_again(&self) -> Vec<Failure> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut failures = Vec::new();
        for ticket in &done {
            failures.extend(self.hand_out(ticket, 2).await);
        }
        failures
    }

    async fn hand_out(&self, ticket: &Ticket, receive_count: u32) -> Vec<Failure> {
        let record = Record {
            id: ticket.dedupe_id.clone(),
            group: Some(ticket.group.clone()),
            body: ticket.job.to_json(),
            receive_count,
        };
        respond(&self.project, vec![record], Deadline::within(Duration::from_secs(30))).await
    }

    /// Whether a job failed, which comes again with the next tick.
    pub(super) fn has_failed_jobs(&self) -> bool {
        !self.in_hand().is_empty()
    }

    /// What the next minutes bring: what is not done on the queue, sweeps, and the deliveries that they ask for.
    pub async fn minutes(&self, count: u32) {
        for _ in 0..count {
            self.clock.advance(Duration::from_secs(60));
            self.tick().await;
        }
    }

    /// Runs what is scheduled, once, and works off what that enqueues, behind what is not done on the queue. The clock
    /// does not move.
    pub async fn tick(&self) {
        while let Some(ticket) = { self.in_hand().pop() } {
            self.queue.put_back(ticket);
        }
        let _ = sweep(&self.project).await;
        self.work_off().await;
    }

    /// Whether nothing has come in yet.
    pub(super) fn is_untouched(&self) -> bool {
        !self.touched.load(Ordering::Relaxed)
    }

    /// What is remembered of a sender.
    pub async fn session(&self, identity: &str) -> Session {
        self.loaded(identity).await.0
    }

    /// Who is behind a sender.
    pub async fn contact(&self, identity: &str) -> Option<Contact> {
        self.project.ports.store.contact_of(&self.connection(identity)).await.unwrap_or_default()
    }

    /// What waits for a sender.
    pub async fn outbox(&self, identity: &str) -> Outbox {
        self.loaded(identity).await.1
    }

    /// A sender's history, the newest first.
    pub async fn history(&self, identity: &str) -> Vec<Row> {
        self.history_of(&self.connection(identity)).await
    }

    /// The same, of a sender at any backend.
    pub async fn history_of(&self, connection: &ConnectionId) -> Vec<Row> {
        let store: &dyn Store = self.project.ports.store.as_ref();
        store.history(connection, self.clock.now(), usize::MAX).await.unwrap_or_default()
    }

    /// What came from the gateway of the default backend and could not be used, the newest first.
    pub async fn unusable(&self) -> Vec<Unusable> {
        let store: &dyn Store = self.project.ports.store.as_ref();
        store.unusable(&self.backend, self.clock.now(), usize::MAX).await.unwrap_or_default()
    }

    async fn loaded(&self, identity: &str) -> (Session, Outbox) {
        let (connection, message) = (self.connection(identity), MessageId::random());
        match self.project.ports.store.load(&connection, &message, self.clock.now()).await {
            Ok(loaded) => (loaded.record.session, loaded.record.outbox),
            Err(_) => Default::default(),
        }
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
