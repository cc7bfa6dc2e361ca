//! What a store in memory keeps although nothing is left to do.

use super::MemoryStore;

impl MemoryStore {
    /// Returns a line for each thing that waits or is held: leases, entries of outboxes, pieces that moved out of a
    /// record, broadcasts that are not finished. Empty where the project is idle. In a fixed order.
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
            // Without a time it is one that a job kept, and another run decided on another one.
            if kept.due_at.is_some() {
                lines.push(format!("broadcast {key} has {parts} parts left, due {:?}", kept.due_at));
            }
        }
        lines.sort();
        lines
    }
}
