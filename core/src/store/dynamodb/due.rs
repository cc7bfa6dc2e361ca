//! What is due: the index, its parts read side by side and put in one order, page by page.

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

/// How far one part of the index has been read. A [`DueCursor`] is the list of these as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Place {
    /// Nothing of it.
    Start,
    /// Up to this entry.
    After {
        /// Its partition key in the table.
        pk: String,
        /// Its sort key in the table.
        sk: String,
        /// Its sort key in the index, as the number stands there.
        due_at: String,
    },
    /// All of it.
    End,
}

/// One entry of the index.
struct Found {
    shard: usize,
    place: Place,
    /// Where it is in the order of all parts: since when it is due, or, where nobody can read that, where the entry
    /// before it is.
    order: Timestamp,
    /// `None` where it cannot be read.
    due: Option<Due>,
}

#[async_trait]
impl DueIndex for DynamoStore {
    /// Reads one page: one query for each part of the index, side by side.
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
        // Stable: what is due since the same moment stays in the order of its part, by which the part is paged.
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
    /// Reads up to `limit` entries of one part, and says whether these were its last.
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

/// Reads one entry. One that cannot be read is logged by its place in the index: its key may hold a phone number.
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
