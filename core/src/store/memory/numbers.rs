//! Numbers in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::model::message::{BackendName, ConnectionId};
use crate::store::{Number, Numbers, StoreError, is_over, numbers};

#[async_trait]
impl Numbers for MemoryStore {
    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.lock();
        let used_at = tables.numbers.entry(connection.clone()).or_insert(at);
        *used_at = at.max(*used_at);
        Ok(())
    }

    async fn numbers(
        &self,
        backend: &BackendName,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Number>, StoreError> {
        let tables = self.lock();
        let kept = tables.numbers.iter().filter(|(connection, used_at)| {
            connection.backend == *backend && !is_over(**used_at, Number::KEPT, now)
        });
        let number = |(connection, used_at): (&ConnectionId, &Timestamp)| Number {
            identity: connection.identity.clone(),
            used_at: *used_at,
        };
        Ok(numbers::last_used_first(kept.map(number).collect(), limit))
    }

    async fn forget(&self, connection: &ConnectionId) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.history.remove(connection);
        tables.numbers.remove(connection);
        Ok(())
    }
}
