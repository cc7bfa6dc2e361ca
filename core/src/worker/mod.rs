//! Work for which no gateway waits: batches of queued jobs, the sweep, scheduled jobs, the fan-out of broadcasts.

mod batch;
pub(crate) mod broadcast;
pub(crate) mod failure;
pub(crate) mod schedule;
pub(crate) mod sweep;
pub(crate) mod tick;

pub use batch::{Failure, Record, respond};
