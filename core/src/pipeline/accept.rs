//! The single entry point for incoming messages. A message that a backend received is processed at once or put on the
//! queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::info;

use super::errors::IncomingError;
use crate::backend::Received;
use crate::metrics::Event;
use crate::model::message::{BackendName, ConnectionId, Incoming, MessageId};
use crate::pipeline::input::Input;
use crate::pipeline::process::{self, Handling};
use crate::planted::{self, Plant};
use crate::project::{Project, Respond};
use crate::queue::Ticket;
use crate::router::budget::Budget;
use crate::util::clock::{Deadline, plausible};

/// The maximum time that an inline message may delay the answer to its gateway by delivering its replies. The sweep
/// sends the remaining replies later.
pub(crate) const INLINE_DELIVERY: Duration = Duration::from_secs(5);

/// The result of accepting a message. In both cases the message is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// The message is on the queue under this id. The Lambda function `responder` processes it.
    Queued(MessageId),
    /// The message has been processed under this id, with this result.
    Handled(MessageId, Handling),
}

/// Accepts one message from a backend. When this returns `Ok`, the message is durable.
///
/// With `respond = "inline"`, the phases have run, their effect is committed, and replies were sent as far as
/// `deadline` (and at most five seconds) allowed. With `respond = "queue"`, the message is on the queue.
///
/// A message with a gateway id takes effect once, even if it comes several times within 15 days. A message without a
/// gateway id takes effect each time that it comes.
pub async fn incoming(
    project: &Project,
    backend: &BackendName,
    received: Received,
    deadline: Deadline,
) -> Result<Accepted, IncomingError> {
    let Some(installed) = project.installed(backend) else {
        return Err(IncomingError::UnknownBackend(backend.clone()));
    };
    let message = arrived(project, backend, received);
    let id = message.id.clone();
    match installed.respond {
        Respond::Queue => {
            let queued = project.ports.queue.enqueue(Ticket::incoming(message)).await;
            if !planted::is(Plant::AnsweredTooSoon) {
                queued?;
            }
            project.metrics.count(backend, Event::Received, 1);
            info!(backend = backend.as_str(), message_id = id.as_str(), outcome = "queued", "incoming");
            Ok(Accepted::Queued(id))
        }
        Respond::Inline => {
            let (input, budget) = (Input::Message(Arc::new(message)), Budget::until(deadline));
            let delivery = |deadline: Deadline| deadline.at_most(INLINE_DELIVERY);
            let handling = process::process(project, input, budget, delivery).await?;
            project.metrics.count(backend, Event::Received, 1);
            Ok(Accepted::Handled(id, handling))
        }
    }
}

/// The name of the detail that keeps an implausible time of arrival.
const GATEWAY_TIME: &str = "gateway_time";

/// Returns the time at which a message arrived: the gateway's time if it is [plausible], otherwise `now`. An
/// implausible time stays among the details, as `gateway_time`.
pub(crate) fn arrival(received: &mut Received, now: Timestamp) -> Timestamp {
    let Some(told) = received.received_at else { return now };
    plausible(told, now).unwrap_or_else(|| {
        received.details.entry(GATEWAY_TIME.to_owned()).or_insert_with(|| told.to_string());
        now
    })
}

/// The name of the detail that keeps the identity as the gateway wrote it, if its normal form is another text.
pub(crate) const WRITTEN_IDENTITY: &str = "written_identity";

/// Returns the connection of a message in its normal form. If this is another text, the details keep the identity as it
/// was written.
pub(crate) fn to_normal(
    project: &Project,
    written: &ConnectionId,
    details: &mut BTreeMap<String, String>,
) -> ConnectionId {
    let normal = project.normal(written);
    if normal != *written {
        let text = written.identity.as_str().to_owned();
        details.entry(WRITTEN_IDENTITY.to_owned()).or_insert(text);
    }
    normal
}

/// Gives the message its id, its time of arrival and the normal form of its identity.
///
/// The id is a digest of the identity as the gateway wrote it. A repeated delivery writes it in the same way, and it may
/// come after the country of the backend changed.
fn arrived(project: &Project, backend: &BackendName, mut received: Received) -> Incoming {
    let received_at = arrival(&mut received, project.ports.clock.now());
    let written = ConnectionId::new(backend.clone(), received.identity);
    let id = match &received.gateway_id {
        Some(gateway_id) if !planted::is(Plant::GatewayIdIgnored) => {
            MessageId::of_gateway(&written, gateway_id)
        }
        _ => MessageId::random(),
    };
    let connection = to_normal(project, &written, &mut received.details);
    Incoming {
        id,
        connection,
        text: received.text,
        received_at,
        recipient: received.recipient,
        raw: received.raw,
        details: received.details,
    }
}
