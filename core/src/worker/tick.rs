//! The work of each minute: the sweep, and the scheduled jobs that are due.

use jiff::Timestamp;

use crate::project::Project;
use crate::store::StoreError;
use crate::worker::schedule::start_due;
use crate::worker::sweep::{Swept, sweep};

/// The result of one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticked {
    /// The result of the sweep.
    pub swept: Swept,
    /// The number of scheduled jobs that were put on the queue.
    pub jobs: usize,
}

/// Sweeps, and starts the scheduled jobs that are due. Run it every minute. Two runs at the same time do no harm.
pub async fn tick(project: &Project) -> Result<Ticked, StoreError> {
    let (swept, jobs) = tokio::join!(sweep(project), start_due(project));
    Ok(Ticked { swept: swept?, jobs: jobs? })
}

/// Returns the time at which the next tick has work, if this is at or before `until`. For clocks that a test or a
/// person moves by hand.
pub async fn next_due(project: &Project, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let now = project.ports.clock.now();
    let waiting = project.ports.store.due(until, 1).await?.first().map(|due| due.since);
    let schedules = project.router.jobs().values();
    let jobs = schedules.filter_map(|schedule| schedule.when.as_ref().ok()?.next(now, until));
    Ok(jobs.chain(waiting).min())
}
