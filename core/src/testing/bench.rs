//! A project with everything in memory.

mod builder;

pub use builder::BenchBuilder;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use super::clock::TestClock;
use super::faulty::Faults;
use super::gateway::TestGateway;
use crate::backend::{Received, Reference, Reported};
use crate::broadcast::{Acceptance, BroadcastError, Order, broadcast};
use crate::endpoint;
use crate::model::contact::Contact;
use crate::model::message::{BackendName, ConnectionId, FinalStatus, MessageId, Notice, Outgoing};
use crate::model::session::Session;
use crate::pipeline::accept::{Accepted, incoming};
use crate::pipeline::errors::IncomingError;
use crate::pipeline::status::report;
use crate::project::Project;
use crate::queue::{MemoryQueue, QueueError, Ticket};
use crate::router::Router;
use crate::store::{Advanced, HistoryRow, Outbox, Store, Unusable};
use crate::util::clock::{Clock as _, Deadline};
use crate::worker::tick::tick;
use crate::worker::{Failure, Record, respond};

/// A project with everything in memory: apps, backends, and one gateway with scripted behaviour behind all backends.
///
/// The bench has one backend, `bench`, unless the test adds others. A method that takes only a number uses the default
/// backend: the first backend that the test added.
pub struct Bench {
    /// The project.
    pub project: Arc<Project>,
    /// The gateway of the bench.
    pub gateway: TestGateway,
    /// The clock of the bench.
    pub clock: TestClock,
    /// The planned faults of the store and of the queue. The calls of both are counted together.
    pub faults: Faults,
    queue: Arc<MemoryQueue>,
    /// The jobs that were taken from the queue and are not done.
    in_hand: Mutex<Vec<Ticket>>,
    /// The jobs that are done.
    done: Mutex<Vec<Ticket>>,
    backend: BackendName,
    /// Whether anything has come in yet.
    touched: AtomicBool,
}

impl Bench {
    /// Creates a bench with these apps. It handles messages inline.
    pub fn new(router: Router) -> Self {
        Self::with(router).build()
    }

    /// Starts to build a bench with these apps. The builder can change it further.
    pub fn with(router: Router) -> BenchBuilder {
        BenchBuilder::of(router)
    }

    /// Returns the default backend: a method that names no backend uses it.
    pub fn default_backend(&self) -> &BackendName {
        &self.backend
    }

    /// Returns the connection of a sender at the default backend.
    ///
    /// # Panics
    /// Panics if `identity` is invalid.
    pub fn connection(&self, identity: &str) -> ConnectionId {
        self.connection_at(self.backend.as_str(), identity)
    }

    /// Returns the connection of a sender at any backend, even a backend that the bench does not have. The identity is in
    /// its normal form, however the test writes it.
    ///
    /// # Panics
    /// Panics if `backend` or `identity` is invalid.
    pub fn connection_at(&self, backend: &str, identity: &str) -> ConnectionId {
        let backend = backend.parse().unwrap_or_else(|problem| panic!("{problem}"));
        let identity = identity.parse().unwrap_or_else(|problem| panic!("{identity:?}: {problem}"));
        self.project.normal(&ConnectionId::new(backend, identity))
    }

    /// Returns the connection of a sender at the default backend, with the identity as the test writes it.
    fn written(&self, identity: &str) -> ConnectionId {
        let identity = identity.parse().unwrap_or_else(|problem| panic!("{identity:?}: {problem}"));
        ConnectionId::new(self.backend.clone(), identity)
    }

    /// Receives a message from a sender at the default backend, as from the gateway.
    pub async fn receive(
        &self,
        from: &str,
        text: &str,
        gateway_id: Option<&str>,
    ) -> Result<Accepted, IncomingError> {
        self.receive_at(&self.written(from), text, gateway_id).await
    }

    /// Receives a message from any connection.
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

    /// Enqueues a message that answers no other message. The message goes out once for each `id`, when the queue is
    /// [worked off](Bench::work_off).
    pub async fn notify(&self, to: &str, text: &str, id: &str) -> Result<(), QueueError> {
        self.notify_by(&[self.written(to)], text, id).await
    }

    /// Does the same with several connections: the message goes to the first one that does not refuse it for good.
    ///
    /// # Panics
    /// Panics if `connections` is empty.
    pub async fn notify_by(
        &self,
        connections: &[ConnectionId],
        text: &str,
        id: &str,
    ) -> Result<(), QueueError> {
        self.touched.store(true, Ordering::Relaxed);
        let [first, otherwise @ ..] = connections else { panic!("no connection to send {text:?} to") };
        let notice = Notice {
            id: MessageId::from(id),
            connection: first.clone(),
            text: text.to_owned(),
            created_at: self.clock.now(),
            otherwise: otherwise.to_vec(),
        };
        self.project.ports.queue.enqueue(Ticket::notice(notice)).await
    }

    /// Reports the final status of a message that the gateway [took](TestGateway::taken). `None` reports that the
    /// message is on its way. Apps learn of the report when the queue is [worked off](Bench::work_off).
    pub async fn report(
        &self,
        message: &Outgoing,
        final_status: Option<FinalStatus>,
    ) -> Result<Advanced, IncomingError> {
        let reference = Reference::of(message);
        let reported = Reported { reference, final_status, detail: None, reported_at: None };
        report(&self.project, reported).await
    }

    /// Sends a text to several people at the default backend, once for each `key`. The text goes out when the queue is
    /// [worked off](Bench::work_off).
    ///
    /// # Panics
    /// Panics if `key` or a number is invalid.
    pub async fn broadcast(
        &self,
        key: &str,
        text: &str,
        numbers: &[&str],
    ) -> Result<Acceptance, BroadcastError> {
        self.touched.store(true, Ordering::Relaxed);
        let key = key.parse().unwrap_or_else(|problem| panic!("{problem}"));
        let recipients = numbers.iter().map(|number| self.written(number).into()).collect();
        broadcast(&self.project, &Order { key, text: text.to_owned(), recipients }).await
    }

    /// Sends one HTTP request to the Lambda function `send` and returns the answer.
    pub async fn request_send(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.touched.store(true, Ordering::Relaxed);
        crate::broadcast::endpoint::serve(&self.project, request).await
    }

    /// Sends one HTTP request to a backend of the bench and returns the answer. The default backend is at
    /// `/backend/bench/`.
    pub async fn request(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.touched.store(true, Ordering::Relaxed);
        endpoint::serve(&self.project, "bench", request, Deadline::within(Duration::from_secs(29))).await
    }

    fn in_hand(&self) -> MutexGuard<'_, Vec<Ticket>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works off the queue until it is empty, and returns the failures. A job that failed or was cut off comes again at
    /// the next minute of [`Bench::minutes`].
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

    /// Returns the number of jobs that are not done.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.in_hand().len()
    }

    /// Hands out all finished jobs once more, as a queue may do at any time, and returns the failures.
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
            sent_at: None,
        };
        respond(&self.project, vec![record], Deadline::within(Duration::from_secs(30))).await
    }

    /// Returns whether a failed job is waiting for the next tick.
    pub(super) fn has_failed_jobs(&self) -> bool {
        !self.in_hand().is_empty()
    }

    /// Moves the clock by `count` minutes. After each minute, it does what [`Bench::tick`] does.
    pub async fn minutes(&self, count: u32) {
        for _ in 0..count {
            self.clock.advance(Duration::from_secs(60));
            self.tick().await;
        }
    }

    /// Runs the scheduled work once, and works off the jobs that it enqueues. The failed jobs and the jobs that are
    /// still on the queue come before these jobs. The clock does not move.
    pub async fn tick(&self) {
        while let Some(ticket) = { self.in_hand().pop() } {
            self.queue.put_back(ticket);
        }
        let _ = tick(&self.project).await;
        self.work_off().await;
    }

    /// Returns whether nothing has come in yet.
    pub(super) fn is_untouched(&self) -> bool {
        !self.touched.load(Ordering::Relaxed)
    }

    /// Returns the session of a sender.
    pub async fn session(&self, identity: &str) -> Session {
        self.loaded(identity).await.0
    }

    /// Returns the contact of a sender.
    pub async fn contact(&self, identity: &str) -> Option<Contact> {
        self.project.ports.store.contact_of(&self.connection(identity)).await.unwrap_or_default()
    }

    /// Returns the outbox of a sender.
    pub async fn outbox(&self, identity: &str) -> Outbox {
        self.loaded(identity).await.1
    }

    /// Returns the history of a sender, the newest row first.
    pub async fn history(&self, identity: &str) -> Vec<HistoryRow> {
        self.history_of(&self.connection(identity)).await
    }

    /// Returns the history of a sender at any backend, the newest row first.
    pub async fn history_of(&self, connection: &ConnectionId) -> Vec<HistoryRow> {
        let store: &dyn Store = self.project.ports.store.as_ref();
        store.history(connection, self.clock.now(), usize::MAX).await.unwrap_or_default()
    }

    /// Returns the requests to the default backend that could not be used, the newest first.
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
