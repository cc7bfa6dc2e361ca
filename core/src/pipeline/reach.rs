//! By which ways a recipient can be reached.

use crate::model::message::ConnectionId;
use crate::model::recipient::Recipient;
use crate::project::Project;
use crate::store::StoreError;

/// The most ways to one recipient.
const MOST: usize = 4;

/// The ways to a recipient, the best first: the connection itself; or those of the contact at backends of this project,
/// the one added last before the others, since that is the phone they took up last. Empty for a contact that is not
/// there or has none of them.
pub(crate) async fn connections_of(
    project: &Project,
    recipient: &Recipient,
) -> Result<Vec<ConnectionId>, StoreError> {
    let id = match recipient {
        Recipient::Connection(connection) => return Ok(vec![connection.clone()]),
        Recipient::Contact(id) => id,
    };
    let contact = project.ports.store.contact(id).await?;
    let connections = contact.iter().flat_map(|contact| contact.connections().iter().rev());
    let here = connections.filter(|connection| project.installed(&connection.backend).is_some());
    Ok(here.take(MOST).cloned().collect())
}
