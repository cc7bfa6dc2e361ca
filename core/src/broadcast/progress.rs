//! The progress of a broadcast. The state of each message is in the history of its recipient and nowhere else, so a
//! question costs reads, and sending costs nothing extra. The history is written beside the send. So if a process died
//! in between, a state here may be behind the real one, but it is never ahead.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::model::broadcast::{Broadcast, BroadcastMessage};
use crate::model::broadcast_key::BroadcastKey;
use crate::model::message::State;
use crate::model::recipient::Recipient;
use crate::project::Project;
use crate::store::{HistoryRow, RowKey, StoreError};

/// The number of parts that are read at the same time.
const AT_ONCE: usize = 4;

/// A question about a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The number of messages that are fanned out. It costs one read.
    Counts,
    /// Also the number of messages in each state. It costs a read for each message.
    States,
    /// The recipients in one part, each with the state of its message.
    Recipients(u32),
}

/// Returns the answer, or `None` if there is no such broadcast.
pub(super) async fn progress(
    project: &Project,
    key: &BroadcastKey,
    question: Question,
) -> Result<Option<Value>, StoreError> {
    let now = project.ports.clock.now();
    let Some(broadcast) = project.ports.store.broadcast(key, now).await? else { return Ok(None) };
    let mut answer = counts(&broadcast);
    match question {
        Question::Counts => {}
        Question::States => answer["states"] = json!(states(project, &broadcast).await?),
        Question::Recipients(part) => {
            let recipients = part_of(project, &broadcast, part).await?;
            answer["recipients"] = recipients.iter().map(shown).collect();
            if part as usize + 1 < broadcast.sizes.len() {
                answer["next"] = (part + 1).into();
            }
        }
    }
    Ok(Some(answer))
}

pub(super) fn counts(broadcast: &Broadcast) -> Value {
    json!({
        "key": broadcast.key,
        "created_at": broadcast.created_at.to_string(),
        "total": broadcast.total(),
        "fanned_out": broadcast.fanned_out_messages(),
    })
}

/// A recipient, with the history of the message at the last connection that was tried.
type Snapshot = (Recipient, Option<HistoryRow>);

/// The state of a message whose history is not written yet.
const WAITING: &str = "waiting";

fn state(row: Option<&HistoryRow>) -> &'static str {
    row.map_or(WAITING, |row| row.state.as_str())
}

fn shown((recipient, row): &Snapshot) -> Value {
    let mut shown = json!({ "recipient": recipient, "state": state(row.as_ref()) });
    if let Some(row) = row {
        shown["message_id"] = row.id.as_str().into();
        shown["attempts"] = row.attempts.into();
        shown["uncertain"] = row.uncertain.into();
        shown["by"] = Recipient::from(&row.connection).to_string().into();
        if let Some(detail) = &row.detail {
            shown["detail"] = detail.as_str().into();
        }
    }
    shown
}

async fn states(
    project: &Project,
    broadcast: &Broadcast,
) -> Result<BTreeMap<&'static str, usize>, StoreError> {
    let parts = 0..u32::try_from(broadcast.sizes.len()).unwrap_or(u32::MAX);
    let parts = stream::iter(parts).map(|part| states_of(project, broadcast, part)).buffer_unordered(AT_ONCE);
    parts
        .try_fold(BTreeMap::new(), |mut states, part| async move {
            for state in part {
                *states.entry(state.map_or(WAITING, State::as_str)).or_default() += 1;
            }
            Ok(states)
        })
        .await
}

/// Returns the state of each message of a part at the last connection that was tried. Does not read the texts.
async fn states_of(
    project: &Project,
    broadcast: &Broadcast,
    part: u32,
) -> Result<Vec<Option<State>>, StoreError> {
    let messages = project.ports.store.broadcast_part(&broadcast.key, part).await?;
    let wanted: Vec<_> = messages.iter().flat_map(|message| tries(broadcast, message)).collect();
    let mut states = project.ports.store.states(&wanted).await?.into_iter();
    let messages = messages.iter().filter(|message| !message.connections.is_empty());
    Ok(messages.map(|message| states.by_ref().take(message.connections.len()).flatten().last()).collect())
}

async fn part_of(project: &Project, broadcast: &Broadcast, part: u32) -> Result<Vec<Snapshot>, StoreError> {
    let messages = project.ports.store.broadcast_part(&broadcast.key, part).await?;
    let wanted: Vec<_> = messages.iter().flat_map(|message| tries(broadcast, message)).collect();
    let mut rows = project.ports.store.rows(&wanted).await?.into_iter();
    let known = messages.iter().filter_map(|message| {
        let tried: Vec<HistoryRow> = rows.by_ref().take(message.connections.len()).flatten().collect();
        Some((Recipient::from(message.connections.first()?), tried.into_iter().next_back()))
    });
    Ok(known.collect())
}

/// Returns the keys of the rows of one message, one for each connection of its recipient.
fn tries(broadcast: &Broadcast, message: &BroadcastMessage) -> Vec<RowKey> {
    let mut id = broadcast.id_of(message);
    let one = |connection: &crate::ConnectionId| {
        id = id.to(connection);
        (connection.clone(), broadcast.created_at, id.clone())
    };
    message.connections.iter().map(one).collect()
}
