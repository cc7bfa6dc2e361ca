//! Calls for what is due that fail as planned.

use async_trait::async_trait;
use jiff::Timestamp;

use super::FaultyStore;
use crate::store::{DueCursor, DueIndex, DuePage, Store, StoreError};

#[async_trait]
impl<S: Store> DueIndex for FaultyStore<S> {
    async fn due_page(
        &self,
        now: Timestamp,
        after: Option<&DueCursor>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.faults.around(self.inner.due_page(now, after, limit)).await
    }
}
