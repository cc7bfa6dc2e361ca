//! The worker of the Lambda function `responder`: works off batches of queued jobs. Groups run side by side, and the
//! jobs of a group run in turn.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{Instrument as _, error, info_span, warn};

use super::failure::JobFailure;
use crate::limits::SETTLE_TIME;
use crate::metrics::Timing;
use crate::pipeline::accept::to_normal;
use crate::pipeline::input::Input;
use crate::pipeline::{deliver, process};
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::Job;
use crate::router::budget::{Budget, Shift};
use crate::util::clock::{Deadline, not_ahead};
use crate::worker::broadcast::{fan_out_broadcast, fan_out_part};

/// One record of a batch, as the queue hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The queue's id of the record. Batch item failures name it.
    pub id: String,
    /// The message group. A record without one is a group of its own.
    pub group: Option<String>,
    /// The job, as JSON.
    pub body: String,
    /// The number of times that the record was handed out, including this time.
    pub receive_count: u32,
    /// The time at which the job was put on the queue, if the queue gives it.
    pub sent_at: Option<Timestamp>,
}

/// A record that is not done and goes back to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The record's id.
    pub id: String,
    /// The time that the queue should wait before it hands the record out again. It is zero for a record that can never
    /// be done: the sooner the record is in the dead-letter queue, the sooner its group continues.
    pub retry_after: Duration,
}

/// The minimum remaining time to start another job.
const SHORTEST_JOB: Duration = Duration::from_secs(1);

/// Works off one batch and returns the records that are not done. Ends at `deadline`, even if a job hangs.
///
/// In a group, every record behind a failed record fails too, so that the order is kept. The same holds behind a job
/// that only a later program can read: the job waits for the new function. A record that is no job at all fails alone,
/// since nothing can be done about it and nothing needs to wait for it. A record that is not done shortly before
/// `deadline` has failed.
pub async fn respond(project: &Arc<Project>, records: Vec<Record>, deadline: Deadline) -> Vec<Failure> {
    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    let mut groups: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in records {
        let group = record.group.clone().unwrap_or_else(|| record.id.clone());
        groups.entry(group).or_default().push(record);
    }
    let mut tasks = JoinSet::new();
    let mut members = Vec::new();
    for mut records in groups.into_values() {
        if planted::is(Plant::GroupBackwards) {
            records.reverse();
        }
        let group = Arc::new(Group { records, progress: Mutex::default() });
        let work = work_off(Arc::clone(project), Arc::clone(&group), deadline.less(SETTLE_TIME));
        tasks.spawn(work.in_current_span());
        members.push(group);
    }
    let ended = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(gone) = ended {
                // Apps run apart, so the panic is not an app's. It is a defect of this crate.
                error!(outcome = "group_panicked", error = %gone, "the task of a message group panicked");
            }
        }
    };
    if timeout(deadline.remaining(), ended).await.is_err() {
        error!(outcome = "out_of_time", "the jobs that still run go back to the queue");
    }
    let mut failures: Vec<Failure> = members.iter().flat_map(|group| group.failures()).collect();
    // The failures follow the order of the batch, whichever group ended first.
    failures.sort_by_key(|failure| ids.iter().position(|id| *id == failure.id));
    failures
}

/// The records of one group, and the progress on them.
struct Group {
    records: Vec<Record>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The number of records that are finished: done, or among the failures.
    past: usize,
    /// The records that failed alone: the records behind them do not wait.
    failed_alone: Vec<Failure>,
    /// Whether only a later program can read the next record.
    later_version: bool,
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the records that are not done by now.
    fn failures(&self) -> Vec<Failure> {
        let at = self.lock();
        let wait = if at.later_version { much_later } else { later };
        at.failed_alone.iter().cloned().chain(self.records[at.past..].iter().map(wait)).collect()
    }
}

/// Works off a group, as far as possible.
async fn work_off(project: Arc<Project>, group: Arc<Group>, deadline: Deadline) {
    let mut shift = Shift::until(deadline, project.router.longest_phase());
    for (at, record) in group.records.iter().enumerate() {
        let behind = group.records.len() - at - 1;
        let budget = if deadline.remaining() < SHORTEST_JOB { None } else { shift.next(behind) };
        let Some(budget) = budget else {
            warn!(
                outcome = "out_of_time",
                left = behind + 1,
                "the rest of the message group goes back to the queue"
            );
            return;
        };
        let job = match Job::from_json(&record.body) {
            Ok(job) => job,
            Err(problem) if problem.is_transient() => {
                error!(
                    record = record.id,
                    outcome = "later_version",
                    error = %problem,
                    "the job goes back to the queue, for a later version of this program"
                );
                group.lock().later_version = true;
                return;
            }
            Err(problem) => {
                error!(
                    record = record.id,
                    outcome = "not_a_job",
                    error = %problem,
                    "the record will become a dead letter"
                );
                let mut at = group.lock();
                at.failed_alone.push(Failure { id: record.id.clone(), retry_after: Duration::ZERO });
                at.past += 1;
                continue;
            }
        };
        record_wait(&project, &job, record);
        if let Err(problem) = run(&project, job, budget).await {
            if planted::is(Plant::JobDropped) {
                group.lock().past += 1;
                continue;
            }
            if planted::is(Plant::GroupGoesOn) {
                let mut at = group.lock();
                at.failed_alone.push(later(record));
                at.past += 1;
                continue;
            }
            error!(
                record = record.id,
                outcome = "failed",
                error = %problem,
                "the job goes back to the queue, with the rest of its message group"
            );
            return;
        }
        group.lock().past += 1;
    }
}

/// Records how long a message waited in the queue. Later attempts of the same record do not count, since their wait is no
/// wait for a responder.
fn record_wait(project: &Project, job: &Job, record: &Record) {
    let connection = match job {
        Job::Incoming { message } => &message.connection,
        Job::Notice { notice } => &notice.connection,
        _ => return,
    };
    if let (Some(sent_at), 1) = (record.sent_at, record.receive_count) {
        let waited = project.ports.clock.now().duration_since(sent_at);
        let waited = Duration::try_from(waited).unwrap_or_default();
        project.metrics.time(&connection.backend, Timing::Queue, waited);
    }
}

async fn run(project: &Project, job: Job, budget: Budget) -> Result<(), JobFailure> {
    let deadline = budget.deadline;
    match job {
        Job::Broadcast { key } => fan_out_broadcast(project, &key).await,
        Job::Scheduled { name, due } => {
            let span = info_span!("scheduled", job = name);
            super::schedule::run(project, &name, due, deadline).instrument(span).await
        }
        Job::Part { key, part } => fan_out_part(project, &key, part).await,
        Job::Incoming { mut message } => {
            message.received_at = not_ahead(message.received_at, project.ports.clock.now());
            // The endpoint has made the connection normal. A job of an earlier version may hold another form.
            message.connection = to_normal(project, &message.connection, &mut message.details);
            take_in(project, Input::Message(Arc::from(message)), budget).await
        }
        Job::Notice { mut notice } => {
            notice.created_at = not_ahead(notice.created_at, project.ports.clock.now());
            notice.connection = project.normal(&notice.connection);
            take_in(project, Input::Notice(Arc::from(notice)), budget).await
        }
        Job::Report { mut report } => {
            report.at = not_ahead(report.at, project.ports.clock.now());
            report.connection = project.normal(&report.connection);
            take_in(project, Input::Report(Arc::from(report)), budget).await
        }
        Job::Deliver { connection } => {
            let span = info_span!(
                "deliver",
                backend = connection.backend.as_str(),
                identity = connection.identity.masked()
            );
            async {
                if let Some(work) = deliver::take(project, &connection).await? {
                    deliver::deliver(project, work, deadline).await;
                }
                Ok(())
            }
            .instrument(span)
            .await
        }
    }
}

async fn take_in(project: &Project, input: Input, budget: Budget) -> Result<(), JobFailure> {
    let backend = &input.connection().backend;
    if project.installed(backend).is_none() {
        warn!(backend = backend.as_str(), outcome = "no_backend", "the backend is not in the settings");
    }
    process::process(project, input, budget, |deadline| deadline).await?;
    Ok(())
}

/// Gives a job that only a later program can read back to the queue. The wait grows each time: 15 s, 30 s … 20 min.
///
/// With these waits, the ten receives of the queue's redrive policy last for more than an hour, longer than a
/// deployment.
fn much_later(record: &Record) -> Failure {
    let wait = Duration::from_secs(15 << record.receive_count.clamp(1, 8).saturating_sub(1));
    Failure { id: record.id.clone(), retry_after: wait.min(Duration::from_mins(20)) }
}

/// Gives a job that failed back to the queue. The wait grows each time: 2 s, 4 s … 5 min.
fn later(record: &Record) -> Failure {
    let wait = Duration::from_secs(1 << record.receive_count.clamp(1, 9)).min(Duration::from_secs(300));
    Failure { id: record.id.clone(), retry_after: wait }
}
