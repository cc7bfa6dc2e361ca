//! What happens once a minute: the sweep, and the jobs that are due.

use jiff::Timestamp;

use crate::project::Project;
use crate::store::StoreError;
use crate::worker::schedule::start_due;
use crate::worker::sweep::{Swept, sweep};

/// What one tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// What was swept.
    pub swept: Swept,
    /// So many scheduled jobs were put on the queue.
    pub jobs: usize,
}

/// Sweeps, and starts the jobs that are due. Run it every minute; running it twice at once does no harm.
pub async fn tick(project: &Project) -> Result<Ticked, StoreError> {
    let (swept, jobs) = tokio::join!(sweep(project), start_due(project));
    Ok(Ticked { swept: swept?, jobs: jobs? })
}

/// When the next tick has something to do, if that is at or before `until`: for clocks that are moved by hand.
pub async fn next_due(project: &Project, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let now = project.ports.clock.now();
    let waiting = project.ports.store.due(until, 1).await?.first().map(|due| due.since);
    let schedules = project.router.jobs().values();
    let jobs = schedules.filter_map(|schedule| schedule.when.as_ref().ok()?.next(now, until));
    Ok(jobs.chain(waiting).min())
}
