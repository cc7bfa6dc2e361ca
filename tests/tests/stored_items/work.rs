//! Work continues with the items of each released form. An attribute that this program does not know stays unchanged, since
//! a newer version may have written it and may run again.

use serde_json::{Value, json};
use tests::dynamodb::DynamoDb;
use threadless::store::{
    Broadcasts as _, Commit, Committed, Connections as _, DueIndex as _, History as _, JobRecord, Jobs as _,
    Numbers as _, Outboxes as _, Settled, Settlement, State, StatusUpdate, Taken,
};
use threadless::{ContactChange, Session};

use crate::history::moved_out;
use crate::write::{broadcast, entries_of, job};
use crate::{FORMS, at, id, items_of, newcomer, who};

#[tokio::test]
async fn work_goes_on_and_unknown_attributes_stay() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for form in FORMS {
        work_goes_on(&dynamodb, form).await;
    }
}

async fn work_goes_on(dynamodb: &DynamoDb, form: &str) {
    let table = format!("work-{form}");
    let store = dynamodb.store(&table).await.unwrap();
    for item in items_of(form).values().flatten() {
        let mut item = item.clone();
        item["future"] = json!({ "M": { "answer": { "N": "42" } } });
        dynamodb.put(&table, &item).await.unwrap();
    }

    // A message changes the contact, and then all waiting entries go out.
    let loaded = store.load(&who(), &id("m41"), at(100)).await.unwrap();
    let mut named = loaded.contact.clone().unwrap();
    named.set_name("Bekele");
    let change = ContactChange { before: loaded.contact, after: Some(named) };
    let commit = Commit {
        connection: &who(),
        seen: &loaded.record,
        message: &id("m41"),
        arrived: None,
        session: &Session::default(),
        contact: Some(&change),
        replies: Vec::new(),
        opted_out: None,
        reply_rate: loaded.record.reply_rate,
        forms: None,
        lease: None,
        now: at(100),
    };
    assert!(matches!(store.commit(commit).await.unwrap(), Committed::Yes(_)));
    let Taken::Yes { lease, mut outbox, abandoned: true } =
        store.take_lease(&who(), "you", at(200), at(100)).await.unwrap()
    else {
        panic!("the lease of the one who wrote the items is over");
    };
    let mut sent = Vec::new();
    loop {
        let settled = match outbox.entries.front() {
            None => store.refill(&who(), &lease).await.unwrap(),
            Some(entry) => {
                sent.push(entry.clone());
                store.settle(&who(), &lease, &outbox, Settlement::Done).await.unwrap()
            }
        };
        match settled {
            Settled::Remaining(left) => outbox = left,
            Settled::Released => break,
            Settled::Lost => panic!("nobody else is there"),
        }
    }
    assert_eq!(sent, entries_of(form), "{form}");
    assert_eq!(sent[sent.len() - moved_out().len()..], moved_out());
    go_on_with_the_rest(&store).await;

    let items = dynamodb.items(&table).await.unwrap();
    for item in &items {
        // Only this program wrote this row.
        let new = item["sk"]["S"] == "M#04000000102123#late";
        assert_eq!(item["future"].is_null(), new, "{item}");
    }
    let kinds = |sk: &str| items.iter().filter(|item: &&Value| item["sk"]["S"] == sk).count();
    assert_eq!((kinds("connection"), kinds("contact"), kinds("job")), (2, 1, 1));
}

async fn go_on_with_the_rest(store: &threadless::store::dynamodb::DynamoStore) {
    let step = |at, message: &str, state| StatusUpdate::new(who(), at, id(message), state);
    store.report(&step(at(41), "m40-1", State::Delivered), at(101)).await.unwrap();
    store.report(&step(at(102), "late", State::Delivered), at(102)).await.unwrap();
    store.record(&crate::write::sent()).await.unwrap();
    store.record(&crate::write::received()).await.unwrap();
    store.note_number(&who(), at(103)).await.unwrap();
    let key = broadcast().key;
    store.part_is_fanned_out(&key, 0).await.unwrap();
    assert_eq!(store.due(at(300), 9).await.unwrap(), []);
    let next = JobRecord { started: at(104), done: None, ..job() };
    assert!(store.put_job("survey.remind", Some(&job()), &next).await.unwrap());
    let loaded = store.load(&newcomer(), &id("n1"), at(105)).await.unwrap();
    let commit = Commit {
        connection: &newcomer(),
        seen: &loaded.record,
        message: &id("n1"),
        arrived: None,
        session: &Session::default(),
        contact: None,
        replies: Vec::new(),
        opted_out: None,
        reply_rate: loaded.record.reply_rate,
        forms: None,
        lease: None,
        now: at(105),
    };
    assert!(matches!(store.commit(commit).await.unwrap(), Committed::Yes(_)));
}
