//! SQS on this machine: FIFO queues, kept in SQLite, behind the JSON 1.0 protocol that the AWS SDKs speak.
//!
//! It does what the functions and their tests need of SQS, and what it does it does as SQS does: one contract
//! suite holds it and another emulator. Left out: standard queues, tags, permissions, move tasks, and signatures,
//! which are not checked. More patient than SQS: a queue can be purged, and made again, at any time, and
//! `ReceiveRequestAttemptId` is ignored, since here an answer is lost only with the process.
//!
//! Sources: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>, the Developer Guide beside it,
//! and, where these are silent, answers of real queues that <https://github.com/localstack/localstack> keeps as
//! snapshots in `tests/aws/services/sqs`. The last are what "recorded" means in these files.

mod attributes;
mod checksums;
mod engine;
mod error;
mod message;
mod receipt;
mod receive;
mod schema;
mod send;
mod server;
#[cfg(test)]
mod tests;
mod wire;

pub use error::OpenError;
pub use server::Served;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::Connection;
use threadless::Clock;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::data::Data;
use crate::serving::Hosts;
use engine::Engine;
use error::SqsError;
use schema::SchemaError;

/// The account that the local queues are in.
pub const ACCOUNT: &str = "000000000000";

/// An SQS of our own. Clones share it.
#[derive(Clone)]
pub struct Sqs(Arc<Shared>);

struct Shared {
    engine: Mutex<Engine>,
    /// The folder that the file is in, once it is watched.
    data: OnceLock<Arc<Data>>,
    /// Told of whatever may give a waiting receiver something to receive.
    changed: Notify,
}

impl Sqs {
    /// Opens the queues kept in `file`, or new ones in memory. If `durable`, each write waits until the disk has it, and
    /// so survives a power cut.
    pub fn open(file: Option<&Path>, durable: bool, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let connection = match file {
            Some(file) => Connection::open(file),
            None => Connection::open_in_memory(),
        };
        let connection =
            connection.map_err(SchemaError::from).and_then(|connection| schema::prepare(connection, durable));
        let connection = connection.map_err(|problem| OpenError::new(file, &problem))?;
        let engine = Mutex::new(Engine::new(connection, clock));
        Ok(Self(Arc::new(Shared { engine, data: OnceLock::new(), changed: Notify::new() })))
    }

    /// Makes sure that a queue is there with these attributes, as CloudFormation does: one that is there already
    /// takes them on.
    pub fn ensure_queue(&self, name: &str, attributes: &BTreeMap<String, String>) -> Result<(), OpenError> {
        self.lock().ensure_queue(name, attributes).map_err(|problem| OpenError::queue(name, &problem))
    }

    /// Has everything in flight be visible again: who held it is gone, since the whole stack was.
    pub fn release_in_flight(&self) -> Result<usize, OpenError> {
        let released =
            self.lock().release_in_flight().map_err(|problem| OpenError::new(None, &problem.message))?;
        self.0.changed.notify_waiters();
        Ok(released)
    }

    /// Whether a queue has no message, whether one could be received or not. One that is not there has none.
    pub async fn is_empty(&self, name: &str) -> bool {
        let name = name.to_owned();
        let counts = self.run(move |engine| {
            let queue = engine.queue(&name)?;
            engine.counts(&queue)
        });
        counts.await.map_or(true, |counts| counts.visible + counts.in_flight + counts.delayed == 0)
    }

    /// Has everything fail while the files in the folder are not those that were opened.
    pub(crate) fn watch(&self, data: Arc<Data>) {
        let _ = self.0.data.set(data);
    }

    /// Answers requests on `listener` until the result is dropped: those that name this machine as their host.
    pub fn serve(&self, listener: TcpListener) -> std::io::Result<Served> {
        self.serve_to(listener, Hosts::default())
    }

    /// The same, also for requests that name one of these hosts.
    pub(crate) fn serve_to(&self, listener: TcpListener, hosts: Hosts) -> std::io::Result<Served> {
        server::serve(self.clone(), listener, hosts)
    }

    /// Does something with the queues, on a thread that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine) -> Result<T, SqsError> + Send + 'static,
    ) -> Result<T, SqsError> {
        let sqs = self.clone();
        // Before, so that nothing is read of what is gone; and after, since it may go meanwhile.
        let done = tokio::task::spawn_blocking(move || {
            sqs.is_there()?;
            let done = work(&mut sqs.lock())?;
            sqs.is_there().map(|()| done)
        })
        .await;
        done.unwrap_or_else(|problem| Err(SqsError::internal(&problem)))
    }

    fn is_there(&self) -> Result<(), SqsError> {
        match self.0.data.get().and_then(|data| data.problem()) {
            Some(problem) => Err(SqsError::internal(&problem)),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Engine> {
        // A panic while it was held was rolled back by SQLite.
        self.0.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
