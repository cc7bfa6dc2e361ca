//! Writes the items of the present form.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tests::dynamodb::DynamoDb;
use threadless::broadcast::{Broadcast, BroadcastMessage};
use threadless::store::{
    Commit, Committed, Connections as _, Direction, Entry, HistoryRow, JobRecord, ReplyRate, State,
    StatusUpdate, Store, Unusable,
};
use threadless::{Contact, ContactChange, ContactId, Recipient, Session};

use crate::{at, folder, id, newcomer, who};

/// The number of moved ids that stay in the fixtures. The other ids that moved out of the connection's item are left
/// out.
const MOVED: usize = 2;

#[tokio::test]
#[ignore = "writes the fixtures of the present form: THREADLESS_WRITE_ITEMS says its name"]
async fn write_the_items_of_the_present_form() {
    let Ok(version) = std::env::var("THREADLESS_WRITE_ITEMS") else { return };
    let dynamodb = DynamoDb::start().await.unwrap();
    let store = dynamodb.store("written").await.unwrap();
    store.open_backend(&who().backend, at(0)).await.unwrap();
    write_connections(&store).await;
    write_history(&store).await;
    write_the_rest(&store).await;
    let mut kinds: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for item in dynamodb.items("written").await.unwrap() {
        kinds.entry(kind(&item)).or_default().push(item);
    }
    kinds.get_mut("moved_id").unwrap().truncate(MOVED);
    fs::create_dir_all(folder().join(&version)).unwrap();
    for (kind, mut items) in kinds {
        items.sort_by_key(|item| item["sk"]["S"].as_str().unwrap().to_owned());
        let items: Vec<Value> = items.into_iter().map(sorted).collect();
        let json = serde_json::to_string_pretty(&items).unwrap() + "\n";
        fs::write(folder().join(&version).join(format!("{kind}.json")), json).unwrap();
    }
}

/// Returns the same JSON with the names of every object in their order, so that two files can be compared.
fn sorted(json: Value) -> Value {
    match json {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> =
                fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.into_iter().collect()
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn kind(item: &Value) -> &'static str {
    let key = |name: &str| item[name]["S"].as_str().unwrap();
    match (key("sk"), &key("sk")[..2]) {
        ("connection", _) if key("pk").ends_with("ሰላም") => "new_connection",
        ("connection", _) => "connection",
        ("contact", _) => "contact",
        ("backend", _) => "backend",
        ("broadcast", _) => "broadcast",
        ("job", _) => "job",
        (_, "P#") => "part",
        (_, "O#") => "outbox_piece",
        (_, "R#") => "moved_id",
        (_, "N#") => "number",
        (_, "U#") => "unusable",
        (_, "M#") if item["direction"]["S"] == "in" => "message_in",
        (_, "M#") => "message_out",
        other => panic!("an item of no known kind: {other:?}"),
    }
}

/// Returns the outbox: two entries that together have every field, and so many entries that some move out.
pub(crate) fn entries() -> Vec<Entry> {
    let mut first = Entry::new(id("m40-1"), "ሰላም, \"Asha\"\n", Some(id("m40")), at(41));
    (first.attempts, first.uncertain, first.next_attempt, first.confirms) = (3, 1, Some(at(99)), true);
    first.recipients = vec![Recipient::from(&newcomer()), Recipient::Contact(ContactId::of(&who(), 0))];
    first.otherwise = vec![newcomer(), who()];
    let plain = |nth: usize| Entry::new(id(&format!("m40-{nth}")), format!("text {nth}"), None, at(41));
    let second = Entry { refused: Some("denied".to_owned()), ..plain(2) };
    [first, second].into_iter().chain((3..=35).map(plain)).collect()
}

/// Returns the same outbox as a released form has it. The first form had no refusals.
pub(crate) fn entries_of(form: &str) -> Vec<Entry> {
    let refused = |entry: Entry| if form == "v1" { Entry { refused: None, ..entry } } else { entry };
    entries().into_iter().map(refused).collect()
}

pub(crate) fn contact() -> Contact {
    let mut contact = Contact::new(ContactId::of(&who(), 0), at(41));
    contact.set_name("Asha");
    contact.set_language("am".parse::<threadless::Language>().unwrap());
    contact.set("village", &"Debre Zeit").unwrap();
    contact
}

async fn write_connections(store: &dyn Store) {
    let blank = Session::default();
    for nth in 0..=40_i64 {
        let (who, message, last) = (who(), id(&format!("m{nth}")), nth == 40);
        let mut session = blank.clone();
        session.set("survey.answers", &vec!["yes", "no"]).unwrap();
        let change = ContactChange { before: None, after: Some(contact()) };
        let seen = store.load(&who, &message, at(nth)).await.unwrap().record;
        let commit = Commit {
            connection: &who,
            seen: &seen,
            message: &message,
            arrived: Some(at(nth)),
            session: if last { &session } else { &blank },
            contact: last.then_some(&change),
            replies: if last { entries() } else { Vec::new() },
            opted_out: last.then(|| at(40)),
            reply_rate: if last { ReplyRate { since: at(1), replies: 7 } } else { ReplyRate::default() },
            forms: None,
            lease: last.then(|| seen.next_lease("me", at(90))),
            now: at(nth),
        };
        assert!(matches!(store.commit(commit).await.unwrap(), Committed::Yes(_)));
    }
    let (who, message) = (newcomer(), id("n0"));
    let seen = store.load(&who, &message, at(5)).await.unwrap().record;
    let commit = Commit {
        connection: &who,
        seen: &seen,
        message: &message,
        arrived: Some(at(5)),
        session: &blank,
        contact: None,
        replies: Vec::new(),
        opted_out: None,
        reply_rate: ReplyRate::default(),
        forms: None,
        lease: None,
        now: at(5),
    };
    assert!(matches!(store.commit(commit).await.unwrap(), Committed::Yes(_)));
}

async fn write_history(store: &dyn Store) {
    for row in [received(), sent()] {
        store.record(&row).await.unwrap();
    }
    let mut step = StatusUpdate::new(who(), at(41), id("m40-1"), State::Delivered);
    step.detail = Some("DELIVRD".to_owned());
    store.report(&step, at(60)).await.unwrap();
}

pub(crate) fn received() -> HistoryRow {
    HistoryRow {
        connection: who(),
        at: at(40),
        id: id("m40"),
        direction: Direction::In,
        state: State::Handled,
        text: "hello #1".to_owned(),
        in_reply_to: None,
        attempts: 0,
        uncertain: 0,
        detail: None,
    }
}

pub(crate) fn sent() -> HistoryRow {
    HistoryRow {
        connection: who(),
        at: at(41),
        id: id("m40-1"),
        direction: Direction::Out,
        state: State::Sent,
        text: "ሰላም".to_owned(),
        in_reply_to: Some(id("m40")),
        attempts: 2,
        uncertain: 1,
        detail: Some("0: Accepted for delivery".to_owned()),
    }
}

pub(crate) fn unusable() -> Unusable {
    let problems = vec!["text: is not UTF-8".to_owned(), "from: is missing".to_owned()];
    Unusable::new(who().backend, at(7), "text=%FF".to_owned(), problems)
}

pub(crate) fn broadcast() -> Broadcast {
    Broadcast {
        key: "flood-2026.11_25".parse().unwrap(),
        digest: "d1".to_owned(),
        text: "The river rises.".to_owned(),
        created_at: at(8),
        sizes: vec![2, 1],
        fanned_out: std::collections::BTreeSet::new(),
    }
}

pub(crate) fn parts() -> Vec<Vec<BroadcastMessage>> {
    let own = BroadcastMessage { connections: vec![newcomer()], send: 2, text: Some("Go.".to_owned()) };
    vec![
        vec![BroadcastMessage { connections: vec![who(), newcomer()], send: 0, text: None }, own.clone()],
        vec![own],
    ]
}

pub(crate) fn job() -> JobRecord {
    let (done, state) = (Some(at(10)), Some("{\"round\":3}".to_owned()));
    JobRecord { version: 1, done, state, ..JobRecord::new(at(9)) }
}

async fn write_the_rest(store: &dyn Store) {
    store.keep_unusable(&unusable()).await.unwrap();
    store.note_number(&who(), at(6)).await.unwrap();
    store.open_broadcast(&broadcast(), &parts()).await.unwrap();
    store.part_is_fanned_out(&broadcast().key, 1).await.unwrap();
    assert!(store.put_job("survey.remind", None, &job()).await.unwrap());
}
