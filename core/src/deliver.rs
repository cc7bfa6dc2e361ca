//! The single way out: outbox → `Backend::send` → what became of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use crate::backend::{Attempt, Permit, Reference, Reported, SendOutcome};
use crate::clock::{Deadline, after};
use crate::dispatch::{self, by_another_way, dispatch};
use crate::incoming::IncomingError;
use crate::message::{ConnectionId, Fate};
use crate::project::{Installed, Project};
use crate::random;
use crate::report;
use crate::restraint::OPTED_OUT;
use crate::store::{Entry, Lease, Outbox, Row, Settled, Settlement, State, StoreError, Taken};

/// How long a lease outlasts the send that it covers: time to write down what became of it.
const LEASE_MARGIN: Duration = Duration::from_secs(15);

/// What is left of a lease must cover one send and this.
const SETTLE_TIME: Duration = Duration::from_secs(5);

/// With less time than this left, no send is begun.
const SHORTEST_SEND: Duration = Duration::from_millis(500);

/// How long the gateway is given to take a message in the end.
const EXPIRY: SignedDuration = SignedDuration::from_hours(24);

/// The first and the longest wait between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// The longest wait of a message that may have been sent: a gateway that takes messages and never answers must not
/// have the phone ring every ten minutes.
const BACKOFF_IN_DOUBT: Duration = Duration::from_secs(3600);

/// An outbox whose lease we hold.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) connection: ConnectionId,
    pub(crate) lease: Lease,
    pub(crate) outbox: Outbox,
    /// A former holder let the lease expire: it may have sent the head.
    pub(crate) abandoned: bool,
}

/// When a lease that is taken or extended now should end.
pub(crate) fn lease_end(project: &Project, connection: &ConnectionId, now: Timestamp) -> Timestamp {
    let send = project.installed(&connection.backend).map_or(Duration::ZERO, |it| it.backend.send_timeout());
    after(now, send + LEASE_MARGIN)
}

/// Takes the lease of a connection, if its outbox is due and nobody else holds it.
pub(crate) async fn take(
    project: &Project,
    connection: &ConnectionId,
) -> Result<Option<Delivery>, StoreError> {
    let now = project.ports.clock.now();
    let lease = Lease { owner: random::name(), until: lease_end(project, connection, now) };
    let taken = project.ports.store.take_lease(connection, &lease, now).await?;
    Ok(match taken {
        Taken::Yes { outbox, abandoned } => {
            Some(Delivery { connection: connection.clone(), lease, outbox, abandoned })
        }
        Taken::No => None,
    })
}

/// Sends what is in an outbox, in order, until it is empty, its head must wait, or the time is up.
///
/// It has no error: what is sent is sent, and what is not stays in the outbox for the sweep.
pub(crate) async fn deliver(project: &Project, delivery: Delivery, deadline: Deadline) {
    let connection = delivery.connection.clone();
    if let Err(problem) = run(project, delivery, deadline).await {
        error!(
            backend = connection.backend.as_str(),
            identity = connection.identity.masked(),
            outcome = "delivery_interrupted",
            error = %problem,
            "what is left in the outbox waits for the sweep"
        );
    }
}

async fn run(project: &Project, mut delivery: Delivery, deadline: Deadline) -> Result<(), StoreError> {
    if delivery.abandoned
        && let Some(head) = delivery.outbox.entries.front_mut()
    {
        head.uncertain += 1;
        warn!(message_id = head.id.as_str(), outcome = "uncertain", "a former sender died with this message");
    }
    loop {
        let Some(head) = delivery.outbox.entries.front().cloned() else {
            match project.ports.store.refill(&delivery.connection, &delivery.lease.owner).await? {
                Settled::Remaining(outbox) => delivery.outbox = outbox,
                Settled::Released | Settled::Lost => return Ok(()),
            }
            continue;
        };
        let step = attempt(project, &mut delivery, head, deadline).await?;
        let Some((mut settlement, mut row)) = step else { return Ok(()) };
        if let Some(failed) = row.take_if(|row| row.state == State::Failed) {
            match tell(project, &failed, deadline).await {
                Ok(()) => row = Some(failed),
                Err(problem) => {
                    warn!(message_id = failed.id.as_str(), outcome = "not_reported", error = %problem, "outgoing");
                    settlement = again(project, &delivery.outbox);
                }
            }
        }
        if matches!(settlement, Settlement::Deferred(_)) && !send_on(project, &mut delivery, deadline).await?
        {
            return Ok(());
        }
        let store = &project.ports.store;
        let (settled, ()) = tokio::join!(
            store.settle(&delivery.connection, &delivery.lease.owner, &delivery.outbox, settlement),
            crate::handle::write_history(project, row.into_iter().collect()),
        );
        match settled? {
            Settled::Remaining(outbox) => delivery.outbox = outbox,
            Settled::Released => return Ok(()),
            Settled::Lost => {
                warn!(outcome = "lease_lost", "someone else sends what is left");
                return Ok(());
            }
        }
    }
}

/// A message that failed leaves the outbox only when what is to follow from it is durable.
async fn tell(project: &Project, failed: &Row, deadline: Deadline) -> Result<(), IncomingError> {
    if !project.router.wants_reports() {
        return Ok(());
    }
    let Row { connection, at, id, detail, .. } = failed.clone();
    let reference = Reference { connection, at, id };
    let reported = Reported { reference, fate: Some(Fate::Failed), detail, reported_at: None };
    report::report(project, reported, deadline).await.map(drop)
}

/// The head stays where it is for now.
fn again(project: &Project, outbox: &Outbox) -> Settlement {
    let Some(mut head) = outbox.entries.front().cloned() else { return Settlement::Done };
    head.next_attempt = Some(after(project.ports.clock.now(), backoff(&head)));
    Settlement::Deferred(head)
}

/// What goes to others does not wait for what stays: while the head must wait, it leaves the outbox before its turn.
/// `false`: the lease was lost.
async fn send_on(project: &Project, delivery: &mut Delivery, deadline: Deadline) -> Result<bool, StoreError> {
    let mut at = 1;
    while let Some(entry) = delivery.outbox.entries.get(at) {
        if !entry.is_sending() {
            at += 1;
            continue;
        }
        if let Err(problem) = dispatch::send_on(project, entry, deadline).await {
            tried(&delivery.connection, entry, "not_sent_on", &problem);
            return Ok(true);
        }
        let id = entry.id.clone();
        let store = &project.ports.store;
        match store.withdraw(&delivery.connection, &delivery.lease.owner, at, &id).await? {
            Settled::Remaining(outbox) => delivery.outbox = outbox,
            Settled::Released | Settled::Lost => return Ok(false),
        }
    }
    Ok(true)
}

/// What to write down about the head: its place in the outbox and its row of history.
type Step = Option<(Settlement, Option<Row>)>;

/// Tries to send the head. `None`: the lease was lost, and with it the right to.
async fn attempt(
    project: &Project,
    delivery: &mut Delivery,
    mut head: Entry,
    deadline: Deadline,
) -> Result<Step, StoreError> {
    let connection = &delivery.connection;
    let now = project.ports.clock.now();
    let failed = |head: &Entry, detail: String| {
        let row = Row::outgoing(connection, head, State::Failed, Some(detail));
        Ok(Some((Settlement::Done, Some(row))))
    };
    let wait = |mut head: Entry, until: Timestamp| {
        head.next_attempt = Some(until);
        Ok(Some((Settlement::Deferred(head), None)))
    };

    if head.is_sending() && now.duration_since(head.created_at) <= EXPIRY {
        let sent_on = dispatch::send_on(project, &head, deadline).await;
        head.attempts += 1;
        return match sent_on {
            Ok(()) => Ok(Some((Settlement::Done, None))),
            Err(problem) => {
                tried(connection, &head, "not_sent_on", &problem);
                let until = after(now, backoff(&head));
                wait(head, until)
            }
        };
    }
    if delivery.outbox.opted_out.is_some() && !head.confirms && !head.is_sending() {
        tried(connection, &head, "opted_out", OPTED_OUT);
        return failed(&head, OPTED_OUT.to_owned());
    }
    if now.duration_since(head.created_at) > EXPIRY {
        tried(connection, &head, "expired", "not taken by the gateway within 24 hours");
        return failed(&head, "expired".to_owned());
    }
    if let Some(at) = head.next_attempt.filter(|at| *at > now) {
        return wait(head, at);
    }
    let Some(installed) = project.installed(&connection.backend) else {
        tried(connection, &head, "no_backend", "its backend is no longer in the settings");
        head.attempts += 1;
        let until = after(now, backoff(&head));
        return wait(head, until);
    };
    let limit = deadline.remaining().min(installed.backend.send_timeout());
    if limit < SHORTEST_SEND {
        return wait(head, now);
    }
    let attempt = match installed.guard.permit(now, limit) {
        Permit::Try(attempt) => attempt,
        Permit::Wait(until) => return wait(head, until),
    };
    if delivery.lease.until < after(now, limit + SETTLE_TIME) {
        delivery.lease.until = lease_end(project, connection, now);
        if !project.ports.store.extend_lease(connection, &delivery.lease).await? {
            return Ok(None);
        }
    }

    head.attempts += 1;
    let outcome = send(project, installed, attempt, &head.outgoing(connection), limit).await;
    Ok(Some(match outcome {
        SendOutcome::Accepted { detail } => {
            tried(connection, &head, "sent", &detail);
            (Settlement::Done, Some(Row::outgoing(connection, &head, State::Sent, Some(detail))))
        }
        SendOutcome::Refused { detail } => {
            tried(connection, &head, "refused", &detail);
            if let Some(notice) = by_another_way(&head)
                && let Err(problem) = dispatch(project, vec![notice], deadline).await
            {
                tried(connection, &head, "not_sent_on", &problem);
                let until = after(project.ports.clock.now(), backoff(&head));
                return wait(head, until);
            }
            return failed(&head, detail);
        }
        SendOutcome::Deferred { detail } => {
            tried(connection, &head, "deferred", &detail);
            let until = after(project.ports.clock.now(), backoff(&head));
            return wait(head, until);
        }
        SendOutcome::Uncertain { detail } => {
            head.uncertain += 1;
            tried(connection, &head, "uncertain", &detail);
            let until = after(project.ports.clock.now(), backoff(&head));
            return wait(head, until);
        }
    }))
}

/// One call of the gateway, and what it tells of the gateway's health.
async fn send(
    project: &Project,
    installed: &Installed,
    attempt: Attempt<'_>,
    message: &crate::Outgoing,
    limit: Duration,
) -> SendOutcome {
    let outcome = installed.backend.send(message, project.ports.transport.as_ref(), limit).await;
    match outcome {
        SendOutcome::Accepted { .. } | SendOutcome::Refused { .. } => attempt.answered(),
        SendOutcome::Deferred { .. } | SendOutcome::Uncertain { .. } => {
            attempt.failed(project.ports.clock.now());
        }
    }
    outcome
}

/// One line in the log for each attempt.
fn tried(connection: &ConnectionId, head: &Entry, outcome: &str, detail: &str) {
    let backend = connection.backend.as_str();
    let (message_id, attempts, uncertain) = (head.id.as_str(), head.attempts, head.uncertain);
    if outcome == "sent" {
        info!(backend, message_id, attempts, uncertain, outcome, detail, "outgoing");
    } else {
        warn!(backend, message_id, attempts, uncertain, outcome, detail, "outgoing");
    }
}

/// The wait before the next attempt: doubled each time, a quarter of it by chance.
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
