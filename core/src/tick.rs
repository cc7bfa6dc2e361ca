//! What happens once a minute: the sweep, and the jobs that are due.

use crate::project::Project;
use crate::schedule::start_due;
use crate::store::StoreError;
use crate::sweep::{Swept, sweep};

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
