//! The lease on an outbox, its fence, and the settlement of entries: checked on every store.

use threadless::store::{Commit, Committed, Entry, Lease, Outbox, Settled, Settlement, Store, Taken};
use threadless::{ConnectionId, MessageId, Recipient, Session};

use super::{at, commit, commit_on, connection, entry, lease, load, take, texts};

/// Makes an entry for other recipients.
fn sending(text: &str) -> Entry {
    let to = |text: &str| text.parse::<Recipient>().unwrap();
    Entry { recipients: vec![to("k:2"), to("other:a:b#c")], ..entry(text) }
}

fn left(settled: Settled) -> Outbox {
    match settled {
        Settled::Remaining(outbox) => outbox,
        other => panic!("entries should be left: {other:?}"),
    }
}

fn written(committed: Committed) -> Outbox {
    match committed {
        Committed::Yes(outbox) => outbox,
        Committed::Conflict => panic!("nobody was in the way"),
    }
}

async fn commit_entries(store: &dyn Store, who: &ConnectionId, message: &str, entries: Vec<Entry>) {
    let seen = load(store, who, message).await.record;
    let committed = store
        .commit(Commit {
            connection: who,
            seen: &seen,
            message: &MessageId::from(message),
            arrived: Some(at(0)),
            session: &Session::default(),
            contact: None,
            replies: entries,
            opted_out: None,
            reply_rate: seen.reply_rate,
            forms: None,
            lease: None,
            now: at(0),
        })
        .await
        .unwrap();
    written(committed);
}

/// Returns the due connections.
async fn due(store: &dyn Store, now: i64) -> Vec<String> {
    store.due(at(now), 10).await.unwrap().iter().map(|due| super::named(&due.waiting)).collect()
}

pub(super) async fn a_commit_holds_only_while_nobody_took_the_lease(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one"], None).await;
    let seen = load(store, &who, "b").await.record;
    let (held, outbox, _) = take(store, &who, "me", 1).await.unwrap();
    let commit_two = || commit_on(store, &who, &seen, "b", &["two"], Some(("other", 30)));
    assert_eq!(commit_two().await, Committed::Conflict);
    assert_eq!(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap(), Settled::Released);
    assert_eq!(commit_two().await, Committed::Conflict, "the entry that it saw was sent in between");

    let seen = load(store, &who, "b").await.record;
    let outbox = written(commit_on(store, &who, &seen, "b", &["two"], Some(("other", 30))).await);
    assert_eq!(texts(&outbox), ["two"]);
    let loaded = load(store, &who, "b").await.record;
    assert_eq!((loaded.outbox, loaded.lease, loaded.fence), (outbox, Some(lease("other", 30, 2)), 2));
}

pub(super) async fn a_commit_does_not_undo_an_attempt_in_between(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one"], None).await;
    let seen = load(store, &who, "b").await.record;
    let (held, outbox, _) = take(store, &who, "me", 1).await.unwrap();
    let mut head = outbox.entries[0].clone();
    (head.attempts, head.uncertain, head.next_attempt) = (2, 1, Some(at(500)));
    let settled = store.settle(&who, &held, &outbox, Settlement::Deferred(head.clone())).await.unwrap();
    assert_eq!(settled, Settled::Released);
    let stale = commit_on(store, &who, &seen, "b", &["two"], Some(("other", 30))).await;
    assert_eq!(stale, Committed::Conflict);
    assert_eq!(load(store, &who, "b").await.record.outbox.entries, [head]);
}

pub(super) async fn a_commit_without_a_lease_does_not_hold_either_once_the_lease_was_taken(
    store: &dyn Store,
) {
    let who = connection("1");
    commit(store, &who, "a", &["one"], None).await;
    let seen = load(store, &who, "b").await.record;
    let (held, outbox, _) = take(store, &who, "me", 1).await.unwrap();
    assert_eq!(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap(), Settled::Released);
    assert_eq!(commit_on(store, &who, &seen, "b", &["two"], None).await, Committed::Conflict);
    assert_eq!(load(store, &who, "b").await.record.outbox.entries, []);
}

pub(super) async fn a_commit_takes_over_only_the_lease_that_it_saw_expire(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one"], Some(("slow", 30))).await;
    let seen = load(store, &who, "b").await.record;
    assert!(store.extend_lease(&who, &lease("slow", 90, 1)).await.unwrap());
    let robbed = commit_on(store, &who, &seen, "b", &["two"], Some(("other", 120))).await;
    assert_eq!(robbed, Committed::Conflict);
    assert_eq!(load(store, &who, "b").await.record.lease, Some(lease("slow", 90, 1)));
    // A commit that leaves the lease alone still succeeds.
    let outbox = written(commit_on(store, &who, &seen, "b", &["two"], None).await);
    assert_eq!(texts(&outbox), ["one", "two"]);
}

pub(super) async fn a_commit_that_takes_over_returns_the_outbox_as_it_is_by_then(store: &dyn Store) {
    for replies in [vec!["three".to_owned()], (0..40).map(|nth| format!("three {nth}")).collect()] {
        let who = connection(&format!("with {}", replies.len()));
        commit(store, &who, "a", &["one", "two"], Some(("slow", 30))).await;
        let seen = load(store, &who, "b").await.record;
        let settled = store.settle(&who, &lease("slow", 30, 1), &seen.outbox, Settlement::Done).await;
        assert_eq!(texts(&left(settled.unwrap())), ["two"]);
        let replies: Vec<&str> = replies.iter().map(String::as_str).collect();
        let outbox = written(commit_on(store, &who, &seen, "b", &replies, Some(("other", 90))).await);
        assert_eq!(texts(&outbox)[..2], ["two", replies[0]]);
        assert_eq!(load(store, &who, "b").await.record.outbox, outbox, "with {}", replies.len());
    }
}

pub(super) async fn the_fence_counts_every_taking_of_the_lease(store: &dyn Store) {
    let who = connection("1");
    assert_eq!(load(store, &who, "x").await.record.fence, 0);
    commit(store, &who, "a", &["one"], Some(("first", 30))).await;
    let (second, outbox, _) = take(store, &who, "second", 30).await.unwrap();
    assert_eq!(second, lease("second", 60, 2));
    assert!(store.extend_lease(&who, &Lease { until: at(99), ..second.clone() }).await.unwrap());
    assert_eq!(load(store, &who, "x").await.record.lease, Some(lease("second", 99, 2)), "still the same one");
    assert_eq!(store.settle(&who, &second, &outbox, Settlement::Done).await.unwrap(), Settled::Released);
    let record = load(store, &who, "x").await.record;
    assert_eq!((record.lease, record.fence), (None, 2));
}

pub(super) async fn the_lease_is_taken_by_one_and_given_back_with_the_last_entry(store: &dyn Store) {
    let who = connection("1");
    assert_eq!(take(store, &who, "nobody", 0).await, None, "nothing to send");
    commit(store, &who, "a", &["one", "two"], None).await;
    let (held, outbox, abandoned) = take(store, &who, "me", 1).await.unwrap();
    assert_eq!((texts(&outbox), abandoned), (vec!["one".into(), "two".into()], false));
    assert_eq!(take(store, &who, "other", 1).await, None, "it is held");
    let outbox = left(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap());
    assert_eq!(texts(&outbox), ["two"]);
    assert_eq!(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap(), Settled::Released);
    let record = load(store, &who, "x").await.record;
    assert!(record.outbox.is_empty() && record.lease.is_none());
    assert_eq!(take(store, &who, "other", 2).await, None, "nothing to send any more");
}

/// The client repeats a write whose answer was lost. The second write must not get the answer that another process has
/// the lease.
pub(super) async fn a_settlement_that_is_repeated_has_the_same_answer(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one", "two"], None).await;
    let (held, both, _) = take(store, &who, "me", 1).await.unwrap();
    let settle = |outbox: &Outbox, settlement: Settlement| {
        let (who, held, outbox) = (who.clone(), held.clone(), outbox.clone());
        async move { store.settle(&who, &held, &outbox, settlement).await.unwrap() }
    };
    let one_left = settle(&both, Settlement::Done).await;
    assert_eq!(settle(&both, Settlement::Done).await, one_left, "and it is not done twice");
    let one_left = left(one_left);
    for _ in 0..2 {
        assert_eq!(settle(&one_left, Settlement::Done).await, Settled::Released);
        assert_eq!(store.refill(&who, &held).await.unwrap(), Settled::Released);
    }

    commit(store, &who, "b", &["three"], None).await;
    assert_eq!(settle(&one_left, Settlement::Done).await, Settled::Released, "nobody has taken it since");
    let (held, outbox, _) = take(store, &who, "again", 2).await.unwrap();
    let deferred = Settlement::Deferred(Entry { next_attempt: Some(at(9)), ..outbox.entries[0].clone() });
    for _ in 0..2 {
        let settled = store.settle(&who, &held, &outbox, deferred.clone()).await.unwrap();
        assert_eq!(settled, Settled::Released);
    }
    assert_eq!(settle(&one_left, Settlement::Done).await, Settled::Lost, "it was taken since");
}

pub(super) async fn an_expired_lease_is_taken_over_and_said_to_be_abandoned(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one"], Some(("dead", 30))).await;
    let dead = lease("dead", 30, 1);
    assert_eq!(take(store, &who, "me", 29).await, None);
    let (mine, outbox, abandoned) = take(store, &who, "me", 30).await.unwrap();
    assert!(abandoned);
    assert!(!store.extend_lease(&who, &Lease { until: at(90), ..dead.clone() }).await.unwrap());
    assert!(store.extend_lease(&who, &Lease { until: at(90), ..mine.clone() }).await.unwrap());
    assert_eq!(take(store, &who, "third", 80).await, None, "it was extended");
    assert_eq!(store.settle(&who, &dead, &outbox, Settlement::Done).await.unwrap(), Settled::Lost);
    assert_eq!(store.settle(&who, &mine, &outbox, Settlement::Done).await.unwrap(), Settled::Released);
}

pub(super) async fn what_comes_in_while_sending_is_not_lost_with_the_lease(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one"], None).await;
    let (held, outbox, _) = take(store, &who, "me", 1).await.unwrap();
    commit(store, &who, "b", &["two"], None).await;
    let outbox = left(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap());
    assert_eq!(texts(&outbox), ["two"]);
}

pub(super) async fn what_comes_in_while_the_lease_is_given_back_is_sent_by_its_holder(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one", "two"], None).await;
    let (held, outbox, _) = take(store, &who, "me", 1).await.unwrap();
    let outbox = left(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap());
    let empty = left(store.withdraw(&who, &held, 0, &outbox.entries[0].id).await.unwrap());
    assert_eq!(empty, Outbox::default());
    commit(store, &who, "b", &["three"], None).await;
    assert_eq!(texts(&left(store.refill(&who, &held).await.unwrap())), ["three"]);
}

/// The holder dies between the last entry and the end of its lease.
pub(super) async fn an_empty_outbox_under_an_expired_lease_does_not_stay_due(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one"], None).await;
    let (held, outbox, _) = take(store, &who, "dead", 1).await.unwrap();
    left(store.withdraw(&who, &held, 0, &outbox.entries[0].id).await.unwrap());
    assert_eq!(due(store, 30).await, [""; 0], "its holder may be at work");
    assert_eq!(take(store, &who, "me", 30).await, None);
    assert_eq!(due(store, 31).await, ["1"]);
    assert_eq!(take(store, &who, "me", 31).await, None, "there is nothing to send");
    assert_eq!(due(store, 10_000).await, [""; 0]);
    let record = load(store, &who, "x").await.record;
    assert_eq!((record.lease, record.fence), (None, 1));
    written(commit(store, &who, "b", &["two"], None).await);
    assert_eq!(due(store, 10_000).await, ["1"]);
    assert_eq!(texts(&take(store, &who, "me", 32).await.unwrap().1), ["two"]);
}

pub(super) async fn who_lost_the_lease_changes_nothing(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one", "two"], Some(("dead", 30))).await;
    let dead = lease("dead", 30, 1);
    let (mine, outbox, _) = take(store, &who, "me", 40).await.unwrap();
    let two = left(store.settle(&who, &mine, &outbox, Settlement::Done).await.unwrap());
    let head = outbox.entries[0].clone();
    for settlement in [Settlement::Done, Settlement::Deferred(head.clone()), Settlement::Passed(head)] {
        assert_eq!(store.settle(&who, &dead, &outbox, settlement).await.unwrap(), Settled::Lost);
    }
    assert_eq!(store.refill(&who, &dead).await.unwrap(), Settled::Lost);
    assert_eq!(load(store, &who, "x").await.record.outbox, two);
}

pub(super) async fn an_entry_can_leave_before_its_turn(store: &dyn Store) {
    let who = connection("1");
    let with_two_more = Entry { otherwise: vec![connection("3"), connection("4")], ..entry("with two more") };
    let entries = vec![entry("first"), sending("to others"), with_two_more.clone()];
    commit_entries(store, &who, "a", entries.clone()).await;
    let (held, kept, _) = take(store, &who, "me", 1).await.unwrap();
    assert_eq!(kept.entries, entries);
    let id = &entries[1].id;
    assert_eq!(store.withdraw(&who, &lease("other", 31, 9), 1, id).await.unwrap(), Settled::Lost);
    for _ in 0..2 {
        let outbox = left(store.withdraw(&who, &held, 1, id).await.unwrap());
        assert_eq!(outbox.entries, [entry("first"), with_two_more.clone()]);
    }
    assert_eq!(load(store, &who, "x").await.record.lease, Some(held));
}

pub(super) async fn messages_pass_a_head_that_goes_to_others(store: &dyn Store) {
    let who = connection("1");
    let entries = ["s1", "s2", "s3"].map(sending).into_iter().chain([entry("one"), entry("two")]).collect();
    commit_entries(store, &who, "a", entries).await;
    let (held, outbox, _) = take(store, &who, "me", 1).await.unwrap();
    let tried = Entry { attempts: 1, next_attempt: Some(at(99)), ..outbox.entries[0].clone() };
    let passed = Settlement::Passed(tried.clone());
    let outbox = left(store.settle(&who, &held, &outbox, passed.clone()).await.unwrap());
    assert_eq!(texts(&outbox), ["one", "s1", "s2", "s3", "two"]);
    assert_eq!(outbox.entries[1], tried);
    let again = left(store.settle(&who, &held, &outbox, passed).await.unwrap());
    assert_eq!(again, outbox, "a repeated one changes nothing");

    let outbox = left(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap());
    let outbox = left(store.settle(&who, &held, &outbox, Settlement::Passed(tried.clone())).await.unwrap());
    assert_eq!(texts(&outbox), ["two", "s1", "s2", "s3"]);
    let outbox = left(store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap());
    let settled = store.settle(&who, &held, &outbox, Settlement::Passed(tried.clone())).await.unwrap();
    assert_eq!(left(settled).entries[0], tried, "nobody is there to pass it");
    assert_eq!(texts(&load(store, &who, "x").await.record.outbox), ["s1", "s2", "s3"]);
}

pub(super) async fn a_deferred_head_is_due_when_it_says(store: &dyn Store) {
    let who = connection("1");
    commit(store, &who, "a", &["one", "two"], None).await;
    let (held, outbox, _) = take(store, &who, "me", 1).await.unwrap();
    let mut head = outbox.entries[0].clone();
    (head.attempts, head.uncertain, head.next_attempt) = (3, 1, Some(at(100)));
    head.refused = Some("no such subscriber".to_owned());
    let settled = store.settle(&who, &held, &outbox, Settlement::Deferred(head.clone())).await.unwrap();
    assert_eq!(settled, Settled::Released);
    assert_eq!(take(store, &who, "me", 99).await, None);
    assert_eq!(due(store, 99).await, [""; 0]);
    assert_eq!(due(store, 100).await, ["1"]);
    let (_, outbox, abandoned) = take(store, &who, "me", 100).await.unwrap();
    assert!(!abandoned);
    assert_eq!(outbox.entries[0], head);
    assert_eq!(texts(&outbox), ["one", "two"]);
}

pub(super) async fn a_large_outbox_moves_out_and_in_again_in_order(store: &dyn Store) {
    let who = connection("1");
    let mut expected = Vec::new();
    for message in 0..9 {
        let replies: Vec<String> =
            (0..9).map(|nth| format!("{message}.{nth} {}", "x".repeat(2000))).collect();
        let replies: Vec<&str> = replies.iter().map(String::as_str).collect();
        written(commit(store, &who, &message.to_string(), &replies, None).await);
        expected.extend(replies.iter().map(|text| (*text).to_owned()));
    }
    let Taken::Yes { lease: held, mut outbox, .. } =
        store.take_lease(&who, "me", at(31), at(1)).await.unwrap()
    else {
        panic!("nobody holds it");
    };
    assert!(outbox.spilled > 0);
    let mut sent = Vec::new();
    loop {
        let settled = match outbox.entries.front() {
            Some(head) => {
                sent.push(head.text.clone());
                store.settle(&who, &held, &outbox, Settlement::Done).await.unwrap()
            }
            None => store.refill(&who, &held).await.unwrap(),
        };
        match settled {
            Settled::Remaining(left) => outbox = left,
            Settled::Released => break,
            Settled::Lost => panic!("nobody took it"),
        }
    }
    assert!(sent == expected, "{} of {} in order", sent.len(), expected.len());
    assert!(load(store, &who, "x").await.record.outbox.is_empty());
}
