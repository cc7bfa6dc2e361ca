//! One attempt to send the head of an outbox, and the steps that follow from its result.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{Delivery, lease_end};
use crate::backend::{Attempt, Permit, Reference, Reported, SendOutcome};
use crate::metrics::{Event, Timing};
use crate::model::message::{ConnectionId, FinalStatus, State};
use crate::pipeline::errors::IncomingError;
use crate::pipeline::fan_out::{enqueue_notices, fan_out, to_next_connection};
use crate::pipeline::screen::OPTED_OUT;
use crate::pipeline::status::report;
use crate::planted::{self, Plant};
use crate::project::{Installed, Project};
use crate::store::{Entry, HistoryRow, StoreError};
use crate::util::clock::{Deadline, after};
use crate::util::random;

/// The time that a lease must still cover in addition to one send.
const LEASE_RESERVE: Duration = Duration::from_secs(5);

/// The minimum remaining time to start a send.
const SHORTEST_SEND: Duration = Duration::from_millis(500);

/// The age at which an outgoing message expires. The gateway is not asked again after this time.
const EXPIRY: SignedDuration = SignedDuration::from_hours(24);

/// The first and the longest wait between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// The longest wait of a message that may have been sent. A gateway that takes messages and never answers must not make
/// the phone ring every ten minutes.
const BACKOFF_IN_DOUBT: Duration = Duration::from_secs(3600);

/// The result of an attempt: the head's place in the outbox, and its row of history.
pub(super) enum Step {
    /// The head leaves the outbox.
    Left(Option<HistoryRow>),
    /// The head stays until its next attempt, and the entries behind it wait for it. The row of history is there if the
    /// attempt gave new information.
    Waits(Entry, Option<HistoryRow>),
    /// The head is for other recipients and stays, because the queue does not take it now. It delays no message to the
    /// connection itself.
    WaitsForQueue(Entry),
}

/// Tries to send the head. Returns `None` if the lease was lost: only the holder of the lease may send.
pub(super) async fn attempt(
    project: &Project,
    delivery: &mut Delivery,
    head: Entry,
    deadline: Deadline,
) -> Result<Option<Step>, StoreError> {
    let now = project.ports.clock.now();
    if !head.is_sending() {
        look_for_opt_out(project, delivery).await?;
    }
    if let Some(step) = without_the_gateway(project, delivery, &head, now).await {
        return Ok(Some(step));
    }
    ask_the_gateway(project, delivery, head, now, deadline).await
}

/// Looks for an opt-out in the record of the normal form, if the outbox is stored under another form. Only an outbox of
/// an earlier version, or of earlier settings, is.
async fn look_for_opt_out(project: &Project, delivery: &mut Delivery) -> Result<(), StoreError> {
    let normal = project.normal(&delivery.connection);
    if normal != delivery.connection && delivery.outbox.opted_out.is_none() {
        let found = project.ports.store.records(&[normal]).await?;
        delivery.outbox.opted_out = found.into_iter().flatten().find_map(|record| record.outbox.opted_out);
    }
    Ok(())
}

/// Returns the step of a head that needs no request to the gateway: it is for other recipients, it has failed, it is
/// not due yet, or the gateway has it already.
async fn without_the_gateway(
    project: &Project,
    delivery: &Delivery,
    head: &Entry,
    now: Timestamp,
) -> Option<Step> {
    let Delivery { connection, outbox, .. } = delivery;
    let expired = now.duration_since(head.created_at) > EXPIRY;
    if head.is_sending() && !expired {
        let head = Entry { attempts: head.attempts + 1, ..head.clone() };
        return Some(match fan_out(project, &head).await {
            Ok(()) => Step::Left(None),
            Err(_) if planted::is(Plant::SendingForgotten) => Step::Left(None),
            Err(problem) => {
                tried(connection, &head, "notices_not_enqueued", &problem);
                wait_for_queue(project, head)
            }
        });
    }
    if let Some(detail) = &head.refused {
        return Some(fail(project, connection, head, detail).await);
    }
    let opted_out = outbox.opted_out.is_some() && !planted::is(Plant::OptOutUnseen);
    let reason = if opted_out && !head.confirms && !head.is_sending() {
        Some(("opted_out", OPTED_OUT))
    } else {
        expired.then_some(("expired", "expired"))
    };
    if reason.is_none() && head.next_attempt.is_some_and(|at| at > now) {
        return Some(Step::Waits(head.clone(), None));
    }
    if head.uncertain > 0
        && let Some(step) = end_the_doubt(project, connection, head).await
    {
        return Some(step);
    }
    let (outcome, reason) = reason?;
    if outcome == "expired" {
        project.metrics.count(&connection.backend, Event::Expired, 1);
        project.metrics.count(&connection.backend, Event::Failed, 1);
    }
    tried(connection, head, outcome, reason);
    Some(fail(project, connection, head, reason).await)
}

/// Looks up a message in doubt in the history. If the gateway has taken the message, nothing is left to send. The
/// history knows this from a delivery report, or from an answer whose settlement was lost.
async fn end_the_doubt(project: &Project, connection: &ConnectionId, head: &Entry) -> Option<Step> {
    let key = (connection.clone(), head.created_at, head.id.clone());
    let row = match project.ports.store.rows(&[key]).await {
        Ok(mut rows) => rows.pop().flatten()?,
        Err(problem) => {
            tried(connection, head, "history_not_read", &problem.to_string());
            return Some(later(project, head.clone()));
        }
    };
    if row.state.rank() < State::Sent.rank() && !planted::is(Plant::DoubtEndedTooSoon) {
        return None;
    }
    tried(connection, head, "doubt_ended", row.state.as_str());
    if row.state == State::Failed {
        // The apps may not have received this failure yet.
        return Some(fail(project, connection, head, &row.detail.unwrap_or_default()).await);
    }
    Some(Step::Left(Some(HistoryRow::outgoing(connection, head, row.state, row.detail))))
}

/// Gives the head to its gateway, as long as the lease is ours. Returns `None` if the lease was lost.
async fn ask_the_gateway(
    project: &Project,
    delivery: &mut Delivery,
    mut head: Entry,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Option<Step>, StoreError> {
    let connection = &delivery.connection;
    let Some(installed) = project.installed(&connection.backend) else {
        const GONE: &str = "the backend is not in the settings";
        tried(connection, &head, "no_backend", GONE);
        head.attempts += 1;
        return Ok(Some(tried_in_vain(project, connection, head, GONE.to_owned())));
    };
    let limit = deadline.remaining().min(installed.backend.send_timeout());
    if limit < SHORTEST_SEND {
        head.next_attempt = Some(now);
        return Ok(Some(Step::Waits(head, None)));
    }
    let attempt = match installed.breaker.permit(now, limit) {
        Permit::Try(attempt) => attempt,
        Permit::Wait(until) => {
            head.next_attempt = Some(until);
            return Ok(Some(Step::Waits(head, None)));
        }
    };
    if delivery.lease.until < after(now, limit + LEASE_RESERVE) && !planted::is(Plant::LeaseNotExtended) {
        delivery.lease.until = lease_end(project, connection, now);
        if !project.ports.store.extend_lease(connection, &delivery.lease).await? {
            return Ok(None);
        }
    }
    head.attempts += 1;
    let mut message = head.outgoing(connection);
    message.to = installed.numbers.written(&connection.identity);
    let begun = Instant::now();
    let outcome = send(project, installed, attempt, &message, limit).await;
    project.metrics.time(&connection.backend, Timing::Gateway, begun.elapsed());
    let event = match &outcome {
        SendOutcome::Accepted { .. } => Event::Sent,
        SendOutcome::Refused { .. } => Event::Failed,
        SendOutcome::Deferred { .. } => Event::Deferred,
        SendOutcome::Uncertain { .. } => Event::Uncertain,
    };
    project.metrics.count(&connection.backend, event, 1);
    Ok(Some(match outcome {
        SendOutcome::Accepted { detail } => {
            tried(connection, &head, "sent", &detail);
            Step::Left(Some(HistoryRow::outgoing(connection, &head, State::Sent, Some(detail))))
        }
        SendOutcome::Refused { detail } => {
            tried(connection, &head, "refused", &detail);
            head.refused = Some(detail.clone());
            fail(project, connection, &head, &detail).await
        }
        SendOutcome::Deferred { detail } if planted::is(Plant::DeferredIsSuccess) => {
            Step::Left(Some(HistoryRow::outgoing(connection, &head, State::Sent, Some(detail))))
        }
        SendOutcome::Uncertain { detail } if planted::is(Plant::LostAnswerIsSuccess) => {
            Step::Left(Some(HistoryRow::outgoing(connection, &head, State::Sent, Some(detail))))
        }
        SendOutcome::Deferred { detail } => {
            tried(connection, &head, "deferred", &detail);
            tried_in_vain(project, connection, head, detail)
        }
        SendOutcome::Uncertain { detail } => {
            head.uncertain += u32::from(!planted::is(Plant::DoubtNotCounted));
            tried(connection, &head, "uncertain", &detail);
            tried_in_vain(project, connection, head, detail)
        }
    }))
}

/// Tells the apps that a message failed.
async fn report_failure(project: &Project, failed: &HistoryRow) -> Result<(), IncomingError> {
    if !project.router.has_reports() {
        return Ok(());
    }
    let HistoryRow { connection, at, id, detail, .. } = failed.clone();
    let reference = Reference { connection, at, id };
    let reported = Reported { reference, final_status: Some(FinalStatus::Failed), detail, reported_at: None };
    report(project, reported).await.map(drop)
}

/// Keeps the head in the outbox until the wait after its last attempt is over.
fn later(project: &Project, mut head: Entry) -> Step {
    head.next_attempt = Some(after(project.ports.clock.now(), backoff(&head)));
    Step::Waits(head, None)
}

/// Keeps the head like `later`, after an attempt at the gateway. The row of history shows the number of attempts, the
/// number of uncertain attempts, and the last detail.
fn tried_in_vain(project: &Project, connection: &ConnectionId, head: Entry, detail: String) -> Step {
    let row = HistoryRow::outgoing(connection, &head, State::Queued, Some(detail));
    match later(project, head) {
        Step::Waits(head, _) => Step::Waits(head, Some(row)),
        other => other,
    }
}

/// Keeps an entry for other recipients in the outbox like `later`, because the queue does not take it now.
pub(super) fn wait_for_queue(project: &Project, mut head: Entry) -> Step {
    head.next_attempt = Some(after(project.ports.clock.now(), backoff(&head)));
    Step::WaitsForQueue(head)
}

/// Carries out everything that follows from a failure: the notice to the person's next connection if the gateway
/// refused the message, and the report to the apps. The message leaves the outbox only when both are durable. Until
/// then it stays, and no gateway is asked.
async fn fail(project: &Project, connection: &ConnectionId, head: &Entry, detail: &str) -> Step {
    if head.refused.is_some()
        && let Some(notice) = to_next_connection(head)
        && let Err(problem) = enqueue_notices(project, vec![notice]).await
    {
        tried(connection, head, "notices_not_enqueued", &problem.to_string());
        return later(project, head.clone());
    }
    let row = HistoryRow::outgoing(connection, head, State::Failed, Some(detail.to_owned()));
    match report_failure(project, &row).await {
        Ok(()) => Step::Left(Some(row)),
        Err(_) if planted::is(Plant::FailureUntold) => Step::Left(Some(row)),
        Err(problem) => {
            tried(connection, head, "report_not_enqueued", &problem.to_string());
            later(project, head.clone())
        }
    }
}

/// Calls the gateway once, and tells the circuit breaker whether the gateway answered.
async fn send(
    project: &Project,
    installed: &Installed,
    attempt: Attempt<'_>,
    message: &crate::Outgoing,
    limit: Duration,
) -> SendOutcome {
    let outcome = installed.backend.send(message, project.ports.transport.as_ref(), limit).await;
    let outcome = outcome.discreet(message, &installed.secrets);
    match outcome {
        SendOutcome::Accepted { .. } | SendOutcome::Refused { .. } => attempt.answered(),
        SendOutcome::Deferred { .. } | SendOutcome::Uncertain { .. } => {
            attempt.failed(project.ports.clock.now());
        }
    }
    outcome
}

/// Writes one log line for each attempt.
pub(super) fn tried(connection: &ConnectionId, head: &Entry, outcome: &str, detail: &str) {
    let backend = connection.backend.as_str();
    let (message_id, attempts, uncertain) = (head.id.as_str(), head.attempts, head.uncertain);
    if outcome == "sent" {
        info!(backend, message_id, attempts, uncertain, outcome, detail, "outgoing");
    } else {
        warn!(backend, message_id, attempts, uncertain, outcome, detail, "outgoing");
    }
}

/// Returns the wait before the next attempt. The wait doubles each time. The last quarter of it is random.
fn backoff(head: &Entry) -> Duration {
    let (first, longest) = BACKOFF;
    let longest = if head.uncertain > 0 { BACKOFF_IN_DOUBT } else { longest };
    let full = first.saturating_mul(1 << head.attempts.saturating_sub(1).min(10)).min(longest);
    full.mul_f64(0.75) + random::up_to(full.mul_f64(0.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_ten_minutes_or_an_hour_in_doubt() {
        let table = [
            (1, 0, 5.0),
            (2, 0, 10.0),
            (3, 1, 20.0),
            (8, 0, 600.0),
            (8, 1, 640.0),
            (u32::MAX, 0, 600.0),
            (u32::MAX, 9, 3600.0),
        ];
        for (attempts, uncertain, seconds) in table {
            let mut head = Entry::new("m".into(), "", None, Timestamp::UNIX_EPOCH);
            (head.attempts, head.uncertain) = (attempts, uncertain);
            let wait = backoff(&head).as_secs_f64();
            assert!((seconds * 0.75..=seconds).contains(&wait), "{attempts} {uncertain}: {wait}");
        }
    }
}
