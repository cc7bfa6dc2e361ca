//! The index of due entries. Its parts are read side by side and merged into one order, page by page.

use crate::store::DueIndex;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::error;

use super::item::{Item, Reader, names as n, text, time};
use super::{DynamoStore, StoreError, keys};
use crate::aws::classify;
use crate::store::{Due, DueCursor, DuePage};

/// The position up to which one part of the index has been read. A [`DueCursor`] is the list of these positions as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Position {
    /// Nothing of the part has been read.
    Start,
    /// The part has been read up to this entry.
    After {
        /// The entry's partition key in the table.
        pk: String,
        /// The entry's sort key in the table.
        sk: String,
        /// The entry's sort key in the index, as the digits of the number.
        due_at: String,
    },
    /// The whole part has been read.
    End,
}

/// One entry of the index.
struct Found {
    shard: usize,
    position: Position,
    /// The entry's position in the order of all parts: its due time. If the due time cannot be read, this is the position of
    /// the entry before it.
    order: Timestamp,
    /// The due outbox or broadcast, or `None` if the entry cannot be read.
    due: Option<Due>,
}

#[async_trait]
impl DueIndex for DynamoStore {
    /// Reads one page with one query for each part of the index, side by side.
    async fn due_page(
        &self,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let limit = limit.max(1);
        let mut positions =
            after.map_or_else(|| Ok(vec![Position::Start; usize::from(keys::SHARDS)]), to_positions)?;
        let shards = positions.iter().enumerate();
        let shards = shards.map(|(shard, position)| self.query_shard(shard, position, now, limit));
        let (found, ended): (Vec<Vec<Found>>, Vec<bool>) = try_join_all(shards).await?.into_iter().unzip();
        let mut found: Vec<Found> = found.into_iter().flatten().collect();
        // The sort is stable, so entries of the same time keep the order of their part. The paging of the part follows
        // this order.
        found.sort_by_key(|found| found.order);
        let left = found.split_off(limit.min(found.len()));

        let unreadable = found.iter().filter(|found| found.due.is_none()).count();
        for entry in &found {
            positions[entry.shard] = entry.position.clone();
        }
        for (shard, position) in positions.iter_mut().enumerate() {
            if ended[shard] && left.iter().all(|left| left.shard != shard) {
                *position = Position::End;
            }
        }
        let next = (!positions.iter().all(|position| matches!(position, Position::End)))
            .then(|| of_positions(&positions));
        Ok(DuePage::new(found.into_iter().filter_map(|found| found.due).collect(), unreadable, next))
    }
}

impl DynamoStore {
    /// Reads up to `limit` entries of one part. Also returns whether they were the last entries of the part.
    async fn query_shard(
        &self,
        shard: usize,
        position: &Position,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Found>, bool), StoreError> {
        let mut found: Vec<Found> = Vec::new();
        let mut from = match position {
            Position::Start => None,
            Position::After { pk, sk, due_at } => Some(Item::from([
                (keys::PK.to_owned(), text(pk)),
                (keys::SK.to_owned(), text(sk)),
                (n::DUE_SHARD.to_owned(), text(shard.to_string())),
                (n::DUE_AT.to_owned(), AttributeValue::N(due_at.clone())),
            ])),
            Position::End => return Ok((found, true)),
        };
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(keys::DUE_INDEX)
                .key_condition_expression("due_shard = :shard AND due_at <= :now")
                .expression_attribute_values(":shard", text(shard.to_string()))
                .expression_attribute_values(":now", time(now))
                .limit(i32::try_from(limit - found.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(from)
                .set_return_consumed_capacity(self.metering())
                .send()
                .await
                .map_err(|error| classify("Query", &error))?;
            self.meter_read(output.consumed_capacity());
            for item in output.items() {
                let before = found.last().map_or(Timestamp::MIN, |found| found.order);
                found.push(to_found(shard, item, before));
            }
            from = output.last_evaluated_key;
            if from.is_none() || found.len() >= limit {
                return Ok((found, from.is_none()));
            }
        }
    }
}

/// Reads one entry. The log names an unreadable entry by its position in the index only, since its key may contain a phone
/// number.
fn to_found(shard: usize, item: &Item, before: Timestamp) -> Found {
    let part = |name: &str| item.get(name).and_then(|part| part.as_s().ok()).cloned().unwrap_or_default();
    let (pk, sk) = (part(keys::PK), part(keys::SK));
    let due_at = item.get(n::DUE_AT).and_then(|at| at.as_n().ok()).cloned().unwrap_or_default();
    let since = Reader::new(&pk, item).time(n::DUE_AT).ok().flatten();
    let due = keys::to_waiting(&pk).zip(since).map(|(waiting, since)| Due { waiting, since });
    if due.is_none() {
        error!(
            due_shard = shard,
            due_at,
            outcome = "unreadable",
            "an entry of the index `due` is skipped, because its key or its time cannot be read"
        );
    }
    Found { shard, position: Position::After { pk, sk, due_at }, order: since.unwrap_or(before), due }
}

fn of_positions(positions: &[Position]) -> DueCursor {
    DueCursor::new(serde_json::to_string(positions).unwrap_or_default())
}

fn to_positions(cursor: &DueCursor) -> Result<Vec<Position>, StoreError> {
    let positions = serde_json::from_str::<Vec<Position>>(cursor.as_str()).ok();
    positions.filter(|positions| positions.len() == usize::from(keys::SHARDS)).ok_or_else(|| {
        let problem = "it is not a cursor of this store".to_owned();
        StoreError::Unreadable { what: "a cursor".to_owned(), problem }
    })
}
