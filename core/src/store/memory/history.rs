//! History in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{KeptRow, MemoryStore};
use crate::model::message::{BackendName, ConnectionId};
use crate::planted::{self, Plant};
use crate::store::{Advanced, History, HistoryRow, RowKey, StatusUpdate, StoreError, Unusable, is_over};
use crate::util::clock::after;

#[async_trait]
impl History for MemoryStore {
    async fn record(&self, row: &HistoryRow) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let rows = tables.history.entry(row.connection.clone()).or_default();
        let new = || KeptRow {
            row: HistoryRow { at: HistoryRow::placed(row.at), ..row.clone() },
            reported_at: None,
        };
        rows.entry((HistoryRow::place(row.at), row.id.clone())).or_insert_with(new).row.merge(row);
        Ok(())
    }

    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Result<Advanced, StoreError> {
        if !step.is_kept(now) {
            return Ok(Advanced::No);
        }
        let mut tables = self.lock();
        let rows = tables.history.entry(step.connection.clone()).or_default();
        let new = KeptRow { row: step.row(), reported_at: Some(now) };
        let kept = match rows.entry((HistoryRow::place(step.at), step.id.clone())) {
            MapEntry::Vacant(place) => {
                place.insert(new);
                return Ok(Advanced::Forward);
            }
            MapEntry::Occupied(place) => place.into_mut(),
        };
        if kept.row.state.rank() < step.state.rank() || planted::is(Plant::RowMovedBack) {
            (kept.row.state, kept.row.detail) = (step.state, step.detail.clone());
            kept.reported_at = Some(now);
            return Ok(Advanced::Forward);
        }
        let lately = kept.reported_at.is_some_and(|at| after(at, Advanced::LATELY) > now);
        Ok(if lately && kept.row.state == step.state { Advanced::Again } else { Advanced::No })
    }

    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let tables = self.lock();
        let rows = tables.history.get(connection);
        let rows = rows.into_iter().flat_map(|rows| rows.values().rev()).map(|kept| &kept.row);
        Ok(rows
            .filter(|row| !is_over(HistoryRow::placed(row.at), HistoryRow::KEPT, now))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn keep_unusable(&self, unusable: &Unusable) -> Result<(), StoreError> {
        self.lock().unusable.push(unusable.clone());
        Ok(())
    }

    async fn unusable(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unusable>, StoreError> {
        let tables = self.lock();
        let kept = |row: &&Unusable| row.backend == *backend && !is_over(row.at, Unusable::KEPT, now);
        let mut kept: Vec<Unusable> = tables.unusable.iter().rev().filter(kept).cloned().collect();
        kept.sort_by_key(|row| Reverse(row.at));
        kept.truncate(limit);
        Ok(kept)
    }

    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let tables = self.lock();
        let rows =
            tables.history.get(connection).into_iter().flat_map(BTreeMap::values).map(|kept| &kept.row);
        let wanted = |row: &&HistoryRow| {
            HistoryRow::place(row.at) >= HistoryRow::place(from)
                && !is_over(HistoryRow::placed(row.at), HistoryRow::KEPT, now)
        };
        Ok(rows.filter(wanted).take(limit).cloned().collect())
    }

    async fn rows(&self, wanted: &[RowKey]) -> Result<Vec<Option<HistoryRow>>, StoreError> {
        let tables = self.lock();
        let row = |(connection, at, id): &RowKey| {
            Some(tables.history.get(connection)?.get(&(HistoryRow::place(*at), id.clone()))?.row.clone())
        };
        Ok(wanted.iter().map(row).collect())
    }
}
