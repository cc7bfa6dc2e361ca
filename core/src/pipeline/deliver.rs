//! The single exit for outgoing messages: outbox → `Backend::send` → settlement and history.

mod attempt;

use std::time::Duration;

use jiff::Timestamp;
use tracing::{error, warn};

use crate::metrics::Event;
use crate::model::message::{ConnectionId, MessageId, State};
use crate::pipeline::fan_out::fan_out;
use crate::pipeline::history::write_history;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::store::{HistoryRow, Lease, Outbox, Settled, Settlement, StoreError, Taken};
use crate::util::clock::{Deadline, after};
use crate::util::random;
use attempt::{Step, attempt, tried, wait_for_queue};

/// The time by which a lease outlasts the send that it covers. The holder uses it to write the result of the send.
const LEASE_MARGIN: Duration = Duration::from_secs(15);

/// An outbox whose lease we hold.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) connection: ConnectionId,
    pub(crate) lease: Lease,
    pub(crate) outbox: Outbox,
    /// Whether a former holder let the lease expire. That holder may have sent the head.
    pub(crate) abandoned: bool,
}

/// Returns the end of a lease that is taken or extended now.
pub(crate) fn lease_end(project: &Project, connection: &ConnectionId, now: Timestamp) -> Timestamp {
    let send = project.installed(&connection.backend).map_or(Duration::ZERO, |it| it.backend.send_timeout());
    if planted::is(Plant::LeaseTooShort) {
        return after(now, send / 4);
    }
    after(now, send + LEASE_MARGIN)
}

/// Takes the lease of a connection, if its outbox is due and nobody else holds the lease.
pub(crate) async fn take(
    project: &Project,
    connection: &ConnectionId,
) -> Result<Option<Delivery>, StoreError> {
    let now = project.ports.clock.now();
    let until = lease_end(project, connection, now);
    let taken = project.ports.store.take_lease(connection, &random::unique_id(), until, now).await?;
    Ok(match taken {
        Taken::Yes { lease, outbox, abandoned } => {
            let abandoned = abandoned && !planted::is(Plant::DoubtForgottenAtTake);
            Some(Delivery { connection: connection.clone(), lease, outbox, abandoned })
        }
        Taken::No => None,
    })
}

/// Sends the entries of an outbox in order, until the outbox is empty, its head must wait, or the time is up.
///
/// Returns the ids of the entries for which it wrote a row of history. Returns no error: sent entries stay sent, and
/// unsent entries stay in the outbox for the sweep.
pub(crate) async fn deliver(project: &Project, delivery: Delivery, deadline: Deadline) -> Vec<MessageId> {
    let connection = delivery.connection.clone();
    let mut recorded = Vec::new();
    if let Err(problem) = run(project, delivery, deadline, &mut recorded).await {
        error!(
            backend = connection.backend.as_str(),
            identity = connection.identity.masked(),
            outcome = "delivery_interrupted",
            error = %problem,
            "the sweep will send the remaining entries of the outbox"
        );
    }
    recorded
}

async fn run(
    project: &Project,
    mut delivery: Delivery,
    deadline: Deadline,
    recorded: &mut Vec<MessageId>,
) -> Result<(), StoreError> {
    if delivery.abandoned {
        doubt_head(project, &mut delivery).await;
    }
    // Entries for other recipients keep their order. If one of them cannot leave now, those behind it are not tried.
    let mut sends_wait = false;
    loop {
        let Some(head) = delivery.outbox.entries.front().cloned() else {
            match project.ports.store.refill(&delivery.connection, &delivery.lease).await? {
                Settled::Remaining(outbox) => delivery.outbox = outbox,
                Settled::Released | Settled::Lost => return Ok(()),
            }
            continue;
        };
        let step = if sends_wait && head.is_sending() {
            wait_for_queue(project, head)
        } else {
            let Some(step) = attempt(project, &mut delivery, head, deadline).await? else { return Ok(()) };
            step
        };
        let (settlement, row) = match step {
            Step::Left(row) => (Settlement::Done, row),
            Step::Waits(head, row) => {
                let age = project.ports.clock.now().duration_since(head.created_at);
                project.metrics.waits(&delivery.connection.backend, age.as_secs());
                (Settlement::Deferred(head), row)
            }
            Step::WaitsForQueue(head) => {
                sends_wait = true;
                let passed = delivery.outbox.first_message().is_some();
                (if passed { Settlement::Passed(head) } else { Settlement::Deferred(head) }, None)
            }
        };
        if matches!(settlement, Settlement::Deferred(_))
            && !sends_wait
            && !fan_out_behind(project, &mut delivery).await?
        {
            return Ok(());
        }
        if planted::is(Plant::SettleSkipped) && settlement == Settlement::Done {
            write_history(project, row.into_iter().collect()).await;
            return Ok(());
        }
        recorded.extend(row.as_ref().map(|row| row.id.clone()));
        let store = &project.ports.store;
        let (settled, ()) = tokio::join!(
            store.settle(&delivery.connection, &delivery.lease, &delivery.outbox, settlement),
            write_history(project, row.into_iter().collect()),
        );
        match settled? {
            Settled::Remaining(outbox) => delivery.outbox = outbox,
            Settled::Released => return Ok(()),
            Settled::Lost if planted::is(Plant::LostLeaseIgnored) => {
                delivery.outbox.entries.pop_front();
            }
            Settled::Lost => {
                warn!(
                    outcome = "lease_lost",
                    "another process has the lease and sends the remaining entries"
                );
                return Ok(());
            }
        }
    }
}

/// Counts the doubt that a former holder left when it died, and writes the count before anything is sent. So if several
/// holders die with the same message, each of them counts.
async fn doubt_head(project: &Project, delivery: &mut Delivery) {
    let Delivery { connection, outbox, .. } = delivery;
    let Some(head) = outbox.entries.front_mut().filter(|head| !head.is_sending() && head.refused.is_none())
    else {
        return;
    };
    let key = (connection.clone(), head.created_at, head.id.clone());
    match project.ports.store.rows(&[key]).await {
        Ok(mut rows) => {
            let written = rows.pop().flatten().map_or(0, |row| row.uncertain);
            head.uncertain = head.uncertain.max(written);
        }
        Err(problem) => {
            warn!(message_id = head.id.as_str(), outcome = "history_not_read", error = %problem, "outgoing");
        }
    }
    head.uncertain += 1;
    project.metrics.count(&connection.backend, Event::Uncertain, 1);
    warn!(
        message_id = head.id.as_str(),
        outcome = "uncertain",
        "an earlier process may have sent this message, and ended before it recorded the result"
    );
    let row = HistoryRow::outgoing(connection, head, State::Queued, None);
    write_history(project, vec![row]).await;
}

/// Sends the entries for other recipients before their turn, while the head must wait. Returns `false` if the lease was
/// lost.
async fn fan_out_behind(project: &Project, delivery: &mut Delivery) -> Result<bool, StoreError> {
    let mut at = 1;
    while let Some(entry) = delivery.outbox.entries.get(at) {
        if !entry.is_sending() {
            at += 1;
            continue;
        }
        if let Err(problem) = fan_out(project, entry).await {
            tried(&delivery.connection, entry, "notices_not_enqueued", &problem);
            return Ok(true);
        }
        let id = entry.id.clone();
        let store = &project.ports.store;
        match store.withdraw(&delivery.connection, &delivery.lease, at, &id).await? {
            Settled::Remaining(outbox) => delivery.outbox = outbox,
            Settled::Released | Settled::Lost => return Ok(false),
        }
    }
    Ok(true)
}
