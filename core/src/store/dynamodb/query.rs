//! Queries within one partition.

use super::item::Item;
use super::item::text;
use super::{DynamoStore, StoreError};
use crate::aws::classify;

impl DynamoStore {
    /// Returns the items of one partition whose sort key begins with this prefix, in ascending or descending order.
    pub(super) async fn query_led_by(
        &self,
        pk: &str,
        lead: &str,
        forward: bool,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        self.query_items(
            "pk = :pk AND begins_with(sk, :lead)",
            [(":pk", pk), (":lead", lead)],
            forward,
            limit,
        )
        .await
    }

    /// Returns the items of one partition whose sort key is in a range, in ascending order. Both ends are included.
    pub(super) async fn query_between(
        &self,
        pk: &str,
        first: &str,
        last: &str,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let values = [(":pk", pk), (":first", first), (":last", last)];
        self.query_items("pk = :pk AND sk BETWEEN :first AND :last", values, true, limit).await
    }

    async fn query_items(
        &self,
        condition: &str,
        values: impl IntoIterator<Item = (&str, &str)>,
        forward: bool,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let values: Item = values.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let wanted = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .consistent_read(true)
                .scan_index_forward(forward)
                .limit(wanted)
                .set_exclusive_start_key(from)
                .set_return_consumed_capacity(self.metering())
                .send()
                .await
                .map_err(|error| classify("Query", &error))?;
            self.meter_read(output.consumed_capacity());
            items.extend(output.items.unwrap_or_default());
            from = output.last_evaluated_key;
            if from.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
    }
}
