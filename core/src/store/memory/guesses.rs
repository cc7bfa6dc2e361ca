//! Counts of wrong passwords in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::model::message::BackendName;
use crate::store::guesses::{day, hour};
use crate::store::{GuessLog, Guesses, StoreError};

/// The counts by backend, client and day, and by backend and hour.
#[derive(Default)]
pub(super) struct Counts {
    clients: HashMap<(BackendName, String), (i64, u32, Timestamp)>,
    all: HashMap<BackendName, (i64, u32)>,
}

#[async_trait]
impl GuessLog for MemoryStore {
    async fn guesses(
        &self,
        backend: &BackendName,
        client: &str,
        now: Timestamp,
    ) -> Result<Guesses, StoreError> {
        let tables = self.lock();
        let client = tables.guesses.clients.get(&(backend.clone(), client.to_owned()));
        let client = client.filter(|(of_day, ..)| *of_day == day(now));
        let all = tables.guesses.all.get(backend).filter(|(of_hour, _)| *of_hour == hour(now));
        Ok(Guesses {
            by_client: client.map_or(0, |(_, count, _)| *count),
            last_at: client.map(|(.., last_at)| *last_at),
            by_all: all.map_or(0, |(_, count)| *count),
        })
    }

    async fn note_guess(
        &self,
        backend: &BackendName,
        client: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tables = self.lock();
        // The table stores times to the millisecond, so this store does too.
        let at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let mine = tables.guesses.clients.entry((backend.clone(), client.to_owned())).or_insert((0, 0, at));
        let count = if mine.0 == day(now) { mine.1 } else { 0 };
        *mine = (day(now), count.saturating_add(1), at);
        let all = tables.guesses.all.entry(backend.clone()).or_insert((0, 0));
        let count = if all.0 == hour(now) { all.1 } else { 0 };
        *all = (hour(now), count.saturating_add(1));
        Ok(())
    }
}
