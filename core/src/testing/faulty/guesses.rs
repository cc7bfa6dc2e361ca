//! The counts of wrong passwords in a store that fails as planned.

use async_trait::async_trait;
use jiff::Timestamp;

use super::FaultyStore;
use crate::model::message::BackendName;
use crate::store::{GuessLog, Guesses, Store, StoreError};

#[async_trait]
impl<S: Store> GuessLog for FaultyStore<S> {
    async fn guesses(
        &self,
        backend: &BackendName,
        client: &str,
        now: Timestamp,
    ) -> Result<Guesses, StoreError> {
        self.faults.around(self.inner.guesses(backend, client, now)).await
    }

    async fn note_guess(
        &self,
        backend: &BackendName,
        client: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.faults.around(self.inner.note_guess(backend, client, now)).await
    }
}
