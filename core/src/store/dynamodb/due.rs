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

/// The place up to which one part of the index has been read. A [`DueCursor`] is the list of these places as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Place {
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
    place: Place,
    /// The entry's place in the order of all parts: its due time. If the due time cannot be read, this is the place of
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
        let mut places =
            after.map_or_else(|| Ok(vec![Place::Start; usize::from(keys::SHARDS)]), to_places)?;
        let shards = places.iter().enumerate();
        let shards = shards.map(|(shard, place)| self.query_shard(shard, place, now, limit));
        let (found, ended): (Vec<Vec<Found>>, Vec<bool>) = try_join_all(shards).await?.into_iter().unzip();
        let mut found: Vec<Found> = found.into_iter().flatten().collect();
        // The sort is stable, so entries of the same time keep the order of their part. The paging of the part follows
        // this order.
        found.sort_by_key(|found| found.order);
        let left = found.split_off(limit.min(found.len()));

        let unreadable = found.iter().filter(|found| found.due.is_none()).count();
        for entry in &found {
            places[entry.shard] = entry.place.clone();
        }
        for (shard, place) in places.iter_mut().enumerate() {
            if ended[shard] && left.iter().all(|left| left.shard != shard) {
                *place = Place::End;
            }
        }
        let next = (!places.iter().all(|place| matches!(place, Place::End))).then(|| of_places(&places));
        Ok(DuePage::new(found.into_iter().filter_map(|found| found.due).collect(), unreadable, next))
    }
}

impl DynamoStore {
    /// Reads up to `limit` entries of one part. Also returns whether they were the last entries of the part.
    async fn query_shard(
        &self,
        shard: usize,
        place: &Place,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Found>, bool), StoreError> {
        let mut found: Vec<Found> = Vec::new();
        let mut from = match place {
            Place::Start => None,
            Place::After { pk, sk, due_at } => Some(Item::from([
                (keys::PK.to_owned(), text(pk)),
                (keys::SK.to_owned(), text(sk)),
                (n::DUE_SHARD.to_owned(), text(shard.to_string())),
                (n::DUE_AT.to_owned(), AttributeValue::N(due_at.clone())),
            ])),
            Place::End => return Ok((found, true)),
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

/// Reads one entry. The log names an unreadable entry by its place in the index only, since its key may contain a phone
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
            "an entry of the index `due` is passed over: its key or its time cannot be read"
        );
    }
    Found { shard, place: Place::After { pk, sk, due_at }, order: since.unwrap_or(before), due }
}

fn of_places(places: &[Place]) -> DueCursor {
    DueCursor::new(serde_json::to_string(places).unwrap_or_default())
}

fn to_places(cursor: &DueCursor) -> Result<Vec<Place>, StoreError> {
    let places = serde_json::from_str::<Vec<Place>>(cursor.as_str()).ok();
    places.filter(|places| places.len() == usize::from(keys::SHARDS)).ok_or_else(|| {
        let problem = "it is not a cursor of this store".to_owned();
        StoreError::Unreadable { what: "a cursor".to_owned(), problem }
    })
}
