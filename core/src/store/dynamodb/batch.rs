//! Calls for many items at once. DynamoDB may leave some of the items undone and say so. These are requested again,
//! with pauses, for a limited number of rounds.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
use tokio::time::sleep;

use super::call::key;
use super::item::Item;
use super::{DynamoStore, StoreError};
use crate::aws::classify;
use crate::util::random;

/// The maximum number of items of one `BatchGetItem`.
pub(super) const READ_AT_ONCE: usize = 100;

/// The maximum number of items of one `BatchWriteItem`.
const WRITTEN_AT_ONCE: usize = 25;

/// The maximum number of rounds of one batch.
const ROUNDS: u32 = 8;

/// The longest pause after the first round. It doubles with each further round.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

impl DynamoStore {
    /// Reads many items, at half the price of consistent reads. Of each item it reads its key and these attributes, or
    /// all attributes. The items come in no order.
    pub(super) async fn get_many(
        &self,
        keys: &[(String, String)],
        attributes: Option<&[&str]>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        for some in keys.chunks(READ_AT_ONCE) {
            let wanted = some.iter().map(|(pk, sk)| key(pk, sk)).collect();
            let mut wanted = KeysAndAttributes::builder().set_keys(Some(wanted));
            if let Some(attributes) = attributes {
                let names: Vec<String> = attributes.iter().map(|name| format!("#{name}")).collect();
                wanted = wanted.projection_expression(format!("pk, sk, {}", names.join(", ")));
                for name in attributes {
                    wanted = wanted.expression_attribute_names(format!("#{name}"), *name);
                }
            }
            let wanted = wanted.build().map_err(|problem| StoreError::Refused(problem.to_string()))?;
            self.get_batch(wanted, &mut items).await?;
        }
        Ok(items)
    }

    async fn get_batch(&self, wanted: KeysAndAttributes, items: &mut Vec<Item>) -> Result<(), StoreError> {
        let mut left = HashMap::from([(self.table.clone(), wanted)]);
        for round in 0..ROUNDS {
            let call = self.client.batch_get_item().set_request_items(Some(left));
            let call = call.set_return_consumed_capacity(self.metering());
            let output = call.send().await.map_err(|error| classify("BatchGetItem", &error))?;
            output.consumed_capacity().iter().for_each(|used| self.meter_read(Some(used)));
            items.extend(output.responses.unwrap_or_default().remove(&self.table).unwrap_or_default());
            left = output.unprocessed_keys.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            rest(round).await;
        }
        Err(throttled("BatchGetItem", left.values().map(|wanted| wanted.keys().len()).sum()))
    }

    /// Writes many items. Each item replaces the stored item of the same key, and each write is independent of the
    /// others.
    pub(super) async fn put_many(&self, items: Vec<Item>) -> Result<(), StoreError> {
        for some in items.chunks(WRITTEN_AT_ONCE) {
            let mut writes = Vec::new();
            for item in some {
                let put = PutRequest::builder().set_item(Some(item.clone())).build();
                let put = put.map_err(|problem| StoreError::Refused(problem.to_string()))?;
                writes.push(WriteRequest::builder().put_request(put).build());
            }
            self.put_batch(writes).await?;
        }
        Ok(())
    }

    async fn put_batch(&self, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut left = HashMap::from([(self.table.clone(), writes)]);
        for round in 0..ROUNDS {
            let call = self.client.batch_write_item().set_request_items(Some(left));
            let call = call.set_return_consumed_capacity(self.metering());
            let output = call.send().await.map_err(|error| classify("BatchWriteItem", &error))?;
            output.consumed_capacity().iter().for_each(|used| self.meter_write(Some(used)));
            left = output.unprocessed_items.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            rest(round).await;
        }
        Err(throttled("BatchWriteItem", left.values().map(Vec::len).sum()))
    }
}

/// Waits before the next round. Does not wait after the last round.
async fn rest(round: u32) {
    if round + 1 < ROUNDS {
        sleep(random::up_to(FIRST_PAUSE * 2_u32.pow(round))).await;
    }
}

fn throttled(operation: &str, left: usize) -> StoreError {
    StoreError::Unavailable(format!("{operation}: throttled: {left} items are left after {ROUNDS} rounds"))
}
