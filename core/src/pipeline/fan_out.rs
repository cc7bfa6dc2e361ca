//! Fan-out: one message to several recipients becomes one job on the queue for each of them.

use std::collections::HashSet;

use tracing::warn;

use crate::model::message::{ConnectionId, MessageId, Notice};
use crate::model::recipient::Recipient;
use crate::pipeline::reach::connections_of;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::{QueueError, Ticket};
use crate::store::Entry;

/// Puts a job on the queue for each of these messages. After an error, some of the jobs may be on the queue. The caller
/// then calls this again. The repetition has no second effect: each message goes out once.
pub(crate) async fn enqueue_notices(project: &Project, notices: Vec<Notice>) -> Result<(), QueueError> {
    let tickets = notices.into_iter().map(Ticket::notice).collect();
    project.ports.queue.enqueue_all(tickets).await
}

/// Puts a job on the queue for each recipient of an entry for other recipients.
pub(crate) async fn fan_out(project: &Project, entry: &Entry) -> Result<(), String> {
    let mut notices = Vec::with_capacity(entry.recipients.len());
    let mut seen = HashSet::new();
    let dropped = usize::from(planted::is(Plant::RecipientDropped) && entry.recipients.len() > 1);
    for recipient in entry.recipients.iter().skip(dropped) {
        let connections = connections_of(project, recipient).await.map_err(|problem| problem.to_string())?;
        let Some((first, otherwise)) = connections.split_first() else {
            warn!(
                message_id = entry.id.as_str(),
                outcome = "no_connection",
                "a contact does not exist or has no connection; it gets no message"
            );
            continue;
        };
        // One person may be named in several forms.
        if !seen.insert(first.clone()) {
            continue;
        }
        // The id comes from the connection as the app gave it. So it is the same if the country changes meanwhile.
        let named = match recipient {
            Recipient::Connection(connection) => connection,
            Recipient::Contact(_) => first,
        };
        notices.push(Notice {
            id: if planted::is(Plant::NoticeRandom) { MessageId::random() } else { entry.id.to(named) },
            connection: first.clone(),
            text: entry.text.clone(),
            created_at: entry.created_at,
            otherwise: otherwise.to_vec(),
        });
    }
    enqueue_notices(project, notices).await.map_err(|problem| problem.to_string())
}

/// Returns the same message for the next connection of its recipient, after a gateway refused it for good. Returns
/// `None` if there is no other connection.
pub(crate) fn to_next_connection(entry: &Entry) -> Option<Notice> {
    let (next, rest): (&ConnectionId, _) = entry.otherwise.split_first()?;
    Some(Notice {
        id: entry.id.to(next),
        connection: next.clone(),
        text: entry.text.clone(),
        created_at: entry.created_at,
        otherwise: rest.to_vec(),
    })
}
