//! Transcripts on the bench.

use std::panic::Location;
use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Mismatch, Said, Stage, StageError, Transcript};
use crate::model::message::{BackendName, ConnectionId};
use crate::testing::Bench;
use crate::util::clock::Clock as _;
use crate::worker::tick::next_due;

impl Bench {
    /// Plays a [transcript](Transcript) that is written in the source code.
    ///
    /// # Panics
    /// Panics if the transcript has an error or fails. The failure shows the transcript, the failed place, the expected
    /// replies beside the replies that came, and the lines that were not played.
    #[track_caller]
    pub fn transcript<'a>(&'a self, script: &'a str) -> impl Future<Output = ()> + Send + 'a {
        let caller = Location::caller();
        async move {
            let name = format!("{}:{}, transcript", caller.file(), caller.line());
            let read = Transcript::named(name, script);
            let transcript = read.unwrap_or_else(|problem| panic!("{problem}"));
            self.play(&transcript).await.unwrap_or_else(|mismatch| panic!("{mismatch}"));
        }
    }

    /// Plays a transcript from a file. A relative path begins at the folder of the package.
    ///
    /// # Panics
    /// Panics if the file cannot be read, and like [`Bench::transcript`].
    pub async fn transcript_file(&self, file: impl AsRef<Path> + Send) {
        let transcript = Transcript::open(file).unwrap_or_else(|problem| panic!("{problem}"));
        self.play(&transcript).await.unwrap_or_else(|mismatch| panic!("{mismatch}"));
    }

    /// Plays a transcript.
    pub async fn play(&self, transcript: &Transcript) -> Result<(), Box<Mismatch>> {
        let heard = self.gateway.count();
        transcript.play(&mut OnBench { bench: self, heard }).await
    }
}

/// A bench, and how many of its replies the transcript has read.
struct OnBench<'a> {
    bench: &'a Bench,
    heard: usize,
}

#[async_trait]
impl Stage for OnBench<'_> {
    fn default_backend(&self) -> BackendName {
        self.bench.default_backend().clone()
    }

    fn normal(&self, connection: ConnectionId) -> ConnectionId {
        self.bench.project.normal(&connection)
    }

    async fn receive(&mut self, from: &ConnectionId, text: &str) -> Result<(), StageError> {
        let taken = self.bench.receive_at(from, text, None).await;
        taken.map(drop).map_err(|problem| StageError(format!("this message was not accepted: {problem}")))
    }

    async fn heard(&mut self, _expected: usize) -> Result<Vec<Said>, StageError> {
        self.bench.work_off().await;
        let came = self.bench.gateway.taken_since(self.heard);
        self.heard += came.len();
        Ok(came.into_iter().map(|message| Said { to: message.connection, text: message.text }).collect())
    }

    fn now(&self) -> Result<Timestamp, StageError> {
        Ok(self.bench.clock.now())
    }

    async fn start_clock(&mut self, at: Timestamp) -> Result<(), StageError> {
        if self.bench.is_untouched() {
            self.bench.clock.set(at);
        }
        Ok(())
    }

    async fn next_due(&self, to: Timestamp) -> Result<Option<Timestamp>, StageError> {
        if self.bench.has_failed_jobs() {
            return Ok(Some(self.bench.clock.now()));
        }
        // A store that fails cannot say what is due. So the next minute is tried.
        Ok(next_due(&self.bench.project, to).await.unwrap_or_else(|_| Some(self.bench.clock.now())))
    }

    async fn tick(&mut self, at: Timestamp) -> Result<(), StageError> {
        self.bench.clock.set(at);
        self.bench.tick().await;
        Ok(())
    }
}
