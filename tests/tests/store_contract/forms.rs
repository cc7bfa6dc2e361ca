//! The contract of every store: what is stored under other forms of an identity.

use jiff::Timestamp;
use threadless::store::{Commit, Committed, Record, ReplyRate, Store};
use threadless::{ConnectionId, Contact, ContactChange, ContactId, MessageId, Session};

use super::{at, connection, load};

/// Returns a commit that changes nothing but the session.
fn plain<'a>(
    connection: &'a ConnectionId,
    seen: &'a Record,
    message: &'a MessageId,
    session: &'a Session,
    now: i64,
) -> Commit<'a> {
    let now: Timestamp = at(now);
    Commit {
        connection,
        seen,
        message,
        arrived: None,
        session,
        contact: None,
        replies: Vec::new(),
        opted_out: None,
        reply_rate: ReplyRate::default(),
        forms: None,
        lease: None,
        now,
    }
}

/// A person was stored under other forms of the number before the rules for numbers changed.
pub(super) async fn the_records_of_other_forms_are_taken_over_once(store: &dyn Store) {
    let (normal, old, older) =
        (connection("+254711000222"), connection("0711000222"), connection("254711000222"));
    let stored = store.records(&[normal.clone(), old.clone(), older.clone()]).await.unwrap();
    assert_eq!(stored, [None, None, None]);

    let mut contact = Contact::new(ContactId::of(&old, 0), at(0));
    contact.set_name("Abel");
    let change = ContactChange { before: None, after: Some(contact) };
    let mut session = Session::default();
    session.set("step", &7).unwrap();
    let id = |id: &str| MessageId::from(id);
    let empty = Session::default();
    let new = Record::new(at(0));
    let first = id("a");
    let commits = [
        Commit { contact: Some(&change), ..plain(&old, &new, &first, &session, 20) },
        Commit { opted_out: Some(at(5)), ..plain(&older, &new, &first, &empty, 10) },
    ];
    for commit in commits {
        assert!(matches!(store.commit(commit).await.unwrap(), Committed::Yes(_)));
    }

    let mut loaded = load(store, &normal, "b").await;
    assert_eq!((loaded.record.version, loaded.record.forms.clone()), (0, None));
    let others = store.records(&[older.clone(), normal.clone(), old.clone()]).await.unwrap();
    assert_eq!(others.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    loaded.record.take_over(&others.into_iter().flatten().collect::<Vec<_>>());
    let seen = loaded.record;
    assert_eq!(seen.outbox.opted_out, Some(at(5)), "STOP wins");
    assert_eq!(seen.session.get::<u32>("step").unwrap(), Some(7));
    assert_eq!((seen.contact.as_ref(), seen.contacts_made), (Some(&ContactId::of(&old, 0)), 1));
    assert!(seen.recent.contains(&first) && seen.outbox.is_empty());

    let (second, session) = (id("b"), seen.session.clone());
    let commit = plain(&normal, &seen, &second, &session, 30);
    let commit = Commit { opted_out: seen.outbox.opted_out, forms: Some("KE"), ..commit };
    assert!(matches!(store.commit(commit.clone()).await.unwrap(), Committed::Yes(_)));
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Conflict, "it is taken over once");

    let after = load(store, &normal, "a").await;
    assert!(after.seen, "a message of before the change has no second effect");
    assert_eq!(after.contact.as_ref().map(Contact::name), Some("Abel"));
    assert_eq!(after.record.forms.as_deref(), Some("KE"));
    assert_eq!((after.record.version, after.record.contacts_made), (1, 1));
    assert_eq!(after.record.outbox.opted_out, Some(at(5)));
    assert_eq!(after.record.session.get::<u32>("step").unwrap(), Some(7));
    // A later commit keeps the mark and the contact.
    let (third, seen) = (id("c"), after.record);
    let commit = plain(&normal, &seen, &third, &empty, 40);
    assert!(matches!(store.commit(commit).await.unwrap(), Committed::Yes(_)));
    let last = load(store, &normal, "d").await;
    assert_eq!((last.record.forms.as_deref(), last.record.outbox.opted_out), (Some("KE"), None));
    assert_eq!(last.contact.as_ref().map(Contact::name), Some("Abel"));
    // The old records stay as they were.
    let old = load(store, &old, "a").await;
    assert!(old.seen && old.record.contact.is_some() && old.record.forms.is_none());
}
