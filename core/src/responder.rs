//! The out-of-band responder: works off batches of queued jobs, groups side by side, the jobs of a group in turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{Instrument as _, error, info_span, warn};

use crate::broadcast::{spread_on, spread_part};
use crate::clock::Deadline;
use crate::deliver;
use crate::handle;
use crate::occasion::Occasion;
use crate::project::Project;
use crate::queue::{Job, QueueError};
use crate::schedule;
use crate::store::StoreError;

/// One record of a batch, as the queue hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the queue calls it: failures are reported by this.
    pub id: String,
    /// Its message group; records without one are groups of their own.
    pub group: Option<String>,
    /// The job, as JSON.
    pub body: String,
    /// How often it was handed out, this time included.
    pub receive_count: u32,
}

/// A record that is not done and goes back to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The record's id.
    pub id: String,
    /// How long the queue should keep it before it hands it out again. Zero for a record that can never be done:
    /// the sooner it is in the dead-letter queue, the sooner its group goes on.
    pub retry_after: Duration,
}

/// What the responder keeps of its time to report what it did not finish.
const REPORT_TIME: Duration = Duration::from_secs(2);

/// With less time than this left, no further job is begun.
const SHORTEST_JOB: Duration = Duration::from_secs(1);

/// Works off one batch and says what of it is not done.
///
/// In a group, what follows a record that failed fails too, so that order is kept. A record that is no job at all
/// fails alone: nothing can be done about it, and nothing needs to wait for it. What is not done at `deadline`
/// has failed.
pub async fn respond(project: &Arc<Project>, records: Vec<Record>, deadline: Deadline) -> Vec<Failure> {
    let deadline = Deadline::within(deadline.remaining().saturating_sub(REPORT_TIME));
    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    let mut groups: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in records {
        let group = record.group.clone().unwrap_or_else(|| record.id.clone());
        groups.entry(group).or_default().push(record);
    }
    let mut tasks = JoinSet::new();
    let mut members = BTreeMap::new();
    for records in groups.into_values() {
        let records: Arc<[Record]> = records.into();
        let work = work_off(Arc::clone(project), Arc::clone(&records), deadline);
        members.insert(tasks.spawn(work.in_current_span()).id(), records);
    }
    let mut failures = Vec::new();
    while let Some(ended) = tasks.join_next_with_id().await {
        match ended {
            Ok((_, failed)) => failures.extend(failed),
            Err(gone) => {
                // Not an app's doing, since those run in tasks of their own: a defect of ours.
                error!(outcome = "group_panicked", error = %gone, "a group of jobs ended in a panic");
                let records = members.get(&gone.id()).map_or(&[][..], |records| &records[..]);
                failures.extend(records.iter().map(later));
            }
        }
    }
    // In the order of the batch, whatever group ended first.
    failures.sort_by_key(|failure| ids.iter().position(|id| *id == failure.id));
    failures
}

async fn work_off(project: Arc<Project>, records: Arc<[Record]>, deadline: Deadline) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (at, record) in records.iter().enumerate() {
        if deadline.remaining() < SHORTEST_JOB {
            warn!(outcome = "out_of_time", left = records.len() - at, "the rest of the group goes back");
            failures.extend(records[at..].iter().map(later));
            break;
        }
        let job = match Job::from_json(&record.body) {
            Ok(job) => job,
            Err(problem) if problem.is_transient() => {
                error!(record = record.id, outcome = "unread", error = %problem, "left for a later version");
                failures.extend(records[at..].iter().map(later));
                break;
            }
            Err(problem) => {
                error!(record = record.id, outcome = "poisonous", error = %problem, "goes to the dead letters");
                failures.push(Failure { id: record.id.clone(), retry_after: Duration::ZERO });
                continue;
            }
        };
        if let Err(problem) = run(&project, job, deadline).await {
            error!(record = record.id, outcome = "retried", error = %problem, "the rest of the group waits too");
            failures.extend(records[at..].iter().map(later));
            break;
        }
    }
    failures
}

/// Why a job is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undone {
    /// The store did not do what was asked of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nor did the queue.
    #[error("{0}")]
    Queue(String),
    /// A scheduled job failed.
    #[error("the job failed: {0}")]
    Job(String),
}

impl From<QueueError> for Undone {
    fn from(problem: QueueError) -> Self {
        Self::Queue(problem.to_string())
    }
}

async fn run(project: &Project, job: Job, deadline: Deadline) -> Result<(), Undone> {
    match job {
        Job::Broadcast { key } => spread_on(project, &key).await,
        Job::Scheduled { name, due } => {
            let span = info_span!("scheduled", job = name);
            schedule::run(project, &name, due, deadline).instrument(span).await
        }
        Job::Part { key, part } => spread_part(project, &key, part, deadline).await,
        Job::Incoming { message } => take_in(project, Occasion::Message(Arc::from(message)), deadline).await,
        Job::Notice { notice } => take_in(project, Occasion::Notice(Arc::from(notice)), deadline).await,
        Job::Report { report } => take_in(project, Occasion::Report(Arc::from(report)), deadline).await,
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

async fn take_in(project: &Project, occasion: Occasion, deadline: Deadline) -> Result<(), Undone> {
    let backend = &occasion.connection().backend;
    if project.installed(backend).is_none() {
        warn!(backend = backend.as_str(), outcome = "no_backend", "its backend is no longer in the settings");
    }
    handle::handle(project, occasion, deadline, |deadline| deadline).await?;
    Ok(())
}

/// Back to the queue, for longer each time: 2 s, 4 s … 5 min.
fn later(record: &Record) -> Failure {
    let wait = Duration::from_secs(1 << record.receive_count.clamp(1, 9)).min(Duration::from_secs(300));
    Failure { id: record.id.clone(), retry_after: wait }
}
