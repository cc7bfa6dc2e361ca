//! Messages that nobody asked for, each on its way to its own connection: through the queue, or at once where there
//! is none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tracing::warn;

use crate::budget::Budget;
use crate::clock::Deadline;
use crate::handle;
use crate::message::{ConnectionId, MessageId, Notice};
use crate::occasion::Occasion;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::queue::Ticket;
use crate::reach::ways;
use crate::store::Entry;

/// Has each of these sent. `Err`: perhaps not all of them, so that it is to be done again, which harms no one: each
/// goes out once.
// Boxed, since without a queue it comes to the same place again.
pub(crate) fn dispatch(
    project: &Project,
    notices: Vec<Notice>,
    deadline: Deadline,
) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
    Box::pin(async move {
        if let Some(queue) = &project.ports.queue {
            let tickets = notices.into_iter().map(Ticket::notice).collect();
            return queue.enqueue_all(tickets).await.map_err(|problem| problem.to_string());
        }
        for notice in notices {
            let occasion = Occasion::Notice(Arc::new(notice));
            let handled =
                handle::handle(project, occasion, Budget::until(deadline), |deadline| deadline).await;
            handled.map_err(|problem| problem.to_string())?;
        }
        Ok(())
    })
}

/// Sends an entry that goes to others on its way: one message for each of them.
pub(crate) async fn send_on(project: &Project, entry: &Entry, deadline: Deadline) -> Result<(), String> {
    let mut notices = Vec::with_capacity(entry.recipients.len());
    let dropped = usize::from(planted::is(Plant::RecipientDropped) && entry.recipients.len() > 1);
    for recipient in entry.recipients.iter().skip(dropped) {
        let ways = ways(project, recipient).await.map_err(|problem| problem.to_string())?;
        let Some((first, otherwise)) = ways.split_first() else {
            warn!(message_id = entry.id.as_str(), outcome = "no_way", "a contact that cannot be reached");
            continue;
        };
        notices.push(Notice {
            id: if planted::is(Plant::NoticeRandom) { MessageId::random() } else { entry.id.to(first) },
            connection: first.clone(),
            text: entry.text.clone(),
            created_at: entry.created_at,
            otherwise: otherwise.to_vec(),
        });
    }
    dispatch(project, notices, deadline).await
}

/// The same message by another way, where the gateway of `refused` did not want it; `None` where there is no other.
pub(crate) fn by_another_way(entry: &Entry) -> Option<Notice> {
    let (next, rest): (&ConnectionId, _) = entry.otherwise.split_first()?;
    Some(Notice {
        id: entry.id.to(next),
        connection: next.clone(),
        text: entry.text.clone(),
        created_at: entry.created_at,
        otherwise: rest.to_vec(),
    })
}
