//! The start and the run of scheduled jobs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use crate::app::schedule::{Effect, JobContext, Schedule};
use crate::model::broadcast::{Broadcast, BroadcastMessage, in_parts};
use crate::model::broadcast_key::BroadcastKey;
use crate::model::message::{MessageId, digest};
use crate::pipeline::reach::connections_of;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::Ticket;
use crate::router::apart::{Failure, apart};
use crate::store::{JobRecord, StoreError};
use crate::util::clock::Deadline;
use crate::util::hex::hex;
use crate::worker::failure::JobFailure;

/// The period for a job that is started for the first time. It runs if its last due time is in this period, that is,
/// between two ticks.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(60);

/// The part of the time of the Lambda function `responder` that a run leaves for its commit.
const COMMIT_TIME: Duration = Duration::from_secs(5);

/// Puts each due job on the queue, once for each due time, and returns the number of these jobs.
///
/// The job goes on the queue first and is recorded then. If the process dies in between, the next tick puts the job on
/// the queue again, but it still runs once.
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
            if let Err(problem) = project.ports.queue.enqueue(Ticket::scheduled(name.clone(), due)).await {
                error!(job = name, outcome = "not_enqueued", error = %problem, "scheduled");
                if !planted::is(Plant::StartedBeforeQueued) {
                    continue;
                }
            }
            info!(job = name, due = %due, outcome = "started", "scheduled");
            started += 1;
        }
        let record =
            JobRecord { started: due.max(last), ..seen.clone().unwrap_or_else(|| JobRecord::new(due)) };
        // A faster process has started the same job.
        if seen.as_ref() == Some(&record) || store.put_job(name, seen.as_ref(), &record).await? {
            project.started(name, due);
        }
    }
    Ok(started)
}

/// Runs a job for one due time, unless this is done already.
///
/// First stores all messages of the run as broadcasts that are not yet due. Then one conditional write decides for
/// ever: the due time is done, with this state and with these broadcasts. Only after that do the broadcasts become due.
/// A run may be repeated and find other recipients this time. Then either the first run decided nothing, or the
/// repeated run decides nothing.
pub(crate) async fn run(
    project: &Project,
    name: &str,
    due: Timestamp,
    deadline: Deadline,
) -> Result<(), JobFailure> {
    let store = &project.ports.store;
    let seen = store.job(name).await?.unwrap_or_else(|| JobRecord::new(due));
    let seen = release(project, name, seen).await?;
    if seen.done.is_some_and(|done| done >= due) && !planted::is(Plant::JobDoneTwice) {
        return Ok(());
    }
    let Some(schedule) = project.router.jobs().get(name) else {
        warn!(job = name, outcome = "not_found", "no app has this job");
        return Ok(());
    };
    let effect = work(project, schedule, (name, due), &seen, deadline).await?;
    let state = effect.state.map(|state| state.to_string());
    if let Some(bytes) = state.as_ref().map(String::len).filter(|bytes| *bytes > JobContext::MAX_STATE_BYTES)
    {
        return Err(JobFailure::Job(format!(
            "its state has {bytes} bytes; at most {} are allowed",
            JobContext::MAX_STATE_BYTES
        )));
    }
    if planted::is(Plant::JobDoneBeforeSent) {
        let current = store.job(name).await?;
        let record = current.clone().unwrap_or_else(|| JobRecord::new(due));
        let record = JobRecord { done: Some(due), state: state.clone(), ..record };
        store.put_job(name, current.as_ref(), &record).await?;
    }
    let outgoing = stage(project, (name, due), effect.sends).await?;
    loop {
        let now_seen = store.job(name).await?;
        let current = now_seen.clone().unwrap_or_else(|| JobRecord::new(due));
        // Either another run of the same due time has decided, or a run of another due time has not yet made its
        // broadcasts due.
        let is_done = current.done.is_some_and(|done| done >= due) && !planted::is(Plant::JobDoneTwice);
        if is_done || !current.outgoing.is_empty() {
            let current = release(project, name, current).await?;
            if current.done.is_some_and(|done| done >= due) && !planted::is(Plant::JobDoneTwice) {
                return Ok(());
            }
            continue;
        }
        let record =
            JobRecord { done: Some(due), state: state.clone(), outgoing: outgoing.clone(), ..current };
        if store.put_job(name, now_seen.as_ref(), &record).await? {
            info!(job = name, due = %due, outcome = "done", "scheduled");
            release(project, name, JobRecord { version: record.version + 1, ..record }).await?;
            return Ok(());
        }
    }
}

/// Makes the broadcasts of a decided run due, and records this. Returns the job's record after that.
async fn release(project: &Project, name: &str, seen: JobRecord) -> Result<JobRecord, JobFailure> {
    if seen.outgoing.is_empty() {
        return Ok(seen);
    }
    let store = &project.ports.store;
    for key in &seen.outgoing {
        let kept = store.broadcast(key, project.ports.clock.now()).await?;
        let Some(broadcast) = kept.filter(|broadcast| !broadcast.unfinished().is_empty()) else { continue };
        store.postpone_broadcast(key, Some(broadcast.created_at)).await?;
        // If this fails, the sweep puts the job on the queue later.
        let ticket = Ticket::broadcast(broadcast.key, broadcast.created_at);
        if let Err(problem) = project.ports.queue.enqueue(ticket).await {
            warn!(
                job = name,
                outcome = "broadcast_not_enqueued",
                error = %problem,
                "the sweep will start the broadcast of this job"
            );
        }
    }
    let released = JobRecord { outgoing: Vec::new(), ..seen.clone() };
    if store.put_job(name, Some(&seen), &released).await? {
        return Ok(JobRecord { version: seen.version + 1, ..released });
    }
    // A faster process wrote the same, or a later due time.
    Ok(store.job(name).await?.unwrap_or(released))
}

/// Returns an id that is the same for each run of this job for this due time.
fn id_of(name: &str, due: Timestamp) -> String {
    hex(&digest(&["job", name, &due.as_millisecond().to_string()])[..16])
}

/// Runs the job apart, so that a panic, a hang or a blocked thread does not stop anything else.
async fn work(
    project: &Project,
    schedule: &Schedule,
    (name, due): (&str, Timestamp),
    seen: &JobRecord,
    deadline: Deadline,
) -> Result<Effect, JobFailure> {
    let state = seen.state.as_deref().map(serde_json::from_str).transpose();
    let state = state.map_err(|problem| JobFailure::Job(format!("its state cannot be read: {problem}")))?;
    let id = MessageId::from(id_of(name, due).as_str());
    let now = project.ports.clock.now();
    let cx = JobContext::new(id, due, now, Arc::clone(&project.about), state);
    let limit = deadline.remaining().saturating_sub(COMMIT_TIME);
    let problem = match apart((schedule.work)(cx.clone()), limit).await {
        Ok(()) => return Ok(cx.take_effect()),
        Err(Failure::Error(problem)) => problem,
        Err(Failure::Panic(problem)) => format!("it panicked: {problem}"),
        Err(Failure::Timeout) => "it took too long".to_owned(),
        Err(Failure::Blocked) => "it took too long, and still blocks its thread".to_owned(),
    };
    project.metrics.app_failed(name, "job");
    error!(job = name, due = %due, outcome = "failed", error = problem, "scheduled");
    Err(JobFailure::Job(problem))
}

/// Stores the messages of a run as broadcasts of the maximum size, and returns their keys. None of the broadcasts is
/// due yet.
async fn stage(
    project: &Project,
    (name, due): (&str, Timestamp),
    sends: Vec<crate::app::send::Sending>,
) -> Result<Vec<BroadcastKey>, JobFailure> {
    let mut messages = Vec::new();
    for (nth, sending) in (1..).zip(sends) {
        for recipient in &sending.recipients {
            let connections = connections_of(project, recipient).await?;
            if connections.is_empty() {
                warn!(
                    job = name,
                    outcome = "no_connection",
                    "a contact does not exist or has no connection; it gets no message"
                );
            } else {
                messages.push(BroadcastMessage::to(connections, nth, sending.text.clone()));
            }
        }
    }
    let lead = lead_of(project, (name, due), &messages).await?;
    let parts = in_parts(messages);
    let mut keys = Vec::new();
    // The limit is the size of one transaction: a part takes at most a tenth of it.
    for (nth, some) in parts.chunks(10).enumerate() {
        let key: BroadcastKey = format!("{lead}.{nth}")
            .parse()
            .map_err(|_| JobFailure::Job("the key of a broadcast is not valid".to_owned()))?;
        let created_at = project.ports.clock.now();
        let broadcast = Broadcast {
            digest: key.to_string(),
            key,
            text: String::new(),
            created_at: Timestamp::from_millisecond(created_at.as_millisecond()).unwrap_or(created_at),
            sizes: some.iter().map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX)).collect(),
            fanned_out: BTreeSet::new(),
        };
        project.ports.store.stage_broadcast(&broadcast, some).await?;
        keys.push(broadcast.key);
    }
    Ok(keys)
}

/// Returns the prefix of the keys of a run's broadcasts. It contains the due time and a digest of all messages, so that
/// two different lists never share a key.
async fn lead_of(
    project: &Project,
    (name, due): (&str, Timestamp),
    messages: &[BroadcastMessage],
) -> Result<String, StoreError> {
    let of_due = format!("job.{}", id_of(name, due));
    // An earlier version had no digest in its keys, and the broadcasts that it opened went out at once. A run that it
    // began continues under the same keys.
    if let Ok(first) = format!("{of_due}.0").parse::<BroadcastKey>()
        && project.ports.store.broadcast(&first, project.ports.clock.now()).await?.is_some()
    {
        warn!(job = name, outcome = "continued", "an earlier version of this program began the run");
        return Ok(of_due);
    }
    let list = serde_json::to_string(messages).unwrap_or_default();
    Ok(format!("{of_due}.{}", hex(&digest(&[&list])[..8])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_has_another_id_at_each_due_time() {
        let due = |second: i64| Timestamp::from_second(second).unwrap();
        let first = id_of("a", due(60));
        assert_eq!(first, "31f62a9b0d65b3524ed3b5eba22d9c3a");
        assert_eq!(id_of("a", due(60)), first);
        assert_ne!(id_of("a", due(120)), first);
        assert_ne!(id_of("b", due(60)), first);
    }
}
