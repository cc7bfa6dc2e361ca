//! The single entry point for delivery reports. A report moves the history forward, and the apps learn the final status
//! of the message.

use tracing::info;

use crate::backend::{Reported, of_report};
use crate::metrics::Event;
use crate::model::message::{FinalStatus, Report, State};
use crate::pipeline::errors::IncomingError;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::Ticket;
use crate::store::{Advanced, StatusUpdate};
use crate::util::clock::plausible;

/// Accepts the delivery report of a gateway. When this returns `Ok`, everything that follows from the report is
/// durable. The same report may come again at any time.
///
/// The message's row in the history moves forward or stays ([`State`] has the rule). If the row reaches its final state
/// by this report, and an app has a [report phase](crate::App::report), a job for the Lambda function `responder` is on
/// the queue.
pub async fn report(project: &Project, reported: Reported) -> Result<Advanced, IncomingError> {
    let Reported { reference, final_status, detail, reported_at } = reported;
    let now = project.ports.clock.now();
    let to = project.written(&reference.connection);
    let forms = [reference.connection.identity.as_str(), to.as_str()];
    let detail = detail.and_then(|detail| of_report(&detail, &forms));
    let state = final_status.map_or(State::Sent, FinalStatus::state);
    let step =
        StatusUpdate { connection: reference.connection, at: reference.at, id: reference.id, state, detail };
    let moved = project.ports.store.report(&step, now).await?;
    if moved == Advanced::Forward {
        let event = match final_status {
            Some(FinalStatus::Delivered) => Some(Event::Delivered),
            Some(FinalStatus::Failed) => Some(Event::Failed),
            _ => None,
        };
        if let Some(event) = event {
            project.metrics.count(&step.connection.backend, event, 1);
        }
    }
    let (backend, identity) = (step.connection.backend.as_str(), step.connection.identity.masked());
    let (message_id, state) = (step.id.as_str(), state.as_str());
    let outcome = match moved {
        Advanced::Forward => state,
        Advanced::Again => "duplicate",
        Advanced::No => "no_change",
    };
    info!(backend, identity, message_id, state, outcome, "report");
    let moved =
        if planted::is(Plant::ReportToldOnce) && moved == Advanced::Again { Advanced::No } else { moved };
    if let (Some(final_status), Advanced::Forward | Advanced::Again) = (final_status, moved) {
        let at = reported_at.and_then(|told| plausible(told, now)).unwrap_or(now);
        enqueue_report(project, Report::new(step.connection, step.id, final_status, step.detail, at)).await?;
    }
    Ok(moved)
}

/// Puts a job for the apps on the queue, if an app has a report phase. The job takes effect once, however often this is
/// called for the same message and status.
async fn enqueue_report(project: &Project, report: Report) -> Result<(), IncomingError> {
    // An app that replies to each report would otherwise cause an endless loop.
    if !project.router.has_reports() || report.message.is_of_report() {
        return Ok(());
    }
    Ok(project.ports.queue.enqueue(Ticket::report(report)).await?)
}
