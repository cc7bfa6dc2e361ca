//! SQS on one machine: FIFO queues, stored in SQLite, behind the JSON 1.0 protocol of the AWS SDKs.
//!
//! It implements the parts of SQS that the functions and their tests need. These parts behave like SQS: one contract
//! suite tests this implementation and another emulator. It has no standard queues, no tags, no permissions and no move
//! tasks, and it does not check signatures. It is more patient than SQS: a queue can be purged, and made again, at any
//! time. It ignores `ReceiveRequestAttemptId`, since an answer is lost here only if the process dies.
//!
//! Sources: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>, the Developer Guide of SQS, and,
//! where these are silent, answers of real queues. <https://github.com/localstack/localstack> keeps these answers as
//! snapshots in `tests/aws/services/sqs`. In these files, "recorded" refers to these snapshots.

mod attributes;
mod checksums;
mod engine;
mod error;
mod message;
mod protocol;
mod receipt;
mod receive;
mod schema;
mod send;
#[cfg(test)]
mod tests;
mod wire;

pub use error::OpenError;
pub use protocol::Refusal;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::Connection;
use threadless::Clock;
use tokio::sync::Notify;

use engine::Engine;
use error::SqsError;
use schema::SchemaError;

/// Returns what is wrong with the file of the queues, or `None` if it is still the file that was opened.
type Problem = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The account of the local queues.
pub const ACCOUNT: &str = "000000000000";

/// An SQS of our own. Clones share it.
#[derive(Clone)]
pub struct Sqs(Arc<Shared>);

struct Shared {
    engine: Mutex<Engine>,
    /// Returns what is wrong with the file. It is set when the file is watched.
    problem: OnceLock<Problem>,
    /// A notification that a waiting receiver may now receive something.
    changed: Notify,
}

impl Sqs {
    /// Opens the queues in `file`, or new queues in memory. If `durable`, each write waits until the disk has it, and
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
        Ok(Self(Arc::new(Shared { engine, problem: OnceLock::new(), changed: Notify::new() })))
    }

    /// Makes sure that a queue exists with these attributes, as CloudFormation does: a queue that exists already takes
    /// them over.
    pub fn ensure_queue(&self, name: &str, attributes: &BTreeMap<String, String>) -> Result<(), OpenError> {
        self.lock().ensure_queue(name, attributes).map_err(|problem| OpenError::queue(name, &problem))
    }

    /// Makes all messages in flight visible again. Their receivers are gone, because the whole stack was stopped.
    pub fn release_in_flight(&self) -> Result<usize, OpenError> {
        let released =
            self.lock().release_in_flight().map_err(|problem| OpenError::new(None, &problem.message))?;
        self.0.changed.notify_waiters();
        Ok(released)
    }

    /// Returns whether a queue has no message at all, visible or not. A queue that does not exist is empty.
    pub async fn is_empty(&self, name: &str) -> bool {
        self.count(name).await == 0
    }

    /// Returns the number of messages of a queue, visible or not. A queue that does not exist has none.
    pub async fn count(&self, name: &str) -> u64 {
        let name = name.to_owned();
        let counts = self.run(move |engine| {
            let queue = engine.queue(&name)?;
            engine.counts(&queue)
        });
        let counts = counts.await.map_or(0, |counts| counts.visible + counts.in_flight + counts.delayed);
        u64::try_from(counts).unwrap_or_default()
    }

    /// Makes every operation fail as long as `problem` returns what is wrong with the file, for example that somebody
    /// deleted it. Only the first call counts.
    pub fn watch(&self, problem: impl Fn() -> Option<String> + Send + Sync + 'static) {
        let _ = self.0.problem.set(Box::new(problem));
    }

    /// Runs an operation on the queues, on a thread that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine) -> Result<T, SqsError> + Send + 'static,
    ) -> Result<T, SqsError> {
        let sqs = self.clone();
        // The check runs before the operation, so that nothing is read from a deleted file. It runs again after the
        // operation, because the file may have been deleted in the meantime.
        let done = tokio::task::spawn_blocking(move || {
            sqs.is_there()?;
            let done = work(&mut sqs.lock())?;
            sqs.is_there().map(|()| done)
        })
        .await;
        done.unwrap_or_else(|problem| Err(SqsError::internal(&problem)))
    }

    fn is_there(&self) -> Result<(), SqsError> {
        match self.0.problem.get().and_then(|problem| problem()) {
            Some(problem) => Err(SqsError::internal(&problem)),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Engine> {
        // If a thread panicked while it held the lock, SQLite has rolled its transaction back.
        self.0.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
