//! The unfinished work in a memory store, for tests that expect none.

use super::MemoryStore;

impl MemoryStore {
    /// Returns a line for each unfinished thing: leases, outbox entries, chunks that moved out of a record, and
    /// broadcasts that are due. The list is empty if the project is idle. Its order is fixed.
    pub fn unfinished(&self) -> Vec<String> {
        let tables = self.lock();
        let mut lines = Vec::new();
        for (connection, kept) in &tables.connections {
            let name = format!("{}:{}", connection.backend.as_str(), connection.identity.as_str());
            if let Some(lease) = &kept.record.lease {
                lines.push(format!("{name} has a lease until {}", lease.until));
            }
            for entry in &kept.record.outbox.entries {
                lines.push(format!("{name} has {} in its outbox", entry.id));
            }
            let (counted, pieces) = (kept.record.outbox.spilled, kept.chunks.len());
            if counted > 0 || pieces > 0 {
                lines.push(format!("{name} counts {counted} pieces beside its record, and has {pieces}"));
            }
        }
        for (key, kept) in &tables.broadcasts {
            let parts = kept.broadcast.unfinished().len();
            // A broadcast without a due time is no unfinished work. A job run staged it, but another run of the same
            // due time was decided and used another broadcast.
            if kept.due_at.is_some() {
                lines.push(format!("broadcast {key} has {parts} parts left, due {:?}", kept.due_at));
            }
        }
        lines.sort();
        lines
    }
}
