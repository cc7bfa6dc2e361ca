//! Accepts messages like any endpoint, and shows them on the page at once.

use std::collections::{BTreeMap, HashSet};

use ::http::{Request, Response, StatusCode};
use bytes::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;
use tracing::warn;

use super::Tester;
use crate::backend::{Backend as _, Received, plain_text};
use crate::endpoint;
use crate::model::message::{ConnectionId, Identity, Incoming, MessageId, State};
use crate::pipeline::accept::{arrival, incoming};
use crate::pipeline::errors::IncomingError;
use crate::project::Respond;
use crate::store::{Direction, HistoryRow, StoreError};
use crate::util::clock::Deadline;
use crate::util::random;

/// The number of last rows of a conversation in which a repeated message is searched for.
const LATELY: usize = 200;

/// The answer to a script if the settings have a password but no token.
const NO_TOKEN: &str =
    "A script needs a token, and the settings have none. Log in and use the page instead.\n";

/// Accepts a POST of `identity` and `text`.
pub(super) async fn from_script(
    tester: &Tester<'_>,
    request: &Request<Bytes>,
    deadline: Deadline,
) -> Response<Bytes> {
    if !tester.backend.takes_scripts() {
        return plain_text(StatusCode::FORBIDDEN, NO_TOKEN);
    }
    if let Some(refusal) = endpoint::to_stranger(tester.backend.authenticate(request)) {
        return refusal;
    }
    let received = match tester.backend.decode(request) {
        Ok(received) => received,
        Err(faults) => return endpoint::unusable(&faults),
    };
    let identity = received.identity.clone();
    match one(tester, received, deadline).await {
        Ok(_) => {
            note(tester, [identity]).await;
            tester.backend.acknowledge()
        }
        Err(problem) => endpoint::unavailable(&problem),
    }
}

/// Returns the message that a page sent.
pub(super) fn received(identity: Identity, text: String, id: Option<String>) -> Received {
    Received {
        identity,
        text,
        gateway_id: id,
        received_at: None,
        recipient: None,
        raw: None,
        details: BTreeMap::new(),
    }
}

/// Accepts one message. After `Ok`, the message is durable and has the returned id.
///
/// This function writes the history row of a queued message, so that the page shows the message before the responder
/// processes it. The function also chooses the time and the id of the message, so that this function and the responder
/// write the same row. It writes the row first. If the result of an attempt is lost, the sender repeats the message.
/// The repeated message then finds the row of the first attempt and uses it, wherever the first attempt ended.
pub(super) async fn one(
    tester: &Tester<'_>,
    mut received: Received,
    deadline: Deadline,
) -> Result<MessageId, IncomingError> {
    let ports = &tester.project.ports;
    let connection = tester.connection(&received.identity);
    received.identity = connection.identity.clone();
    let named = received.gateway_id.as_ref().map(|id| MessageId::of_gateway(&connection, id));
    let at = match (received.received_at, &named) {
        (Some(_), _) => arrival(&mut received, ports.clock.now()),
        (None, Some(id)) => arrived_before(tester, &connection, id).await?,
        (None, None) => ports.clock.now(),
    };
    let gateway_id = received.gateway_id.clone().unwrap_or_else(random::unique_id);
    let row = HistoryRow {
        state: State::Received,
        ..HistoryRow::handled(&Incoming {
            id: named.unwrap_or_else(|| MessageId::of_gateway(&connection, &gateway_id)),
            connection,
            text: received.text.clone(),
            received_at: at,
            recipient: None,
            raw: None,
            details: BTreeMap::new(),
        })
    };
    let received = Received { received_at: Some(at), gateway_id: Some(gateway_id), ..received };
    if tester.project.respond(&tester.name) == Some(Respond::Queue)
        && let Err(problem) = ports.store.record(&row).await
    {
        warn!(
            outcome = "history_not_written",
            error = %problem,
            "the page shows the message only after the apps have handled it"
        );
    }
    incoming(tester.project, &tester.name, received, deadline).await?;
    Ok(row.id)
}

/// Returns the time when the message with this id arrived. The time is now, if no recent row has this id.
async fn arrived_before(
    tester: &Tester<'_>,
    connection: &ConnectionId,
    id: &MessageId,
) -> Result<Timestamp, StoreError> {
    let ports = &tester.project.ports;
    let now = ports.clock.now();
    let rows = ports.store.history(connection, now, LATELY).await?;
    let own = rows.into_iter().find(|row| row.direction == Direction::In && row.id == *id);
    Ok(own.map_or(now, |row| row.at))
}

/// Puts numbers on the list. The messages are already accepted, so a failure only leads to a line in the log.
pub(super) async fn note(tester: &Tester<'_>, identities: impl IntoIterator<Item = Identity>) {
    let ports = &tester.project.ports;
    let now = ports.clock.now();
    let connections: HashSet<ConnectionId> =
        identities.into_iter().map(|identity| tester.connection(&identity)).collect();
    let notes = connections.iter().map(|connection| ports.store.note_number(connection, now));
    for noted in join_all(notes).await {
        if let Err(problem) = noted {
            warn!(
                outcome = "number_not_stored",
                error = %problem,
                "the number is missing in the list of the page"
            );
        }
    }
}
