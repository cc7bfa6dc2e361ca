//! The port's view of the items of each released form.

use tests::dynamodb::DynamoDb;
use threadless::store::{
    Advanced, Broadcasts as _, Connections as _, DueIndex as _, Entry, History as _, HistoryRow, Jobs as _,
    Lease, Number, Numbers as _, ReplyRate, State, StatusUpdate, Waiting,
};
use threadless::{Contact, ContactId};

use crate::write::{broadcast, contact, entries_of, job, parts, received, sent, unusable};
use crate::{FORMS, at, id, newcomer, store_of, who};

/// The number of entries that one item holds.
const INSIDE: usize = 32;

/// Returns the lease on the entries. The first form did not number leases.
fn lease(form: &str) -> Lease {
    Lease { owner: "me".to_owned(), until: at(90), fence: u64::from(form != "v1") }
}

/// Returns the time of arrival that the items have for a message. The first form had none.
fn arrived(form: &str, second: i64) -> Option<jiff::Timestamp> {
    (form != "v1").then(|| at(second))
}

#[tokio::test]
async fn a_connection_of_each_form_is_what_it_was() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for form in FORMS {
        let store = store_of(&dynamodb, form).await;
        let loaded = store.load(&who(), &id("m40"), at(50)).await.unwrap();
        let record = &loaded.record;
        assert_eq!((loaded.seen, loaded.arrived), (true, arrived(form, 40)));
        assert_eq!((record.version, record.created_at, record.contacts_made), (41, at(0), 1));
        assert_eq!(record.session.get::<Vec<String>>("survey.answers").unwrap().unwrap(), ["yes", "no"]);
        assert_eq!(record.contact, Some(ContactId::of(&who(), 0)));
        assert_eq!(record.outbox.entries, entries_of(form)[..INSIDE].to_vec());
        assert_eq!((record.outbox.spilled, record.outbox.opted_out), (1, Some(at(40))));
        assert_eq!(record.lease, Some(lease(form)));
        assert_eq!(record.reply_rate, ReplyRate { since: at(1), replies: 7 });
        for nth in 16..=40 {
            assert!(store.load(&who(), &id(&format!("m{nth}")), at(50)).await.unwrap().seen, "{nth}");
        }
        assert!(!store.load(&who(), &id("m41"), at(50)).await.unwrap().seen);
        let fresh = store.load(&newcomer(), &id("n0"), at(50)).await.unwrap();
        assert_eq!((fresh.record.version, fresh.record.created_at, fresh.seen), (1, at(5), true));
        assert!(fresh.record.outbox.is_empty() && fresh.record.lease.is_none() && fresh.contact.is_none());
    }
}

#[tokio::test]
async fn ids_that_moved_out_in_each_form_are_known() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for form in FORMS {
        let store = store_of(&dynamodb, form).await;
        let mut known = 0;
        for nth in 0..16 {
            let loaded = store.load(&who(), &id(&format!("m{nth}")), at(50)).await.unwrap();
            known += usize::from(loaded.seen);
            let of_fixtures = if loaded.seen { arrived(form, nth) } else { None };
            assert_eq!(loaded.arrived, of_fixtures, "{form} {nth}");
        }
        assert_eq!(known, 2, "as many as the fixtures have");
    }
}

#[tokio::test]
async fn a_contact_of_each_form_is_what_it_was() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for form in FORMS {
        let store = store_of(&dynamodb, form).await;
        let found = store.contact_of(&who()).await.unwrap().unwrap();
        let told = |contact: &Contact| {
            let fields: Vec<_> = contact.fields().map(|(name, value)| format!("{name} {value}")).collect();
            (contact.id().clone(), contact.name().to_owned(), contact.language().cloned(), fields)
        };
        assert_eq!(told(&found), told(&contact()));
        assert_eq!((found.version(), found.created_at(), found.connections()), (1, at(41), &[who()][..]));
    }
}

#[tokio::test]
async fn history_and_what_the_tester_knows_are_what_they_were() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for form in FORMS {
        let store = store_of(&dynamodb, form).await;
        let delivered = HistoryRow { state: State::Delivered, detail: Some("DELIVRD".to_owned()), ..sent() };
        assert_eq!(store.history(&who(), at(70), 9).await.unwrap(), [delivered, received()]);
        let step = StatusUpdate::new(who(), at(41), id("m40-1"), State::Delivered);
        assert_eq!(store.report(&step, at(70)).await.unwrap(), Advanced::Again);
        let kept = store.unusable(&who().backend, at(70), 9).await.unwrap();
        assert_eq!(kept, [unusable()]);
        let number = Number { identity: who().identity, used_at: at(6) };
        assert_eq!(store.numbers(&who().backend, at(70), 9).await.unwrap(), [number]);
        store.open_backend(&who().backend, at(70)).await.unwrap();
    }
}

#[tokio::test]
async fn broadcasts_and_jobs_are_what_they_were() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for form in FORMS {
        let store = store_of(&dynamodb, form).await;
        let key = broadcast().key;
        let mut spread = broadcast();
        spread.fanned_out.insert(1);
        assert_eq!(store.broadcast(&key, at(70)).await.unwrap(), Some(spread));
        for (nth, part) in (0..).zip(parts()) {
            assert_eq!(store.broadcast_part(&key, nth).await.unwrap(), part);
        }
        assert_eq!(store.job("survey.remind").await.unwrap(), Some(job()));
        let due = store.due(at(100), 9).await.unwrap();
        let waiting: Vec<_> = due.into_iter().map(|due| (due.waiting, due.since)).collect();
        assert_eq!(waiting, [(Waiting::Broadcast(key), at(8)), (Waiting::Outbox(who()), lease(form).until)]);
    }
}

/// Returns the entries that moved out, in their order.
pub(crate) fn moved_out() -> Vec<Entry> {
    entries_of("v1")[INSIDE..].to_vec()
}
