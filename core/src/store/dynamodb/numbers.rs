//! The calls of the message tester: the numbers that it used, a conversation from a moment on, and the deletion of a
//! conversation.

use crate::store::Numbers;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;
use futures_util::future::try_join_all;
use jiff::Timestamp;

use super::call::key;
use super::item::{Item, Reader, is_expired, names as n, number, sort_key, time};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::aws::classify;
use crate::model::message::{BackendName, ConnectionId};
use crate::store::Number;
use crate::store::numbers::last_used_first;

/// The number of items that are deleted at the same time.
const SIDE_BY_SIDE: usize = 16;

/// The number of rows that are read before they are deleted.
const ROWS_AT_ONCE: usize = 500;

#[async_trait]
impl Numbers for DynamoStore {
    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = (keys::of_backend(&connection.backend), keys::of_number(&connection.identity));
        let mut update = Update::new();
        update.set(n::USED_AT, time(at)).set(n::TTL, number(at.as_second() + Number::KEPT.as_secs()));
        let (used_at, here) = (update.name(n::USED_AT), update.value(time(at)));
        update.only_if(format!("(attribute_not_exists({used_at}) OR {used_at} < {here})"));
        self.update(&pk, &sk, update, ReturnValue::None).await.map(drop)
    }

    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError> {
        let pk = keys::of_backend(backend);
        let items = self.query_led_by(&pk, keys::NUMBER, true, usize::MAX).await?;
        let numbers = items.iter().filter(|item| !is_expired(item, now)).map(to_number);
        Ok(last_used_first(numbers.collect::<Result<_, _>>()?, limit))
    }

    /// Deletes the number last. As long as the number is there, the remaining rows can be found and deleted.
    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        let pk = keys::of_connection(connection);
        loop {
            let items = self.query_led_by(&pk, keys::MESSAGE, true, ROWS_AT_ONCE).await?;
            for some in items.chunks(SIDE_BY_SIDE) {
                try_join_all(some.iter().map(|item| self.delete(&pk, sort_key(item)))).await?;
            }
            if items.len() < ROWS_AT_ONCE {
                break;
            }
        }
        self.delete(&keys::of_backend(&connection.backend), &keys::of_number(&connection.identity)).await
    }
}

impl DynamoStore {
    async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        let call = self.client.delete_item().table_name(&self.table).set_key(Some(key(pk, sk)));
        let call = call.set_return_consumed_capacity(self.metering());
        let output = call.send().await.map_err(|error| classify("DeleteItem", &error))?;
        self.meter_write(output.consumed_capacity());
        Ok(())
    }
}

fn to_number(item: &Item) -> Result<Number, StoreError> {
    let sk = sort_key(item);
    let read = Reader::new(sk, item);
    let identity = sk.strip_prefix(keys::NUMBER).and_then(|identity| identity.parse().ok());
    Ok(Number {
        identity: identity.ok_or_else(|| read.bad(keys::SK))?,
        used_at: read.time(n::USED_AT)?.ok_or_else(|| read.bad(n::USED_AT))?,
    })
}
