//! The single way in for delivery reports: the history moves forward, and the apps learn what became of a message.

use std::pin::Pin;
use std::sync::Arc;

use tracing::info;

use crate::backend::{Reported, of_report};
use crate::budget::Budget;
use crate::clock::{Deadline, plausible};
use crate::handle;
use crate::incoming::{INLINE_DELIVERY, IncomingError};
use crate::message::{Fate, Report};
use crate::occasion::Occasion;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::Ticket;
use crate::store::{Moved, State, Step};

/// Takes in what a gateway reports of a message. When this returns `Ok`, all that is to follow from it is durable; the
/// same report may come again, at any time.
///
/// The message's row in the history moves forward or stays ([`State`] has the rule). Where it came to its end by this,
/// and an app has a [report phase](crate::App::report), a job for the responder is on the queue; without a queue the
/// apps' `report` phase is through.
pub async fn report(
    project: &Project,
    reported: Reported,
    deadline: Deadline,
) -> Result<Moved, IncomingError> {
    let Reported { reference, fate, detail, reported_at } = reported;
    let now = project.ports.clock.now();
    let detail = detail.and_then(|detail| of_report(&detail, &reference.connection.identity));
    let state = fate.map_or(State::Sent, Fate::state);
    let step = Step { connection: reference.connection, at: reference.at, id: reference.id, state, detail };
    let moved = project.ports.store.report(&step, now).await?;
    let (backend, identity) = (step.connection.backend.as_str(), step.connection.identity.masked());
    let (message_id, state) = (step.id.as_str(), state.as_str());
    let outcome = match moved {
        Moved::Forward => state,
        Moved::Again => "duplicate",
        Moved::No => "no_news",
    };
    info!(backend, identity, message_id, state, outcome, "report");
    let moved = if planted::is(Plant::ReportToldOnce) && moved == Moved::Again { Moved::No } else { moved };
    if let (Some(fate), Moved::Forward | Moved::Again) = (fate, moved) {
        let at = reported_at.and_then(|told| plausible(told, now)).unwrap_or(now);
        tell(project, Report::new(step.connection, step.id, fate, step.detail, at), deadline).await?;
    }
    Ok(moved)
}

/// Has the apps learn of it, if one wants to: once, however often this is called for the same message and fate.
///
/// Boxed, since what the apps reply without a queue is delivered at once, which may come back here.
fn tell(
    project: &Project,
    report: Report,
    deadline: Deadline,
) -> Pin<Box<dyn Future<Output = Result<(), IncomingError>> + Send + '_>> {
    Box::pin(async move {
        // An app that answers each report would otherwise never come to an end.
        if !project.router.has_reports() || report.message.is_of_report() {
            return Ok(());
        }
        if project.ports.queue.is_some() {
            return Ok(project.enqueue(Ticket::report(report)).await?);
        }
        let occasion = Occasion::Report(Arc::new(report));
        let delivery = |deadline: Deadline| deadline.at_most(INLINE_DELIVERY);
        handle::handle(project, occasion, Budget::until(deadline), delivery).await?;
        Ok(())
    })
}
