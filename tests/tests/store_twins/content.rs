//! The whole content of both stores, as far as the port shows it.

use threadless::MessageId;

use crate::twins::both;
use crate::world::World;

/// A limit that is higher than the number of any kind of object.
const ALL: usize = 100_000;

/// Compares the content of both stores.
pub(crate) async fn compare(world: &mut World) -> Result<(), String> {
    world.due(ALL).await?;
    let (now, twins) = (world.now, &world.twins);
    for person in &world.people {
        let who = &person.connection;
        let unknown = MessageId::from("never heard of");
        for message in person.messages.iter().chain([&unknown]) {
            both!(twins, store => store.load(who, message, now))
                .map_err(|problem| format!("{message} of {who:?}: {problem}"))?;
        }
        both!(twins, store => store.contact_of(who))?;
        for contact in &person.contacts {
            both!(twins, store => store.contact(contact))?;
        }
        both!(twins, store => store.history(who, now, ALL))?;
        both!(twins, store => store.rows(&person.row_keys()))?;
    }
    let backend = &world.people[0].connection.backend;
    both!(twins, store => store.unusable(backend, now, ALL))?;
    both!(twins, store => store.numbers(backend, now, ALL))?;
    for (key, parts) in &world.broadcasts {
        both!(twins, store => store.broadcast(key, now))?;
        for part in 0..*parts {
            both!(twins, store => store.broadcast_part(key, part))?;
        }
    }
    for job in world.jobs.keys() {
        both!(twins, store => store.job(job))?;
    }
    world.drain().await
}
