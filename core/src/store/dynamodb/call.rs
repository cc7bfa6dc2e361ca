//! The basic calls of this store.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, KeysAndAttributes, Put, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as UpdateAction,
};

use futures_util::future::try_join_all;
use tokio::time::sleep;

use super::item::{Item, text};
use super::keys::{PK, SK};
use super::update::Update;
use super::{DynamoStore, StoreError};
use crate::aws::{CallError, classify};
use crate::util::random;

/// The number of times that a write is tried while a transaction is at the same item.
const TRANSACTION_TRIES: u32 = 5;

/// The result of a conditional write.
pub(super) enum Written {
    /// The write is done. This is the requested item.
    Yes(Item),
    /// The condition did not hold. This is the stored item, if [it was requested](Update::show_refusal).
    No(Item),
}

/// Returns the key of one item.
pub(super) fn key(pk: &str, sk: &str) -> Item {
    Item::from([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))])
}

impl From<CallError> for StoreError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable(problem) => Self::Unavailable(problem),
            CallError::Refused(problem) => Self::Refused(problem),
        }
    }
}

impl DynamoStore {
    /// Reads one item. The read is consistent: it sees every completed write.
    pub(super) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(key(pk, sk)));
        let call = call.consistent_read(true).set_return_consumed_capacity(self.metering());
        let output = call.send().await.map_err(|error| classify("GetItem", &error))?;
        self.meter_read(output.consumed_capacity());
        Ok(output.item)
    }

    /// Reads several items at once, in the order of the given keys. The read is consistent: it sees every completed
    /// write.
    pub(super) async fn get_all(&self, wanted: &[(&str, &str)]) -> Result<Vec<Option<Item>>, StoreError> {
        let keys = wanted.iter().map(|(pk, sk)| key(pk, sk)).collect();
        let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let request = request.map_err(|problem| StoreError::Refused(problem.to_string()))?;
        let call = self.client.batch_get_item().request_items(&self.table, request);
        let call = call.set_return_consumed_capacity(self.metering());
        let output = call.send().await.map_err(|error| classify("BatchGetItem", &error))?;
        output.consumed_capacity().iter().for_each(|used| self.meter_read(Some(used)));
        if output.unprocessed_keys().is_some_and(|left| !left.is_empty()) {
            // DynamoDB throttled a part of the transaction. The SDK retries plain reads for longer.
            return try_join_all(wanted.iter().map(|(pk, sk)| self.get(pk, sk))).await;
        }
        let mut found = output.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        let is = |item: &Item, (pk, sk): &(&str, &str)| {
            let has = |name, value: &str| {
                item.get(name).and_then(|part| part.as_s().ok()).is_some_and(|part| part == value)
            };
            has(PK, pk) && has(SK, sk)
        };
        let take = |key| found.iter().position(|item| is(item, key)).map(|at| found.swap_remove(at));
        Ok(wanted.iter().map(take).collect())
    }

    /// Writes one item under a condition.
    pub(super) async fn update(
        &self,
        pk: &str,
        sk: &str,
        update: Update,
        wanted: ReturnValue,
    ) -> Result<Written, StoreError> {
        let shown = update.shows_refusal().then_some(ReturnValuesOnConditionCheckFailure::AllOld);
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(pk, sk)))
            .update_expression(update.expression())
            .set_condition_expression(update.condition())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(update.values())
            .return_values(wanted)
            .set_return_values_on_condition_check_failure(shown)
            .set_return_consumed_capacity(self.metering());
        for tries_left in (0..TRANSACTION_TRIES).rev() {
            let error = match call.clone().send().await {
                Ok(output) => {
                    self.meter_write(output.consumed_capacity());
                    return Ok(Written::Yes(output.attributes.unwrap_or_default()));
                }
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    return Ok(Written::No(refusal.item().cloned().unwrap_or_default()));
                }
                // A transaction is at the same item. This says nothing about our condition.
                Some(UpdateItemError::TransactionConflictException(_)) if tries_left > 0 => {
                    sleep(random::up_to(Duration::from_millis(100))).await;
                }
                _ => return Err(classify("UpdateItem", &error).into()),
            }
        }
        Err(StoreError::Unavailable("UpdateItem: a transaction uses the same item".to_owned()))
    }

    /// Returns an update as a part of a transaction.
    pub(super) fn update_action(
        &self,
        pk: &str,
        sk: &str,
        update: Update,
    ) -> Result<TransactWriteItem, StoreError> {
        let action = UpdateAction::builder()
            .table_name(&self.table)
            .set_key(Some(key(pk, sk)))
            .update_expression(update.expression())
            .set_condition_expression(update.condition())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(update.values())
            .build();
        let action = action.map_err(|problem| StoreError::Refused(problem.to_string()))?;
        Ok(TransactWriteItem::builder().update(action).build())
    }

    /// Returns a new item as a part of a transaction.
    pub(super) fn put_action(
        &self,
        pk: &str,
        sk: &str,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item = key(pk, sk);
        item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let action = Put::builder().table_name(&self.table).set_item(Some(item)).build();
        let action = action.map_err(|problem| StoreError::Refused(problem.to_string()))?;
        Ok(TransactWriteItem::builder().put(action).build())
    }

    pub(super) fn metering(&self) -> Option<ReturnConsumedCapacity> {
        self.meter.as_ref().map(|_| ReturnConsumedCapacity::Total)
    }

    pub(super) fn meter_read(&self, used: Option<&ConsumedCapacity>) {
        if let (Some(meter), Some(used)) = (&self.meter, used) {
            meter.read.fetch_add(thousandths(used), Ordering::Relaxed);
        }
    }

    pub(super) fn meter_write(&self, used: Option<&ConsumedCapacity>) {
        if let (Some(meter), Some(used)) = (&self.meter, used) {
            meter.write.fetch_add(thousandths(used), Ordering::Relaxed);
        }
    }
}

// The capacity is a small positive number.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn thousandths(used: &ConsumedCapacity) -> u64 {
    (used.capacity_units().unwrap_or_default() * 1000.0).round() as u64
}
