//! Counts of wrong passwords as items: one item for a client and a day, and one for all clients and an hour.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;
use futures_util::future::try_join;
use jiff::Timestamp;

use super::item::{Reader, names as n, number, time};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::model::message::BackendName;
use crate::store::guesses::{day, day_expires, hour, hour_expires};
use crate::store::{GuessLog, Guesses};

#[async_trait]
impl GuessLog for DynamoStore {
    async fn guesses(
        &self,
        backend: &BackendName,
        client: &str,
        now: Timestamp,
    ) -> Result<Guesses, StoreError> {
        let pk = keys::of_backend(backend);
        let (mine, all) = (keys::of_guesses_by(client, day(now)), keys::of_guesses(hour(now)));
        let items = self.get_all(&[(&pk, &mine), (&pk, &all)]).await?;
        let mut guesses = Guesses::default();
        if let Some(item) = items.first().and_then(Option::as_ref) {
            let read = Reader::new(&mine, item);
            guesses.by_client = read.number(n::GUESSES)?.unwrap_or(0);
            guesses.last_at = read.time(n::USED_AT)?;
        }
        if let Some(item) = items.get(1).and_then(Option::as_ref) {
            guesses.by_all = Reader::new(&all, item).number(n::GUESSES)?.unwrap_or(0);
        }
        Ok(guesses)
    }

    async fn note_guess(
        &self,
        backend: &BackendName,
        client: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let pk = keys::of_backend(backend);
        let (mine, all) = (keys::of_guesses_by(client, day(now)), keys::of_guesses(hour(now)));
        let mut of_client = Update::new();
        of_client.count_up(n::GUESSES).set(n::USED_AT, time(now)).set(n::TTL, number(day_expires(now)));
        let mut of_all = Update::new();
        of_all.count_up(n::GUESSES).set(n::TTL, number(hour_expires(now)));
        let of_client = self.update(&pk, &mine, of_client, ReturnValue::None);
        try_join(of_client, self.update(&pk, &all, of_all, ReturnValue::None)).await.map(drop)
    }
}
