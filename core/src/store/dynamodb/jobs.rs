//! Scheduled jobs as items.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;

use super::call::Written;
use super::item::{Reader, names as n, number, of_list, text, time};
use super::update::Update;
use super::{DynamoStore, StoreError, keys};
use crate::store::{JobRecord, Jobs};

#[async_trait]
impl Jobs for DynamoStore {
    async fn job(&self, name: &str) -> Result<Option<JobRecord>, StoreError> {
        let pk = keys::of_job(name);
        let Some(item) = self.get(&pk, keys::JOB).await? else { return Ok(None) };
        let read = Reader::new(&pk, &item);
        Ok(Some(JobRecord {
            version: read.number(n::VERSION)?.ok_or_else(|| read.bad(n::VERSION))?,
            started: read.time(n::STARTED)?.ok_or_else(|| read.bad(n::STARTED))?,
            done: read.time(n::DONE)?,
            state: read.text(n::SESSION)?.map(str::to_owned),
            outgoing: read.list(n::OUTGOING)?,
        }))
    }

    async fn put_job(
        &self,
        name: &str,
        seen: Option<&JobRecord>,
        record: &JobRecord,
    ) -> Result<bool, StoreError> {
        let version = seen.map(|seen| seen.version);
        let mut update = Update::new();
        update.set(n::VERSION, number(version.unwrap_or(0) + 1)).set(n::STARTED, time(record.started));
        match record.done {
            Some(at) => update.set(n::DONE, time(at)),
            None => update.remove(&[n::DONE]),
        };
        match &record.state {
            Some(state) => update.set(n::SESSION, text(state)),
            None => update.remove(&[n::SESSION]),
        };
        match of_list(&record.outgoing) {
            Some(keys) => update.set(n::OUTGOING, keys),
            None => update.remove(&[n::OUTGOING]),
        };
        update.only_if_is(n::VERSION, version.map(number));
        let written = self.update(&keys::of_job(name), keys::JOB, update, ReturnValue::None).await?;
        Ok(matches!(written, Written::Yes(_)))
    }
}
