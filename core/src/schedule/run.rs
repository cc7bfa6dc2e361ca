//! Starting jobs that are due, and running them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use super::context::Effect;
use super::{JobContext, Schedule};
use crate::apart::{Failure, apart};
use crate::broadcast::{Broadcast, BroadcastKey, Piece, in_parts};
use crate::clock::Deadline;
use crate::hex::hex;
use crate::message::{MessageId, digest};
use crate::project::Project;
use crate::queue::Ticket;
use crate::reach::ways;
use crate::responder::Undone;
use crate::store::{JobRecord, StoreError};

/// A job that was never seen before is due if it was so in the last minute: between two ticks.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(60);

/// What a run leaves of the responder's time for its commit.
const COMMIT_TIME: Duration = Duration::from_secs(5);

/// Puts each job that is due on the queue, once for each due time, and says how many those were.
///
/// On the queue first and recorded then: a death in between only puts it there again, and it runs once.
pub(crate) async fn start_due(project: &Project) -> Result<usize, StoreError> {
    let mut started = 0;
    for (name, schedule) in project.router.jobs() {
        let now = project.ports.clock.now();
        let Some(due) = schedule.when.as_ref().ok().and_then(|when| when.last(now)) else { continue };
        if project.is_started(name, due) {
            continue;
        }
        let store = &project.ports.store;
        let seen = store.job(name).await?;
        let last = seen.as_ref().map_or(now - FIRST_LOOK, |seen| seen.started);
        if due > last {
            if let Err(problem) = project.enqueue(Ticket::scheduled(name.clone(), due)).await {
                error!(job = name, outcome = "not_enqueued", error = %problem, "scheduled");
                continue;
            }
            info!(job = name, due = %due, outcome = "started", "scheduled");
            started += 1;
        }
        let record =
            JobRecord { started: due.max(last), ..seen.clone().unwrap_or_else(|| JobRecord::new(due)) };
        // Who was faster has started the same.
        if seen.as_ref() == Some(&record) || store.put_job(name, seen.as_ref(), &record).await? {
            project.started(name, due);
        }
    }
    Ok(started)
}

/// Runs a job for one due time, unless that is done already.
pub(crate) async fn run(
    project: &Project,
    name: &str,
    due: Timestamp,
    deadline: Deadline,
) -> Result<(), Undone> {
    let Some(schedule) = project.router.jobs().get(name) else {
        warn!(job = name, outcome = "unknown", "the job is no longer there");
        return Ok(());
    };
    let seen = project.ports.store.job(name).await?.unwrap_or_else(|| JobRecord::new(due));
    if seen.done.is_some_and(|done| done >= due) {
        return Ok(());
    }
    let effect = work(project, schedule, (name, due), &seen, deadline).await?;
    let state = effect.state.map(|state| state.to_string());
    if let Some(bytes) = state.as_ref().map(String::len).filter(|bytes| *bytes > JobContext::MAX_STATE_BYTES)
    {
        return Err(Undone::Job(format!("its state has {bytes} bytes, too many to keep")));
    }
    // First what goes out, each under a key of this due time: a death in between repeats it, and it is known.
    send(project, (name, due), effect.sends).await?;
    let store = &project.ports.store;
    loop {
        let now_seen = store.job(name).await?;
        let current = now_seen.clone().unwrap_or_else(|| JobRecord::new(due));
        if current.done.is_some_and(|done| done >= due) {
            return Ok(());
        }
        let record = JobRecord { done: Some(due), state: state.clone(), ..current };
        if store.put_job(name, now_seen.as_ref(), &record).await? {
            info!(job = name, due = %due, outcome = "done", "scheduled");
            return Ok(());
        }
    }
}

/// The same for each run of this job for this due time.
fn id_of(name: &str, due: Timestamp) -> String {
    hex(&digest(&["job", name, &due.as_millisecond().to_string()])[..16])
}

/// Runs it apart, so that a panic, a hang or a blocked thread is its own affair.
async fn work(
    project: &Project,
    schedule: &Schedule,
    (name, due): (&str, Timestamp),
    seen: &JobRecord,
    deadline: Deadline,
) -> Result<Effect, Undone> {
    let state = seen.state.as_deref().map(serde_json::from_str).transpose();
    let state = state.map_err(|problem| Undone::Job(format!("its state cannot be read: {problem}")))?;
    let id = MessageId::from(id_of(name, due).as_str());
    let now = project.ports.clock.now();
    let cx = JobContext::new(id, due, now, Arc::clone(&project.about), state);
    let limit = deadline.remaining().saturating_sub(COMMIT_TIME);
    let problem = match apart((schedule.work)(cx.clone()), limit).await {
        Ok(()) => return Ok(cx.take_effect()),
        Err(Failure::Error(problem)) => problem,
        Err(Failure::Panic(problem)) => format!("it panicked: {problem}"),
        Err(Failure::Timeout) => "it took too long".to_owned(),
        Err(Failure::Blocked) => "it took too long, and blocks a thread".to_owned(),
    };
    error!(job = name, due = %due, outcome = "failed", error = problem, "scheduled");
    Err(Undone::Job(problem))
}

/// Sends as broadcasts of as many messages as one may have.
async fn send(
    project: &Project,
    (name, due): (&str, Timestamp),
    sends: Vec<crate::send::Sending>,
) -> Result<(), Undone> {
    let mut pieces = Vec::new();
    for (nth, sending) in (1..).zip(sends) {
        for recipient in &sending.recipients {
            let ways = ways(project, recipient).await?;
            if ways.is_empty() {
                warn!(job = name, outcome = "no_way", "a contact that cannot be reached");
            } else {
                pieces.push(Piece::to(ways, nth, sending.text.clone()));
            }
        }
    }
    let parts = in_parts(pieces);
    // By size: a part is at most a tenth of what is written at once.
    for (nth, some) in parts.chunks(10).enumerate() {
        let key = format!("job.{}.{nth}", id_of(name, due));
        let key: BroadcastKey = key.parse().map_err(|_| Undone::Job("a bad key".to_owned()))?;
        let created_at = project.ports.clock.now();
        let broadcast = Broadcast {
            digest: key.to_string(),
            key,
            text: String::new(),
            created_at: Timestamp::from_millisecond(created_at.as_millisecond()).unwrap_or(created_at),
            sizes: some.iter().map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX)).collect(),
            spread: BTreeSet::new(),
        };
        project.ports.store.open_broadcast(&broadcast, some).await?;
        // The sweep does it where this fails.
        let ticket = Ticket::broadcast(broadcast.key, broadcast.created_at);
        if let Err(problem) = project.enqueue(ticket).await {
            warn!(job = name, outcome = "left_to_the_sweep", error = %problem, "scheduled");
        }
    }
    Ok(())
}
