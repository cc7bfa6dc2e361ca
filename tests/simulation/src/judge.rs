//! The judge. It checks whether every promise was kept, once the world is quiet.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use threadless::store::{Connections as _, History as _, HistoryRow, State};
use threadless::{ConnectionId, MessageId, Recipient};

use crate::app;
use crate::plan::Says;
use crate::seen::SeenEntry;
use crate::world::{World, short};

/// The time in which a gateway must take a message.
const EXPIRY: SignedDuration = SignedDuration::from_hours(24);

/// The broken promises, each with a description.
type Broken = Vec<(&'static str, String)>;

/// Checks everything that was seen, and the final content of the store.
pub(crate) async fn judge(world: &World) {
    let mut broken = Broken::new();
    let mut rows: BTreeMap<MessageId, HistoryRow> = BTreeMap::new();
    for connection in &world.people {
        let history = world.store.history(connection, world.now(), usize::MAX).await.unwrap_or_default();
        rows.extend(history.into_iter().map(|row| (row.id.clone(), row)));
    }
    for connection in &world.people {
        effects(world, connection, &mut broken).await;
    }
    contacts(world, &mut broken).await;
    acknowledged(world, &mut broken);
    messages(world, &rows, &mut broken);
    order(world, &mut broken);
    sent_to_others(world, &mut broken);
    jobs(world, &mut broken);
    reports(world, &rows, &mut broken);
    for (promise, how) in broken {
        world.broken(promise, how);
    }
}

/// Checks that the session of a connection has each message once, in the order of the commits, and each final status of
/// a message.
async fn effects(world: &World, connection: &ConnectionId, broken: &mut Broken) {
    let Ok(loaded) = world.store.load(connection, &MessageId::from("judge"), world.now()).await else {
        return;
    };
    let session = loaded.record.session;
    let list: Vec<String> = session.get("list").ok().flatten().unwrap_or_default();
    let reports: Vec<String> = session.get("reports").ok().flatten().unwrap_or_default();
    let state = world.lock();
    let seen = &state.seen;
    let name = short(connection);
    let named: Vec<String> = seen
        .commits
        .iter()
        .filter(|(whose, _)| whose == connection)
        .filter_map(|(_, id)| seen.posted.get(id))
        .filter(|(_, says)| app::is_counted(says))
        .map(|(event, _)| app::tag(*event))
        .collect();
    let tags: BTreeSet<&String> = named.iter().collect();
    let listed: Vec<&String> = list.iter().filter(|tag| tags.contains(tag)).collect();
    if listed != named.iter().collect::<Vec<_>>() {
        broken.push(("each effect once", format!("{name} remembers {list:?}, committed were {named:?}")));
    }
    let told: BTreeSet<&String> = reports.iter().collect();
    if told.len() != reports.len() {
        broken.push(("each effect once", format!("{name} was told {reports:?}")));
    }
    if world.shape.reports {
        let of_report =
            |id: &MessageId| id.as_str().split('-').next().is_some_and(|head| head.ends_with('r'));
        for (id, entry) in seen.entries.iter().filter(|(_, entry)| entry.connection == *connection) {
            if entry.refused > 0
                && entry.taken == 0
                && !of_report(id)
                && !told.contains(&format!("{id} failed"))
            {
                broken.push((
                    "nothing acknowledged is lost",
                    format!("{name} never heard that {id} was refused"),
                ));
            }
        }
        for (_, id, final_status) in seen.ends.iter().filter(|(whose, ..)| whose == connection) {
            // The gateway refused the message, but a death left it in the outbox, and the gateway took it at the next
            // try. So it did not fail.
            let taken_after_all =
                seen.entries.get(id).is_some_and(|entry| entry.refused > 0 && entry.taken > 0);
            if !of_report(id) && !taken_after_all && !told.contains(&format!("{id} {final_status}")) {
                broken.push((
                    "nothing acknowledged is lost",
                    format!("{name} never heard that {id} {final_status}"),
                ));
            }
        }
    }
}

/// Checks that the contacts have each message that changed them, once.
async fn contacts(world: &World, broken: &mut Broken) {
    let ids = world.lock().seen.contacts.clone();
    let mut all = BTreeSet::new();
    for id in &ids {
        let Ok(Some(contact)) = world.store.contact(id).await else { continue };
        let list: Vec<String> = contact.get("list").ok().flatten().unwrap_or_default();
        let distinct: BTreeSet<&String> = list.iter().collect();
        if distinct.len() != list.len() {
            broken.push(("each effect once", format!("a contact remembers {list:?}")));
        }
        all.extend(list.iter().cloned());
    }
    let state = world.lock();
    let committed = state.seen.commits.iter().filter_map(|(_, id)| state.seen.posted.get(id));
    for (event, _) in committed.filter(|(_, says)| *says == Says::Name) {
        if !all.contains(&app::tag(*event)) {
            broken.push(("each effect once", format!("no contact remembers {}: {all:?}", app::tag(*event))));
        }
    }
}

/// Checks that each message that was answered with 200 has its effect.
fn acknowledged(world: &World, broken: &mut Broken) {
    let state = world.lock();
    let seen = &state.seen;
    let committed: BTreeSet<&MessageId> = seen.commits.iter().map(|(_, id)| id).collect();
    for (id, (event, says)) in &seen.posted {
        if seen.acknowledged.contains(event) && !committed.contains(id) {
            broken.push(("nothing acknowledged is lost", format!("{} {says:?}", app::tag(*event))));
        }
    }
}

/// Checks that each committed message went out once, or that there is a reason why not.
fn messages(world: &World, rows: &BTreeMap<MessageId, HistoryRow>, broken: &mut Broken) {
    let state = world.lock();
    let (seen, now) = (&state.seen, world.now());
    for (id, entry) in seen.entries.iter().filter(|(_, entry)| entry.recipients.is_empty()) {
        let SeenEntry { connection, text, taken, refused, doubt, moment, .. } = entry;
        let name = format!("{text:?} to {}", short(connection));
        let old = now.duration_since(entry.created_at) > EXPIRY;
        let excused = *refused > 0 || old || seen.was_out_since(connection, *moment);
        if *taken == 0 && !excused {
            broken.push(("nothing acknowledged is lost", format!("{name} was never sent")));
        }
        if *taken > 1 && *doubt == 0 {
            broken.push((
                "a second send only in doubt",
                format!("{name} was sent {taken} times without any doubt"),
            ));
        }
        if !seen.is_written(id) {
            continue;
        }
        let Some(row) = rows.get(id) else { continue };
        if *taken > 1 && row.uncertain == 0 {
            broken.push((
                "a second send only in doubt",
                format!("{name} was sent {taken} times, and its row has no doubt"),
            ));
        }
        if row.state == State::Queued {
            broken.push(("history tells what became of it", format!("{name} is queued for ever")));
        }
        if row.state == State::Sent && *taken == 0 {
            broken.push(("history tells what became of it", format!("{name} counts as sent")));
        }
    }
}

/// Checks that commits follow the order of the queue, and that messages leave in the order of their commits.
fn order(world: &World, broken: &mut Broken) {
    let state = world.lock();
    let seen = &state.seen;
    let place = |id: &MessageId| seen.commits.iter().position(|(_, known)| known == id);
    for (connection, accepted) in &seen.accepted {
        let group = group_of(connection);
        if state.sqs.disordered.contains(&group) || world.shape.flips {
            continue;
        }
        let places: Vec<usize> = accepted.iter().filter_map(place).collect();
        if !places.is_sorted() {
            broken.push(("order is kept", format!("{} was not handled in order", short(connection))));
        }
    }
    for (connection, arrived) in &seen.arrivals {
        let mut first = BTreeSet::new();
        let mut last: Option<(usize, &str)> = None;
        for id in arrived.iter().filter(|id| first.insert((*id).clone())) {
            let Some(entry) = seen.entries.get(id).filter(|entry| entry.doubt == 0) else { continue };
            if let Some((_, text)) = last.filter(|(place, _)| *place > entry.place) {
                let how = format!("{:?} went to {} after {text:?}", entry.text, short(connection));
                broken.push(("order is kept", how));
            }
            last = Some((entry.place, &entry.text));
        }
    }
}

fn group_of(connection: &ConnectionId) -> String {
    use std::fmt::Write as _;
    connection.digest().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Checks that the texts of messages, broadcasts and jobs for other recipients reached each recipient once.
fn sent_to_others(world: &World, broken: &mut Broken) {
    let state = world.lock();
    let seen = &state.seen;
    let committed: BTreeSet<&MessageId> = seen.commits.iter().map(|(_, id)| id).collect();
    let reached = |text: &str, to: &ConnectionId| {
        let notices = seen.notices.iter().filter(|(_, (whose, said))| whose == to && said == text);
        notices.filter(|(id, _)| committed.contains(id)).count()
    };
    let mut judge = |text: &str, to: &ConnectionId| {
        let count = reached(text, to);
        let name = format!("{text:?} for {}", short(to));
        match count {
            0 => broken.push(("nothing acknowledged is lost", format!("{name} never got there"))),
            1 => {}
            more => broken.push(("each effect once", format!("{name} got there {more} times"))),
        }
    };
    for entry in seen.entries.values() {
        for recipient in &entry.recipients {
            if let Recipient::Connection(to) = recipient {
                judge(&entry.text, to);
            }
        }
    }
    for (key, messages) in &seen.broadcasts {
        let text = seen.broadcast_texts.get(key);
        for message in messages {
            if let (Some(text), Some(first)) = (message.text.as_ref().or(text), message.connections.first()) {
                judge(text, first);
            }
        }
    }
}

/// Checks that reports are in the history, and that the apps learnt of every refusal.
fn reports(world: &World, rows: &BTreeMap<MessageId, HistoryRow>, broken: &mut Broken) {
    let state = world.lock();
    for (id, reported) in &state.seen.reported {
        let row = rows.get(&MessageId::from(id.as_str()));
        if row.is_none_or(|row| row.state.rank() < reported.rank()) {
            let how = format!("{id} was reported {}, its row is {row:?}", reported.as_str());
            broken.push(("nothing acknowledged is lost", how));
        }
    }
}

/// Checks that a job was done for each due time once, in order, up to the last one.
fn jobs(world: &World, broken: &mut Broken) {
    let state = world.lock();
    let done = &state.seen.done;
    if !done.windows(2).all(|two| two[0] < two[1]) {
        broken.push(("each effect once", format!("a job was done for {done:?}")));
    }
    if !world.shape.jobs {
        return;
    }
    let kept = state.seen.job_state.as_deref().unwrap_or("[]");
    let dues: Vec<String> = done.iter().map(|due| due.as_second().to_string()).collect();
    if kept != format!("[{}]", dues.join(",")) {
        broken.push(("each effect once", format!("a job remembers {kept} and was done for {dues:?}")));
    }
    let now = world.now();
    let last = done.last().copied().unwrap_or(Timestamp::UNIX_EPOCH);
    // The job is due every two minutes, and the timer runs every minute.
    let long = world.ms() > 6 * 60_000;
    if let Some(due) = state.seen.scheduled.iter().find(|due| **due > last) {
        broken.push(("nothing waits for ever", format!("a job for {due} was on the queue and never done")));
    }
    // A fast clock has started the job for a due time in the future. Until that time there is nothing to do.
    let last = state.seen.started.map_or(last, |started| last.max(started));
    if long && now.duration_since(last) > SignedDuration::from_mins(4) {
        broken.push(("nothing waits for ever", format!("a job was last done for {last}, and it is {now}")));
    }
    let sent: BTreeSet<&str> =
        state.seen.broadcasts.values().flatten().filter_map(|message| message.text.as_deref()).collect();
    for due in done {
        let text = format!("{} {}", app::JOB, due.as_second());
        if !sent.contains(text.as_str()) {
            broken.push(("nothing acknowledged is lost", format!("{text:?} was never sent")));
        }
    }
}
