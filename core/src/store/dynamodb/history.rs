//! The history of messages, and unusable messages.

use super::item::to_state;
use crate::store::{History, RowKey};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};

use super::call::Written;
use super::item::{Item, Reader, is_expired, names as n, number, sort_key, text, time, to_row, to_unusable};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::model::message::{BackendName, ConnectionId, State};
use crate::store::{Advanced, Direction, HistoryRow, StatusUpdate, Unusable};
use crate::util::clock::after;
use crate::util::random;

/// The number of times that a row is merged while other processes write the same row.
const MERGES: u32 = 5;

#[async_trait]
impl History for DynamoStore {
    /// Tries one plain write first. It nearly always succeeds, because the stored row seldom knows more than this row.
    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError> {
        let (pk, sk) = (keys::of_connection(&row.connection), keys::of_row(row.at, &row.id));
        let direction = match row.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let mut update = whole(row);
        update
            .set(n::DIRECTION, text(direction))
            .set(n::TTL, number(HistoryRow::placed(row.at).as_second() + HistoryRow::KEPT.as_secs()));
        let (rank, here) = (update.name(n::RANK), update.value(number(row.state.rank())));
        let news = news_at_same_rank(&mut update, row, &format!("{rank} = {here}"));
        let not_less = [(n::ATTEMPTS, row.attempts), (n::UNCERTAIN, row.uncertain)].map(|(name, count)| {
            let (name, count) = (update.name(name), update.value(number(count)));
            format!("(attribute_not_exists({name}) OR {name} <= {count})")
        });
        let not_less = not_less.join(" AND ");
        update
            .only_if(format!("(attribute_not_exists({rank}) OR (({rank} < {here}{news}) AND {not_less}))"))
            .show_refusal();
        match self.update(&pk, &sk, update, ReturnValue::None).await? {
            Written::Yes(_) => Ok(()),
            Written::No(kept) => self.merge_row(&pk, &sk, row, kept).await,
        }
    }

    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError> {
        if !step.is_kept(now) {
            return Ok(Advanced::No);
        }
        let (pk, sk) = (keys::of_connection(&step.connection), keys::of_row(step.at, &step.id));
        let mut update = Update::new();
        update
            .set(n::STATE, text(step.state.as_str()))
            .set(n::RANK, number(step.state.rank()))
            .set(n::REPORTED_AT, time(now))
            .set_once(n::DIRECTION, text("out"))
            .set_once(n::TTL, number(HistoryRow::placed(step.at).as_second() + HistoryRow::KEPT.as_secs()));
        match &step.detail {
            Some(detail) => update.set(n::DETAIL, text(detail)),
            None => update.remove(&[n::DETAIL]),
        };
        let (rank, here) = (update.name(n::RANK), update.value(number(step.state.rank())));
        update.only_if(format!("(attribute_not_exists({rank}) OR {rank} < {here})")).show_refusal();
        let kept = match self.update(&pk, &sk, update, ReturnValue::None).await? {
            Written::Yes(_) => return Ok(Advanced::Forward),
            Written::No(kept) => kept,
        };
        let read = Reader::new(&sk, &kept);
        let same = read.text(n::STATE)? == Some(step.state.as_str());
        let lately = read.time(n::REPORTED_AT)?.is_some_and(|at| after(at, Advanced::LATELY) > now);
        Ok(if same && lately { Advanced::Again } else { Advanced::No })
    }

    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let pk = keys::of_connection(connection);
        let items = self.query_led_by(&pk, keys::MESSAGE, false, limit).await?;
        let live = items.iter().filter(|item| !is_expired(item, now));
        live.map(|item| to_row(connection, sort_key(item), item)).collect()
    }

    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let pk = keys::of_connection(connection);
        // Expired rows may still be stored. They would take the place of rows that are to be shown.
        let from = now.checked_sub(HistoryRow::KEPT).map_or(from, |kept| from.max(kept));
        let items = self.query_between(&pk, &keys::of_rows_from(from), keys::AFTER_ROWS, limit).await?;
        let live = items.iter().filter(|item| !is_expired(item, now));
        live.map(|item| to_row(connection, sort_key(item), item)).collect()
    }

    async fn rows(&self, wanted: &[RowKey]) -> Result<Vec<Option<HistoryRow>>, StoreError> {
        let found = self.get_rows(wanted, None).await?;
        let row = |(connection, at, id): &RowKey| {
            let sk = keys::of_row(*at, id);
            let item = found.get(&(keys::of_connection(connection), sk.clone()));
            item.map(|item| to_row(connection, &sk, item)).transpose()
        };
        wanted.iter().map(row).collect()
    }

    async fn states(&self, wanted: &[RowKey]) -> Result<Vec<Option<State>>, StoreError> {
        let found = self.get_rows(wanted, Some(&[n::STATE])).await?;
        let state = |(connection, at, id): &RowKey| {
            let sk = keys::of_row(*at, id);
            let item = found.get(&(keys::of_connection(connection), sk.clone()));
            item.map(|item| to_state(&sk, item)).transpose()
        };
        wanted.iter().map(state).collect()
    }

    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError> {
        let pk = keys::of_backend(&unusable.backend);
        let sk = format!("{}{:014}#{}", keys::UNUSABLE, HistoryRow::place(unusable.at), random::unique_id());
        let problems = unusable.problems.iter().map(text).collect();
        let mut update = Update::new();
        update
            .set(n::CREATED_AT, time(unusable.at))
            .set(n::RAW, text(&unusable.raw))
            .set(n::PROBLEMS, AttributeValue::L(problems))
            .set(n::TTL, number(unusable.at.as_second() + Unusable::KEPT.as_secs()));
        self.update(&pk, &sk, update, ReturnValue::None).await.map(drop)
    }

    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError> {
        let pk = keys::of_backend(backend);
        let items = self.query_led_by(&pk, keys::UNUSABLE, false, limit).await?;
        let live = items.iter().filter(|item| !is_expired(item, now));
        live.map(|item| to_unusable(backend, sort_key(item), item)).collect()
    }
}

impl DynamoStore {
    /// Merges this row with the stored row, which knows more: it is further already, or it counts more attempts.
    async fn merge_row(
        &self,
        pk: &str,
        sk: &str,
        row: &HistoryRow,
        mut kept: Item,
    ) -> Result<(), StoreError> {
        for _ in 0..MERGES {
            // The row has expired or was deleted in between, and is not made again.
            if kept.is_empty() {
                return Ok(());
            }
            let before = to_row(&row.connection, sk, &kept)?;
            let mut merged = before.clone();
            merged.merge(row);
            if merged == before {
                return Ok(());
            }
            let mut update = whole(&merged);
            for name in [n::RANK, n::ATTEMPTS, n::UNCERTAIN] {
                update.only_if_is(name, kept.get(name).cloned());
            }
            update.show_refusal();
            match self.update(pk, sk, update, ReturnValue::None).await? {
                Written::Yes(_) => return Ok(()),
                Written::No(now) => kept = now,
            }
        }
        Err(StoreError::Unavailable("UpdateItem: other processes write the same row".to_owned()))
    }

    /// Reads rows of history by their keys, at half the price of a consistent read. They are only shown to people.
    async fn get_rows(
        &self,
        wanted: &[RowKey],
        attributes: Option<&[&str]>,
    ) -> Result<HashMap<(String, String), Item>, StoreError> {
        let key = |(connection, at, id): &RowKey| (keys::of_connection(connection), keys::of_row(*at, id));
        let keys: BTreeSet<(String, String)> = wanted.iter().map(key).collect();
        let items = self.get_many(&keys.into_iter().collect::<Vec<_>>(), attributes).await?;
        let part = |item: &Item, name: &str| item.get(name).and_then(|part| part.as_s().ok()).cloned();
        let by_key = |item: Item| Some(((part(&item, keys::PK)?, part(&item, keys::SK)?), item));
        Ok(items.into_iter().filter_map(by_key).collect())
    }
}

/// Returns the condition under which a row replaces a stored row of the same state: it has more uncertain attempts, or,
/// while the message waits, as many uncertain attempts and more attempts.
fn news_at_same_rank(update: &mut Update, row: &HistoryRow, same_rank: &str) -> String {
    let mut news = Vec::new();
    let doubt = (row.uncertain > 0).then(|| (update.name(n::UNCERTAIN), update.value(number(row.uncertain))));
    if let Some((uncertain, count)) = &doubt {
        news.push(format!("(attribute_not_exists({uncertain}) OR {uncertain} < {count})"));
    }
    if row.state == State::Queued && row.attempts > 0 {
        let as_doubtful = match doubt {
            Some((uncertain, count)) => format!("{uncertain} = {count}"),
            None => format!("attribute_not_exists({})", update.name(n::UNCERTAIN)),
        };
        let (attempts, count) = (update.name(n::ATTEMPTS), update.value(number(row.attempts)));
        news.push(format!("{as_doubtful} AND (attribute_not_exists({attempts}) OR {attempts} < {count})"));
    }
    news.iter().map(|news| format!(" OR ({same_rank} AND {news})")).collect::<Vec<_>>().concat()
}

/// Returns the update that writes a row. The text of a message and its `in_reply_to` never change, so stored values
/// stay. A stored detail stays if the row has no detail.
fn whole(row: &HistoryRow) -> Update {
    let mut update = Update::new();
    update
        .set(n::STATE, text(row.state.as_str()))
        .set(n::RANK, number(row.state.rank()))
        .set_once(n::TEXT, text(&row.text));
    if let Some(detail) = &row.detail {
        update.set(n::DETAIL, text(detail));
    }
    if let Some(id) = &row.in_reply_to {
        update.set_once(n::REPLY_TO, text(id.as_str()));
    }
    for (name, count) in [(n::ATTEMPTS, row.attempts), (n::UNCERTAIN, row.uncertain)] {
        if count > 0 {
            update.set(name, number(count));
        }
    }
    update
}
