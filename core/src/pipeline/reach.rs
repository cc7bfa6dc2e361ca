//! The connections at which a recipient can be reached.

use crate::model::message::ConnectionId;
use crate::model::recipient::Recipient;
use crate::project::Project;
use crate::store::StoreError;

/// The maximum number of connections tried for one recipient.
const MOST: usize = 4;

/// Returns the connections of a recipient in their normal forms, the best first. For a connection, this is the connection itself. For a
/// contact, these are the contact's connections at backends of this project. The connection that was added last comes
/// first, since it probably is the person's newest phone. Returns an empty list if the contact does not exist or has no
/// such connection.
pub(crate) async fn connections_of(
    project: &Project,
    recipient: &Recipient,
) -> Result<Vec<ConnectionId>, StoreError> {
    let id = match recipient {
        Recipient::Connection(connection) => return Ok(vec![project.normal(connection)]),
        Recipient::Contact(id) => id,
    };
    let contact = project.ports.store.contact(id).await?;
    let connections = contact.iter().flat_map(|contact| contact.connections().iter().rev());
    let here = connections.filter(|connection| project.installed(&connection.backend).is_some());
    let mut found = Vec::new();
    for connection in here.map(|connection| project.normal(connection)) {
        if !found.contains(&connection) && found.len() < MOST {
            found.push(connection);
        }
    }
    Ok(found)
}
