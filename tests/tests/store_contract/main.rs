//! The contract of every store, checked on each: the one in memory, and DynamoDB over HTTP.

// These lints do not matter in tests.
#![allow(clippy::similar_names)]
// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod forms;
mod leases;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use forms::*;
use jiff::Timestamp;
use leases::*;
use serde_json::json;
use tests::services::ask;
use threadless::aws::{Access, http_client};
use threadless::backend::HttpTransport;
use threadless::broadcast::{Broadcast, BroadcastMessage};
use threadless::project::Settings;
use threadless::queue::MemoryQueue;
use threadless::store::dynamodb::{DynamoStore, Meter};
use threadless::store::{
    Advanced, Commit, Committed, Connections as _, Direction, DueIndex as _, Entry, Guesses, HistoryRow,
    JobRecord, Lease, Loaded, MemoryStore, Opened, Outbox, ReplyRate, Settled, Settlement, State,
    StatusUpdate, Store, Taken, Unusable, Waiting,
};
use threadless::{
    BackendName, ConnectionId, Contact, ContactChange, ContactId, MessageId, Ports, Project, Router, Session,
    SystemClock, sweep,
};
use threadless_local::{Stack, StackOptions};

/// A store under test, and the values that must outlive it.
struct Subject {
    store: Arc<dyn Store>,
    _stack: Option<Stack>,
}

fn memory() -> Subject {
    Subject { store: Arc::new(MemoryStore::new()), _stack: None }
}

async fn dynamodb() -> Subject {
    let settings = "[project]\nname = \"T\"";
    let stack = Stack::start(quiet(settings)).await.unwrap();
    Subject { store: Arc::new(store_of(&stack)), _stack: Some(stack) }
}

fn store_of(stack: &Stack) -> DynamoStore {
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://{}", stack.dynamodb)),
    };
    DynamoStore::new(&access, http_client().unwrap(), "threadless")
}

/// Returns options for a stack without sweeps, because the dates in these tests make everything due long ago.
fn quiet(settings: &str) -> StackOptions {
    StackOptions { tick: Duration::from_secs(3600), ..tests::stack::ephemeral(settings) }
}

/// Runs every test below on both.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod in_memory { $(#[tokio::test] async fn $name() { super::$name(super::memory().store.as_ref()).await; })* }
        mod in_dynamodb { $(#[tokio::test] async fn $name() { let subject = super::dynamodb().await; super::$name(subject.store.as_ref()).await; })* }
    };
}

contract! {
    a_commit_holds_only_while_nobody_took_the_lease,
    a_commit_does_not_undo_an_attempt_in_between,
    a_commit_without_a_lease_does_not_hold_either_once_the_lease_was_taken,
    a_commit_takes_over_only_the_lease_that_it_saw_expire,
    a_commit_that_takes_over_returns_the_outbox_as_it_is_by_then,
    the_fence_counts_every_taking_of_the_lease,
    the_lease_is_taken_by_one_and_given_back_with_the_last_entry,
    a_settlement_that_is_repeated_has_the_same_answer,
    an_expired_lease_is_taken_over_and_said_to_be_abandoned,
    what_comes_in_while_sending_is_not_lost_with_the_lease,
    what_comes_in_while_the_lease_is_given_back_is_sent_by_its_holder,
    an_empty_outbox_under_an_expired_lease_does_not_stay_due,
    who_lost_the_lease_changes_nothing,
    an_entry_can_leave_before_its_turn,
    messages_pass_a_head_that_goes_to_others,
    a_deferred_head_is_due_when_it_says,
    a_large_outbox_moves_out_and_in_again_in_order,
    a_connection_nobody_has_heard_of_is_new,
    a_commit_writes_everything_at_once,
    of_two_commits_on_one_version_one_wins,
    of_sixty_four_commits_at_once_one_wins,
    a_message_id_is_known_however_many_follow,
    the_arrival_of_a_message_is_known_as_long_as_its_id,
    a_row_that_waits_takes_in_each_attempt,
    the_due_are_found_the_longest_due_first,
    what_is_due_is_found_page_by_page,
    a_broadcast_is_kept_whole_and_once_for_its_key,
    a_broadcast_that_is_kept_for_later_is_due_when_it_is_said,
    a_broadcast_is_due_until_its_parts_are_spread,
    rows_are_found_by_their_keys,
    a_job_is_written_only_as_it_was_seen,
    history_moves_forward_only,
    a_report_moves_a_row_forward_only_whatever_the_order,
    a_report_before_its_row_waits_for_it,
    a_report_before_the_answer_hides_neither_attempts_nor_doubt,
    a_row_that_is_no_longer_kept_takes_no_report,
    any_text_is_kept_as_it_is,
    unusable_messages_are_kept_by_backend,
    history_can_be_read_from_a_moment_on,
    no_time_is_too_far_away,
    numbers_are_listed_by_their_last_use,
    wrong_passwords_are_counted_by_client_and_day_and_by_hour,
    what_is_forgotten_leaves_the_rest_as_it_is,
    wishes_and_pace_are_kept_and_every_outbox_knows_of_them,
    a_contact_is_kept_with_its_first_message_and_changed_with_others,
    of_two_messages_that_change_one_contact_one_wins_and_the_other_leaves_nothing,
    a_message_that_leaves_the_contact_alone_does_not_mind_who_changes_it,
    a_connection_can_go_from_one_contact_to_another,
    a_contact_that_is_made_twice_at_once_is_made_once,
    whatever_is_known_of_a_contact_is_kept_as_it_is,
    the_records_of_other_forms_are_taken_over_once,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn connection(identity: &str) -> ConnectionId {
    ConnectionId::new("k".parse().unwrap(), identity.parse().unwrap())
}

fn entry(text: &str) -> Entry {
    let id = MessageId::from(format!("id of {}", text.chars().take(20).collect::<String>()).as_str());
    Entry::new(id, text, Some(MessageId::from("in")), at(0))
}

fn lease(owner: &str, until: i64, fence: u64) -> Lease {
    Lease { owner: owner.to_owned(), until: at(until), fence }
}

fn texts(outbox: &Outbox) -> Vec<String> {
    outbox.entries.iter().map(|entry| entry.text.clone()).collect()
}

async fn load(store: &dyn Store, who: &ConnectionId, message: &str) -> Loaded {
    store.load(who, &MessageId::from(message), at(0)).await.unwrap()
}

/// Loads and commits in one step.
async fn commit(
    store: &dyn Store,
    who: &ConnectionId,
    message: &str,
    replies: &[&str],
    held: Option<(&str, i64)>,
) -> Committed {
    let seen = load(store, who, message).await.record;
    commit_on(store, who, &seen, message, replies, held).await
}

async fn commit_on(
    store: &dyn Store,
    who: &ConnectionId,
    seen: &threadless::store::Record,
    message: &str,
    replies: &[&str],
    held: Option<(&str, i64)>,
) -> Committed {
    let mut session = Session::default();
    session.set("last", &message).unwrap();
    store
        .commit(Commit {
            connection: who,
            seen,
            message: &MessageId::from(message),
            arrived: Some(at(0)),
            session: &session,
            contact: None,
            replies: replies.iter().map(|text| entry(text)).collect(),
            opted_out: None,
            reply_rate: ReplyRate::default(),
            forms: None,
            lease: held.map(|(owner, until)| seen.next_lease(owner, at(until))),
            now: at(0),
        })
        .await
        .unwrap()
}

/// Takes the lease for 30 seconds. Returns the lease, the outbox, and whether the outbox was abandoned.
async fn take(store: &dyn Store, who: &ConnectionId, owner: &str, now: i64) -> Option<(Lease, Outbox, bool)> {
    match store.take_lease(who, owner, at(now + 30), at(now)).await.unwrap() {
        Taken::Yes { lease, outbox, abandoned } => Some((lease, outbox, abandoned)),
        Taken::No => None,
    }
}

async fn a_connection_nobody_has_heard_of_is_new(store: &dyn Store) {
    let loaded = load(store, &connection("1"), "a").await;
    assert_eq!((loaded.record.version, loaded.record.created_at, loaded.seen), (0, at(0), false));
    assert!(loaded.record.outbox.is_empty() && loaded.record.lease.is_none());
    store.open_backend(&"k".parse().unwrap(), at(0)).await.unwrap();
    store.open_backend(&"k".parse().unwrap(), at(9)).await.unwrap();
}

async fn a_commit_writes_everything_at_once(store: &dyn Store) {
    let who = connection("+251 911#x");
    let Committed::Yes(outbox) = commit(store, &who, "a", &["one", "two"], Some(("me", 30))).await else {
        panic!("nobody was in the way");
    };
    let loaded = load(store, &who, "a").await;
    assert!(loaded.seen);
    assert_eq!((loaded.record.version, loaded.record.created_at), (1, at(0)));
    assert_eq!(loaded.record.session.get::<String>("last").unwrap().as_deref(), Some("a"));
    assert_eq!((texts(&outbox), &loaded.record.outbox), (vec!["one".into(), "two".into()], &outbox));
    assert_eq!(loaded.record.lease, Some(lease("me", 30, 1)));
    assert_eq!(outbox.entries[0], entry("one"));
    assert!(!load(store, &who, "b").await.seen);
}

async fn of_two_commits_on_one_version_one_wins(store: &dyn Store) {
    let who = connection("1");
    for round in ["new", "known"] {
        let seen = load(store, &who, "x").await.record;
        let first = commit_on(store, &who, &seen, &format!("{round} a"), &["a"], None).await;
        let second = commit_on(store, &who, &seen, &format!("{round} b"), &["b"], None).await;
        assert!(matches!(first, Committed::Yes(_)), "{round}");
        assert_eq!(second, Committed::Conflict, "{round}");
        assert!(!load(store, &who, &format!("{round} b")).await.seen, "{round}");
    }
}

async fn of_sixty_four_commits_at_once_one_wins(store: &dyn Store) {
    let who = connection("1");
    let seen = load(store, &who, "x").await.record;
    let names: Vec<String> = (0..64).map(|nth| format!("m{nth}")).collect();
    let all = names.iter().map(|name| commit_on(store, &who, &seen, name, &["r"], None));
    let done = futures_util::future::join_all(all).await;
    // The number is 0 if the winner's answer was lost on a slow machine: the winner then sees a conflict with itself.
    assert!(done.iter().filter(|done| matches!(done, Committed::Yes(_))).count() <= 1);
    let record = load(store, &who, "x").await.record;
    assert_eq!((record.version, record.outbox.entries.len()), (1, 1));
}

async fn a_message_id_is_known_however_many_follow(store: &dyn Store) {
    let who = connection("1");
    for nth in 0..80 {
        assert!(
            matches!(commit(store, &who, &format!("m{nth}"), &[], None).await, Committed::Yes(_)),
            "{nth}"
        );
    }
    for nth in 0..80 {
        assert!(load(store, &who, &format!("m{nth}")).await.seen, "{nth}");
    }
    assert!(!load(store, &who, "m80").await.seen);
    assert!(!load(store, &connection("2"), "m0").await.seen, "each connection has its own");
}

fn named(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Outbox(connection) => connection.identity.as_str().to_owned(),
        Waiting::Broadcast(key) => key.to_string(),
    }
}

fn piece(number: u32) -> BroadcastMessage {
    let own = connection(&number.to_string());
    BroadcastMessage {
        connections: vec![own, connection("else")],
        send: number % 2,
        text: (number == 1).then(|| "ሰላም".to_owned()),
    }
}

fn a_broadcast(key: &str, digest: &str, second: i64) -> Broadcast {
    Broadcast {
        key: key.parse().unwrap(),
        digest: digest.to_owned(),
        text: "text \0 \u{1f469}".to_owned(),
        created_at: at(second),
        sizes: vec![2, 1],
        fanned_out: BTreeSet::new(),
    }
}

async fn a_broadcast_is_kept_whole_and_once_for_its_key(store: &dyn Store) {
    let (one, other) = (a_broadcast("k.1", "one", 5), a_broadcast("k.1", "other", 6));
    let parts = [vec![piece(1), piece(2)], vec![piece(3)]];
    assert_eq!(store.broadcast(&one.key, at(5)).await.unwrap(), None);
    assert_eq!(store.open_broadcast(&one, &parts).await.unwrap(), Opened::Now(one.clone()));
    for again in [&one, &other] {
        assert_eq!(store.open_broadcast(again, &parts).await.unwrap(), Opened::Before(one.clone()));
    }
    assert_eq!(store.broadcast(&one.key, at(9)).await.unwrap(), Some(one.clone()));
    assert_eq!(store.broadcast_part(&one.key, 0).await.unwrap(), parts[0]);
    assert_eq!(store.broadcast_part(&one.key, 1).await.unwrap(), parts[1]);
    assert_eq!(store.broadcast_part(&one.key, 2).await.unwrap(), []);
    assert_eq!(store.broadcast(&"k.2".parse().unwrap(), at(9)).await.unwrap(), None);
    // The key is free again when the broadcast is no longer kept.
    let month = Broadcast::KEPT.as_secs();
    assert_eq!(store.broadcast(&one.key, at(month + 6)).await.unwrap(), None);
    store.part_is_fanned_out(&one.key, 0).await.unwrap();
    let later = a_broadcast("k.1", "later", month + 6);
    assert_eq!(store.open_broadcast(&later, &parts[1..]).await.unwrap(), Opened::Now(later.clone()));
    assert_eq!(store.broadcast(&one.key, at(month + 6)).await.unwrap(), Some(later), "with no part spread");
}

async fn a_broadcast_that_is_kept_for_later_is_due_when_it_is_said(store: &dyn Store) {
    let (one, other) = (a_broadcast("k.1", "one", 5), a_broadcast("k.1", "other", 6));
    let parts = [vec![piece(1), piece(2)], vec![piece(3)]];
    assert_eq!(store.stage_broadcast(&one, &parts).await.unwrap(), Opened::Now(one.clone()));
    for again in [&one, &other] {
        assert_eq!(store.stage_broadcast(again, &parts).await.unwrap(), Opened::Before(one.clone()));
        assert_eq!(store.open_broadcast(again, &parts).await.unwrap(), Opened::Before(one.clone()));
    }
    assert_eq!(store.broadcast(&one.key, at(9)).await.unwrap(), Some(one.clone()));
    assert_eq!(store.broadcast_part(&one.key, 1).await.unwrap(), parts[1]);
    assert_eq!(store.due(at(1000), 10).await.unwrap(), []);
    store.postpone_broadcast(&one.key, Some(at(5))).await.unwrap();
    let due = store.due(at(1000), 10).await.unwrap();
    assert_eq!(
        due.iter().map(|due| (named(&due.waiting), due.since)).collect::<Vec<_>>(),
        [("k.1".to_owned(), at(5))]
    );
}

async fn a_broadcast_is_due_until_its_parts_are_spread(store: &dyn Store) {
    let one = a_broadcast("k", "one", 5);
    store.open_broadcast(&one, &[vec![piece(1), piece(2)], vec![piece(3)]]).await.unwrap();
    commit(store, &connection("1"), "a", &["one"], Some(("dead", 9))).await;
    let due = async |second| {
        let due = store.due(at(second), 10).await.unwrap();
        due.iter().map(|due| named(&due.waiting)).collect::<Vec<_>>()
    };
    assert_eq!(due(4).await, [] as [String; 0]);
    assert_eq!(due(20).await, ["k", "1"]);
    store.postpone_broadcast(&one.key, Some(at(50))).await.unwrap();
    assert_eq!((due(20).await, due(50).await), (vec!["1".to_owned()], vec!["1".to_owned(), "k".to_owned()]));
    for part in [1, 1, 0, 1] {
        store.part_is_fanned_out(&one.key, part).await.unwrap();
        let kept = store.broadcast(&one.key, at(9)).await.unwrap().unwrap();
        assert!(kept.fanned_out.contains(&part));
        let expected: &[&str] = if kept.fanned_out.len() == 1 { &["1", "k"] } else { &["1"] };
        assert_eq!(due(50).await, expected);
    }
    store.postpone_broadcast(&"none".parse().unwrap(), Some(at(1))).await.unwrap();
    store.part_is_fanned_out(&"none".parse().unwrap(), 0).await.unwrap();
    assert_eq!(due(50).await, ["1"], "what is not there does not come about");
}

async fn a_job_is_written_only_as_it_was_seen(store: &dyn Store) {
    let first = JobRecord::new(at(60));
    assert_eq!(store.job("App.remind").await.unwrap(), None);
    assert!(store.put_job("App.remind", None, &first).await.unwrap());
    assert!(!store.put_job("App.remind", None, &first).await.unwrap(), "it is there already");
    let seen = store.job("App.remind").await.unwrap().unwrap();
    assert_eq!(seen, JobRecord { version: 1, ..first });
    let state = Some("{\"n\":1}".to_owned());
    let outgoing = vec!["job.1.0".parse().unwrap(), "job.1.1".parse().unwrap()];
    let second = JobRecord { started: at(120), done: Some(at(60)), state, outgoing, ..seen.clone() };
    assert!(store.put_job("App.remind", Some(&seen), &second).await.unwrap());
    assert!(!store.put_job("App.remind", Some(&seen), &second).await.unwrap(), "it has changed");
    let kept = store.job("App.remind").await.unwrap();
    assert_eq!(kept, Some(JobRecord { version: 2, ..second.clone() }));
    let third = JobRecord { done: None, state: None, outgoing: Vec::new(), ..second };
    assert!(store.put_job("App.remind", kept.as_ref(), &third).await.unwrap());
    assert_eq!(store.job("App.remind").await.unwrap(), Some(JobRecord { version: 3, ..third }));
    assert_eq!(store.job("App.other").await.unwrap(), None);
}

async fn rows_are_found_by_their_keys(store: &dyn Store) {
    let row = |number: i64| HistoryRow {
        connection: connection(&(number % 7).to_string()),
        at: at(number),
        id: MessageId::from(format!("m{number}").as_str()),
        direction: Direction::Out,
        state: State::Sent,
        text: "hello".to_owned(),
        in_reply_to: None,
        attempts: 1,
        uncertain: 0,
        detail: None,
    };
    for number in 0..150 {
        store.record(&row(number)).await.unwrap();
    }
    let wanted: Vec<_> =
        (0..250).rev().map(|number| (row(number).connection, at(number), row(number).id)).collect();
    let expected: Vec<_> = (0..250).rev().map(|number| (number < 150).then(|| row(number))).collect();
    assert_eq!(store.rows(&wanted).await.unwrap(), expected);
    assert_eq!(store.rows(&[]).await.unwrap(), []);
}

async fn the_due_are_found_the_longest_due_first(store: &dyn Store) {
    for nth in 0..20 {
        let who = connection(&format!("n{nth:02}"));
        commit(store, &who, "a", &["one"], Some(("dead", 100 - nth))).await;
    }
    commit(store, &connection("idle"), "a", &[], None).await;
    assert_eq!(store.due(at(80), 100).await.unwrap(), []);
    let due = store.due(at(95), 100).await.unwrap();
    let found: Vec<String> = due.iter().map(|due| named(&due.waiting)).collect();
    let expected: Vec<String> = (5..20).rev().map(|nth| format!("n{nth:02}")).collect();
    assert_eq!(found, expected);
    assert_eq!(due[0].since, at(81));
    assert_eq!(store.due(at(95), 3).await.unwrap(), due[..3]);
}

async fn the_arrival_of_a_message_is_known_as_long_as_its_id(store: &dyn Store) {
    let who = connection("1");
    let arrived = |nth: i64| (nth % 5 != 0).then(|| at(-nth) - jiff::SignedDuration::from_millis(nth));
    for nth in 0..60 {
        let seen = load(store, &who, "x").await.record;
        let (message, session) = (MessageId::from(format!("m{nth}").as_str()), Session::default());
        let commit = Commit {
            connection: &who,
            seen: &seen,
            message: &message,
            arrived: arrived(nth),
            session: &session,
            contact: None,
            replies: Vec::new(),
            opted_out: None,
            reply_rate: ReplyRate::default(),
            forms: None,
            lease: None,
            now: at(nth),
        };
        assert!(matches!(store.commit(commit).await.unwrap(), Committed::Yes(_)));
    }
    for nth in 0..60 {
        let loaded = load(store, &who, &format!("m{nth}")).await;
        assert_eq!((loaded.seen, loaded.arrived), (true, arrived(nth)), "{nth}");
    }
    let loaded = load(store, &who, "m60").await;
    assert_eq!((loaded.seen, loaded.arrived), (false, None));
}

async fn a_row_that_waits_takes_in_each_attempt(store: &dyn Store) {
    let who = connection("1");
    let row = |attempts: u32, uncertain: u32, detail: Option<&str>| HistoryRow {
        attempts,
        uncertain,
        detail: detail.map(str::to_owned),
        ..out(&who, State::Queued, 0)
    };
    let steps = [
        (row(0, 0, None), (0, 0, None)),
        (row(1, 0, Some("first")), (1, 0, Some("first"))),
        (row(1, 0, Some("again")), (1, 0, Some("first"))),
        (row(2, 1, Some("second")), (2, 1, Some("second"))),
        (row(2, 2, None), (2, 2, Some("second"))),
        (row(3, 2, Some("third")), (3, 2, Some("third"))),
        (row(2, 2, Some("late")), (3, 2, Some("third"))),
    ];
    for (written, (attempts, uncertain, detail)) in steps {
        store.record(&written).await.unwrap();
        let kept = only_row(store, &who).await;
        assert_eq!((kept.attempts, kept.uncertain, kept.detail.as_deref()), (attempts, uncertain, detail));
    }
    store.record(&out(&who, State::Sent, 2)).await.unwrap();
    store.record(&row(9, 2, Some("too late"))).await.unwrap();
    let kept = only_row(store, &who).await;
    assert_eq!((kept.state, kept.detail.as_deref()), (State::Sent, Some("Sent")));
}

async fn what_is_due_is_found_page_by_page(store: &dyn Store) {
    // There are two backends, broadcasts, and many entries that are due since the same moment: more than a page in each
    // shard.
    let mut expected = BTreeMap::new();
    for nth in 0..60 {
        let who = ConnectionId::new(
            if nth % 3 == 0 { "dead" } else { "k" }.parse().unwrap(),
            format!("n {nth}#").parse().unwrap(),
        );
        let until = if nth < 40 { 50 } else { nth };
        commit(store, &who, "a", &["one"], Some(("dead", until))).await;
        expected.insert(Waiting::Outbox(who), at(until));
    }
    for nth in 0..5 {
        let one = a_broadcast(&format!("b.{nth}"), "one", 50);
        store.open_broadcast(&one, &[vec![piece(1)]]).await.unwrap();
        expected.insert(Waiting::Broadcast(one.key), at(50));
    }
    commit(store, &connection("later"), "a", &["one"], Some(("dead", 70))).await;
    for limit in [1, 2, 3, 7, 64, 65, 100] {
        let (mut found, mut times, mut pages) = (BTreeMap::new(), Vec::new(), 0);
        let mut after = None;
        loop {
            let page = store.due_page(at(69), after.as_ref(), limit).await.unwrap();
            assert!(page.due.len() <= limit && page.unreadable == 0, "{limit}: {page:?}");
            times.extend(page.due.iter().map(|due| due.since));
            for due in page.due {
                assert_eq!(
                    found.insert(due.waiting.clone(), due.since),
                    None,
                    "{limit}: {:?} twice",
                    due.waiting
                );
            }
            pages += 1;
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(found, expected, "{limit}");
        assert!(times.is_sorted(), "{limit}: {times:?}");
        assert!(pages >= 65_usize.div_ceil(limit), "{limit}: {pages}");
    }
}

#[tokio::test]
async fn an_entry_of_the_index_that_cannot_be_read_is_counted_and_stops_nobody() {
    let stack = Stack::start(quiet("[project]\nname = \"T\"")).await.unwrap();
    let store = store_of(&stack);
    for nth in 0..12 {
        commit(&store, &connection(&format!("n{nth}")), "a", &["one"], Some(("dead", nth))).await;
    }
    let due_at = |second: i64| at(second).as_millisecond().to_string();
    let broken = [
        ("x", due_at(3)),
        ("C#k", due_at(4)),
        ("C#no backend#1", due_at(4)),
        ("C#k#", due_at(5)),
        ("S#no key", due_at(6)),
        ("C#k#n100", "1.5".to_owned()),
        ("C#k#n101", "-1000000000000000000000000000000".to_owned()),
        ("C#k#n102", "-9223372036854775808".to_owned()),
    ];
    for (nth, (pk, due_at)) in broken.iter().enumerate() {
        let item = json!({
            "pk": { "S": pk }, "sk": { "S": "connection" },
            "due_shard": { "S": (nth % 4).to_string() }, "due_at": { "N": due_at },
        });
        let put = json!({ "TableName": "threadless", "Item": item });
        ask(stack.dynamodb, "DynamoDB_20120810.PutItem", &put).await.unwrap();
    }
    for limit in [1, 2, 5, 100] {
        let (mut found, mut unreadable, mut after) = (Vec::new(), 0, None);
        loop {
            let page = store.due_page(at(60), after.as_ref(), limit).await.unwrap();
            found.extend(page.due.iter().map(|due| named(&due.waiting)));
            unreadable += page.unreadable;
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        let expected: Vec<String> = (0..12).map(|nth| format!("n{nth}")).collect();
        assert_eq!((found, unreadable), (expected, broken.len()), "{limit}");
    }
    let queue = Arc::new(MemoryQueue::new(Arc::new(SystemClock)));
    let ports = Ports::new(Arc::new(store), queue, Arc::new(HttpTransport::new()), Arc::new(SystemClock));
    let project = Project::new(Settings::named("T"), Router::new(), ports);
    let swept = sweep(&project).await.unwrap();
    assert_eq!((swept.due, swept.enqueued, swept.unreadable), (12, 12, broken.len()));
}

#[tokio::test]
async fn a_backend_is_recorded_once_with_the_time_of_its_first_message() {
    let stack = Stack::start(quiet("[project]\nname = \"T\"")).await.unwrap();
    let store = store_of(&stack);
    for second in [5, 9] {
        store.open_backend(&"k".parse().unwrap(), at(second)).await.unwrap();
    }
    let items = tests::services::items(stack.dynamodb).await.unwrap();
    let created_at = at(5).as_millisecond().to_string();
    let expected =
        json!({ "pk": { "S": "B#k" }, "sk": { "S": "backend" }, "created_at": { "N": created_at } });
    assert_eq!(items, [expected]);
}

/// A read that runs while ids move out of a connection's item may find an id in neither place.
#[tokio::test]
async fn for_a_minute_after_ids_moved_out_an_id_that_is_missing_is_read_once_more() {
    let stack = Stack::start(quiet("[project]\nname = \"T\"")).await.unwrap();
    let meter = Arc::new(Meter::default());
    let store = store_of(&stack).metered(Arc::clone(&meter));
    let who = connection("1");
    let units = async |second: i64| {
        meter.take_read_units();
        let loaded = store.load(&who, &MessageId::from("unknown"), at(second)).await.unwrap();
        assert!(!loaded.seen);
        meter.take_read_units()
    };
    commit(&store, &who, "m0", &[], None).await;
    let usual = units(0).await;
    for nth in 1..80 {
        commit(&store, &who, &format!("m{nth}"), &[], None).await;
    }
    for (second, more) in [(0, 1.0), (59, 1.0), (60, 0.0), (3600, 0.0)] {
        assert!((units(second).await - usual - more).abs() < 0.01, "{second}: {more}");
    }
}

/// Returns a row of the message `out`.
fn out(who: &ConnectionId, state: State, uncertain: u32) -> HistoryRow {
    HistoryRow {
        connection: who.clone(),
        at: at(0),
        id: MessageId::from("out"),
        direction: Direction::Out,
        state,
        text: "hello".to_owned(),
        in_reply_to: Some(MessageId::from("in")),
        attempts: uncertain + 1,
        uncertain,
        detail: Some(format!("{state:?}")),
    }
}

/// Returns a gateway's report on the message `out`.
fn step(who: &ConnectionId, state: State, detail: Option<&str>) -> StatusUpdate {
    let (at, id) = (at(0), MessageId::from("out"));
    let mut step = StatusUpdate::new(who.clone(), at, id, state);
    step.detail = detail.map(str::to_owned);
    step
}

async fn only_row(store: &dyn Store, who: &ConnectionId) -> HistoryRow {
    let mut rows = store.history(who, at(90), 10).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

async fn a_report_moves_a_row_forward_only_whatever_the_order(store: &dyn Store) {
    let states = [State::Sent, State::Failed, State::Delivered];
    for (nth, order) in
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().enumerate()
    {
        let who = connection(&nth.to_string());
        store.record(&out(&who, State::Queued, 0)).await.unwrap();
        let mut highest = State::Queued;
        for state in order.map(|at| states[at]) {
            let further = state.rank() > highest.rank();
            // A second report with another text changes nothing.
            for (words, again) in [("first", false), ("second", true)] {
                let moved = store.report(&step(&who, state, Some(words)), at(5)).await.unwrap();
                let expected = match (further, again) {
                    (true, false) => Advanced::Forward,
                    (true, true) => Advanced::Again,
                    (false, _) => Advanced::No,
                };
                assert_eq!(moved, expected, "{order:?} {state:?} {words}");
            }
            if further {
                highest = state;
            }
            let detail = Some("first".to_owned());
            let row = HistoryRow { state: highest, detail, ..out(&who, State::Queued, 0) };
            assert_eq!(only_row(store, &who).await, row, "{order:?} {state:?}");
        }
        assert_eq!(highest, State::Delivered);
    }
    // Long afterwards, no more work follows from the report.
    let who = connection("0");
    let delivered = step(&who, State::Delivered, None);
    assert_eq!(store.report(&delivered, at(5 + 12 * 3600 - 1)).await.unwrap(), Advanced::Again);
    assert_eq!(store.report(&delivered, at(5 + 12 * 3600)).await.unwrap(), Advanced::No);
    // The same holds if no report moved the row to this state.
    let who = connection("ours");
    store.record(&out(&who, State::Failed, 0)).await.unwrap();
    assert_eq!(store.report(&step(&who, State::Failed, None), at(5)).await.unwrap(), Advanced::No);
    let delivered = step(&who, State::Delivered, None);
    assert_eq!(store.report(&delivered, at(5)).await.unwrap(), Advanced::Forward);
    assert_eq!(only_row(store, &who).await.detail, None, "what was said of another state is gone");
}

async fn a_report_before_its_row_waits_for_it(store: &dyn Store) {
    let who = connection("1");
    assert_eq!(store.report(&step(&who, State::Delivered, None), at(5)).await.unwrap(), Advanced::Forward);
    let early = only_row(store, &who).await;
    assert_eq!((early.direction, early.state, early.text.as_str()), (Direction::Out, State::Delivered, ""));
    for state in [State::Queued, State::Sent] {
        store.record(&out(&who, state, 0)).await.unwrap();
        let whole = HistoryRow { state: State::Delivered, detail: None, ..out(&who, state, 0) };
        assert_eq!(only_row(store, &who).await, whole, "{state:?}");
    }
    assert_eq!(store.report(&step(&who, State::Delivered, None), at(6)).await.unwrap(), Advanced::Again);
    let month = 30 * 24 * 3600;
    assert_eq!(store.history(&who, at(month), 10).await.unwrap(), [], "it expires like any other");
}

async fn a_report_before_the_answer_hides_neither_attempts_nor_doubt(store: &dyn Store) {
    let who = connection("1");
    store.record(&HistoryRow { attempts: 0, ..out(&who, State::Queued, 0) }).await.unwrap();
    store.report(&step(&who, State::Delivered, Some("at 12:00")), at(5)).await.unwrap();
    store.record(&out(&who, State::Sent, 2)).await.unwrap();
    store.record(&out(&who, State::Sent, 1)).await.unwrap();
    let row = only_row(store, &who).await;
    assert_eq!((row.state, row.attempts, row.uncertain), (State::Delivered, 3, 2));
    assert_eq!(row.detail.as_deref(), Some("at 12:00"));
}

async fn a_row_that_is_no_longer_kept_takes_no_report(store: &dyn Store) {
    let (who, month) = (connection("1"), 30 * 24 * 3600);
    let delivered = step(&who, State::Delivered, None);
    assert_eq!(store.report(&delivered, at(month)).await.unwrap(), Advanced::No);
    assert_eq!(store.history(&who, at(0), 10).await.unwrap(), [], "nothing was written");
    assert_eq!(store.report(&delivered, at(month - 1)).await.unwrap(), Advanced::Forward);
}

async fn history_moves_forward_only(store: &dyn Store) {
    let who = connection("1");
    let row = |state, uncertain| out(&who, state, uncertain);
    let steps = [
        (row(State::Sent, 0), State::Sent, 0),
        (row(State::Queued, 0), State::Sent, 0),
        (row(State::Sent, 1), State::Sent, 1),
        (row(State::Sent, 0), State::Sent, 1),
        (row(State::Delivered, 1), State::Delivered, 1),
        (row(State::Failed, 1), State::Delivered, 1),
        (row(State::Sent, 5), State::Delivered, 5),
    ];
    for (step, state, uncertain) in steps {
        store.record(&step).await.unwrap();
        let kept = store.history(&who, at(90), 10).await.unwrap();
        assert_eq!(kept, [row(state, uncertain)], "after {step:?}");
    }
    let later = HistoryRow { at: at(60), id: MessageId::from("later"), ..row(State::Queued, 0) };
    store.record(&later).await.unwrap();
    let kept = store.history(&who, at(90), 10).await.unwrap();
    assert_eq!(kept.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["later", "out"]);
    assert_eq!(store.history(&who, at(90), 1).await.unwrap().len(), 1);
    let month = 30 * 24 * 3600;
    assert_eq!(store.history(&who, at(month + 30), 10).await.unwrap(), [later], "the older one has expired");
}

async fn any_text_is_kept_as_it_is(store: &dyn Store) {
    let who = connection("ሰላም");
    let odd = ["", "\0", "\u{ffff}\u{1}", "👩\u{200d}💻", "#:outbox \"'\\"];
    commit(store, &who, "a", &odd, None).await;
    let loaded = load(store, &who, "a").await;
    assert_eq!(texts(&loaded.record.outbox), odd);
}

async fn wishes_and_pace_are_kept_and_every_outbox_knows_of_them(store: &dyn Store) {
    let (who, message) = (connection("1"), MessageId::from("stop"));
    let seen = load(store, &who, "stop").await.record;
    let (opted_out, reply_rate) = (Some(at(7)), ReplyRate { since: at(1), replies: 3 });
    let confirmation = Entry { confirms: true, ..entry("silence") };
    let committed = store
        .commit(Commit {
            connection: &who,
            seen: &seen,
            message: &message,
            arrived: Some(at(0)),
            session: &Session::default(),
            contact: None,
            replies: vec![confirmation.clone(), entry("more")],
            opted_out,
            reply_rate,
            forms: None,
            lease: Some(seen.next_lease("me", at(60))),
            now: at(0),
        })
        .await
        .unwrap();
    let Committed::Yes(outbox) = committed else { panic!("nobody else was there") };
    assert_eq!((outbox.opted_out, outbox.entries.front()), (opted_out, Some(&confirmation)));
    let loaded = load(store, &who, "other").await.record;
    assert_eq!((loaded.outbox.opted_out, loaded.reply_rate), (opted_out, reply_rate));
    let settled = store.settle(&who, &lease("me", 60, 1), &outbox, Settlement::Done).await.unwrap();
    let Settled::Remaining(left) = settled else { panic!("one is left") };
    assert_eq!(left.opted_out, opted_out);
    // The next message takes the opt-out back.
    assert!(matches!(commit(store, &who, "start", &[], None).await, Committed::Yes(_)));
    assert_eq!(load(store, &who, "other").await.record.outbox.opted_out, None);
}

/// Commits a message that changes the contact.
async fn commit_contact(
    store: &dyn Store,
    who: &ConnectionId,
    seen: &threadless::store::Record,
    message: &str,
    change: &ContactChange,
) -> Committed {
    store
        .commit(Commit {
            connection: who,
            seen,
            message: &MessageId::from(message),
            arrived: Some(at(0)),
            session: &Session::default(),
            contact: Some(change),
            replies: vec![entry(message)],
            opted_out: None,
            reply_rate: ReplyRate::default(),
            forms: None,
            lease: None,
            now: at(0),
        })
        .await
        .unwrap()
}

/// Commits a message whose phases change the contact with `then`. If there is no contact, they make one.
async fn change(
    store: &dyn Store,
    who: &ConnectionId,
    message: &str,
    then: impl Fn(&mut Contact),
) -> Committed {
    let loaded = load(store, who, message).await;
    let (before, made) = (loaded.contact.clone(), loaded.record.contacts_made);
    let mut after = before.clone().unwrap_or_else(|| Contact::new(ContactId::of(who, made), at(0)));
    then(&mut after);
    commit_contact(store, who, &loaded.record, message, &ContactChange { before, after: Some(after) }).await
}

async fn a_contact_is_kept_with_its_first_message_and_changed_with_others(store: &dyn Store) {
    let who = connection("+251 911#x");
    assert_eq!(store.contact_of(&who).await.unwrap(), None);
    assert!(matches!(commit(store, &who, "before", &[], None).await, Committed::Yes(_)));
    assert_eq!((load(store, &who, "x").await.contact, store.contact_of(&who).await.unwrap()), (None, None));
    for (nth, name) in ["Asha", "Asha B", "Asha C"].into_iter().enumerate() {
        let changed = change(store, &who, name, |contact| contact.set_name(name)).await;
        assert!(matches!(changed, Committed::Yes(_)), "{name}");
        let loaded = load(store, &who, name).await;
        assert!(loaded.seen);
        let contact = loaded.contact.unwrap();
        assert_eq!((contact.name(), contact.version()), (name, nth as u64 + 1));
        assert_eq!((contact.created_at(), contact.connections()), (at(0), [who.clone()].as_slice()));
        assert_eq!(store.contact_of(&who).await.unwrap().as_ref(), Some(&contact));
        assert_eq!(store.contact(contact.id()).await.unwrap().as_ref(), Some(&contact));
        assert_eq!(loaded.record.contact.as_ref(), Some(contact.id()));
    }
    assert_eq!(load(store, &who, "x").await.record.contacts_made, 1);
    assert_eq!(store.contact(&ContactId::from("nobody")).await.unwrap(), None);
}

/// Makes two connections of one contact.
async fn two_of_one(store: &dyn Store) -> (ConnectionId, ConnectionId, Contact) {
    let (one, two) = (connection("1"), connection("2"));
    assert!(matches!(change(store, &one, "a", |contact| contact.set_name("Asha")).await, Committed::Yes(_)));
    let contact = store.contact_of(&one).await.unwrap();
    let seen = load(store, &two, "b").await.record;
    let join = ContactChange { before: None, after: contact };
    assert!(matches!(commit_contact(store, &two, &seen, "b", &join).await, Committed::Yes(_)));
    let contact = store.contact_of(&two).await.unwrap().unwrap();
    assert_eq!((contact.version(), contact.connections()), (2, [one.clone(), two.clone()].as_slice()));
    (one, two, contact)
}

async fn of_two_messages_that_change_one_contact_one_wins_and_the_other_leaves_nothing(store: &dyn Store) {
    let (one, two, contact) = two_of_one(store).await;
    let seen = (load(store, &one, "c").await.record, load(store, &two, "d").await.record);
    let to = |name: &str| {
        let mut after = contact.clone();
        after.set_name(name);
        ContactChange { before: Some(contact.clone()), after: Some(after) }
    };
    assert!(matches!(commit_contact(store, &one, &seen.0, "c", &to("C")).await, Committed::Yes(_)));
    assert_eq!(commit_contact(store, &two, &seen.1, "d", &to("D")).await, Committed::Conflict);
    let loaded = load(store, &two, "d").await;
    assert!(!loaded.seen);
    assert_eq!((loaded.record.version, loaded.record.outbox.entries.len()), (seen.1.version, 1));
    assert_eq!(loaded.contact.unwrap().name(), "C");
}

async fn a_message_that_leaves_the_contact_alone_does_not_mind_who_changes_it(store: &dyn Store) {
    let (one, two, _) = two_of_one(store).await;
    let seen = load(store, &two, "d").await.record;
    assert!(matches!(change(store, &one, "c", |contact| contact.set_name("C")).await, Committed::Yes(_)));
    assert!(matches!(commit_on(store, &two, &seen, "d", &["re"], None).await, Committed::Yes(_)));
    assert_eq!(load(store, &two, "x").await.contact.unwrap().name(), "C");
}

async fn a_connection_can_go_from_one_contact_to_another(store: &dyn Store) {
    let (one, two, shared) = two_of_one(store).await;
    let three = connection("3");
    assert!(matches!(
        change(store, &three, "e", |contact| contact.set_name("Bekele")).await,
        Committed::Yes(_)
    ));
    let bekele = store.contact_of(&three).await.unwrap();
    let moves = ContactChange { before: Some(shared.clone()), after: bekele };
    let seen = load(store, &two, "f").await.record;
    assert!(matches!(commit_contact(store, &two, &seen, "f", &moves).await, Committed::Yes(_)));
    let bekele = load(store, &two, "f").await.contact.unwrap();
    assert_eq!((bekele.name(), bekele.connections()), ("Bekele", [three.clone(), two.clone()].as_slice()));
    let asha = store.contact(shared.id()).await.unwrap().unwrap();
    assert_eq!((asha.connections(), asha.version()), ([one.clone()].as_slice(), 3));
    // The connection leaves its contact, and then gets a new one. The former contact is not written again.
    let leaves = ContactChange { before: Some(asha.clone()), after: None };
    let seen = load(store, &one, "g").await.record;
    assert!(matches!(commit_contact(store, &one, &seen, "g", &leaves).await, Committed::Yes(_)));
    assert_eq!(load(store, &one, "x").await.contact, None);
    assert!(matches!(change(store, &one, "h", |contact| contact.set_name("Chala")).await, Committed::Yes(_)));
    let chala = store.contact_of(&one).await.unwrap().unwrap();
    assert_eq!((chala.name(), chala.version()), ("Chala", 1));
    assert_eq!(store.contact(asha.id()).await.unwrap().unwrap().connections(), []);
}

async fn a_contact_that_is_made_twice_at_once_is_made_once(store: &dyn Store) {
    let who = connection("1");
    let seen = load(store, &who, "a").await.record;
    let made = |name: &str| {
        let mut after = Contact::new(ContactId::of(&who, 0), at(0));
        after.set_name(name);
        ContactChange { before: None, after: Some(after) }
    };
    let (a, b) = (made("A"), made("B"));
    assert!(matches!(commit_contact(store, &who, &seen, "a", &a).await, Committed::Yes(_)));
    assert_eq!(commit_contact(store, &who, &seen, "b", &b).await, Committed::Conflict);
    // The commit fails even if only the contact conflicts.
    let other = connection("2");
    let seen = load(store, &other, "c").await.record;
    assert_eq!(commit_contact(store, &other, &seen, "c", &b).await, Committed::Conflict);
    assert_eq!(store.contact_of(&who).await.unwrap().unwrap().name(), "A");
    assert_eq!(store.contact_of(&other).await.unwrap(), None);
}

async fn whatever_is_known_of_a_contact_is_kept_as_it_is(store: &dyn Store) {
    let who = connection("ሰላም");
    let fields = [("ስም", "\0\u{ffff}"), ("", "مرحبا \u{200f}!"), ("#:fields", "\"'\\")];
    let changed = change(store, &who, "a", |contact| {
        contact.set_name("فاطمة ወርቅነሽ 👩\u{200d}⚕️");
        contact.set_language("pt-br".parse::<threadless::Language>().unwrap());
        for (key, value) in fields {
            contact.set(key, &value).unwrap();
        }
        contact.set("years", &[2012, 2026]).unwrap();
    });
    assert!(matches!(changed.await, Committed::Yes(_)));
    let contact = load(store, &who, "x").await.contact.unwrap();
    assert_eq!(contact.name(), "فاطمة ወርቅነሽ 👩\u{200d}⚕️");
    assert_eq!(contact.language().map(threadless::Language::as_str), Some("pt-br"));
    for (key, value) in fields {
        assert_eq!(contact.get::<String>(key).unwrap().as_deref(), Some(value));
    }
    assert_eq!(contact.get::<Vec<u16>>("years").unwrap(), Some(vec![2012, 2026]));
    // A removed field is gone.
    let changed = change(store, &who, "b", |contact| {
        contact.set_name("");
        contact.set_language(None);
        for (key, _) in fields {
            contact.remove(key);
        }
        contact.remove("years");
    });
    assert!(matches!(changed.await, Committed::Yes(_)));
    let contact = load(store, &who, "x").await.contact.unwrap();
    assert_eq!((contact.name(), contact.language(), contact.fields().count()), ("", None, 0));
}

async fn unusable_messages_are_kept_by_backend(store: &dyn Store) {
    let unusable = |nth: i64| {
        Unusable::new(
            "k".parse().unwrap(),
            at(nth),
            format!("id=&nth={nth}"),
            vec!["id: is missing".to_owned()],
        )
    };
    for nth in [1, 2, 3] {
        store.keep_unusable(&unusable(nth)).await.unwrap();
    }
    assert_eq!(store.unusable(&"k".parse().unwrap(), at(9), 2).await.unwrap(), [unusable(3), unusable(2)]);
    assert_eq!(store.unusable(&"other".parse().unwrap(), at(9), 2).await.unwrap(), []);
}

fn row(who: &ConnectionId, seconds: i64, id: &str) -> HistoryRow {
    HistoryRow {
        connection: who.clone(),
        at: at(seconds),
        id: MessageId::from(id),
        direction: Direction::In,
        state: State::Received,
        text: id.to_owned(),
        in_reply_to: None,
        attempts: 0,
        uncertain: 0,
        detail: None,
    }
}

async fn history_can_be_read_from_a_moment_on(store: &dyn Store) {
    let who = connection("+251 911#x");
    let rows: Vec<HistoryRow> = (0..5).map(|nth| row(&who, nth, &format!("m{nth}"))).collect();
    for row in rows.iter().rev() {
        store.record(row).await.unwrap();
    }
    store.record(&row(&connection("+251 911#xy"), 3, "of another")).await.unwrap();
    // The other data of a connection is no history.
    commit(store, &who, "m", &["waits"], None).await;
    let from = async |seconds, limit| store.history_from(&who, at(seconds), at(9), limit).await.unwrap();
    assert_eq!(from(0, 10).await, rows);
    assert_eq!(from(-100, 10).await, rows);
    assert_eq!(from(2, 10).await, rows[2..], "that moment included");
    assert_eq!(from(1, 2).await, rows[1..3], "the oldest first");
    assert_eq!(from(5, 10).await, []);
    let (month, now) = (30 * 24 * 3600, 3);
    let kept = store.history_from(&who, at(0), at(month + now), 10).await.unwrap();
    assert_eq!(kept, rows[4..], "the others have expired");
}

/// A key cannot express a time before 1970 or after 5138. Such a row stands at the end of the order, and is found
/// there.
async fn no_time_is_too_far_away(store: &dyn Store) {
    let who = connection("far");
    let (first, last) = (Timestamp::UNIX_EPOCH, Timestamp::from_millisecond(99_999_999_999_999).unwrap());
    let ms = |ms| Timestamp::from_millisecond(ms).unwrap();
    let times = [
        (Timestamp::MIN, first),
        (ms(-1), first),
        (ms(1), ms(1)),
        (at(0), at(0)),
        (ms(9_999_999_999_999), ms(9_999_999_999_999)),
        (ms(10_000_000_000_000), ms(10_000_000_000_000)),
        (last, last),
        (ms(100_000_000_000_000), last),
        (Timestamp::MAX, last),
    ];
    for (nth, (time, _)) in times.into_iter().enumerate().rev() {
        store.record(&HistoryRow { at: time, ..row(&who, 0, &format!("m{nth}")) }).await.unwrap();
        // A report finds the row at its place. It makes no row if the time for the row is long over.
        let step = StatusUpdate::new(who.clone(), time, format!("m{nth}").as_str().into(), State::Sent);
        let moved = store.report(&step, at(0)).await.unwrap();
        assert_eq!(moved, if time < at(0) { Advanced::No } else { Advanced::Forward }, "{time}");
    }
    let rows = store.history_from(&who, Timestamp::MIN, at(0), 20).await.unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.at)).collect();
    assert_eq!(
        found,
        [("m3", at(0)), ("m4", times[4].1), ("m5", times[5].1), ("m6", last), ("m7", last), ("m8", last)]
    );
    assert!(rows.iter().all(|row| row.state == State::Sent), "{rows:#?}");
    let newest: Vec<_> =
        store.history(&who, at(0), 20).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(newest, rows.iter().rev().map(|row| row.id.clone()).collect::<Vec<_>>());
    assert_eq!(store.history_from(&who, Timestamp::MAX, at(0), 20).await.unwrap().len(), 3);
    assert_eq!(
        store.history(&who, Timestamp::MIN, 20).await.unwrap().len(),
        times.len(),
        "nothing has expired yet"
    );
    assert_eq!(store.history(&who, Timestamp::MAX, 20).await.unwrap(), []);

    for time in [Timestamp::MIN, Timestamp::MAX] {
        let problems = vec!["far".to_owned()];
        let unusable = Unusable::new("far".parse().unwrap(), time, String::new(), problems);
        store.keep_unusable(&unusable).await.unwrap();
        store.note_number(&who, time).await.unwrap();
    }
    assert_eq!(store.unusable(&"far".parse().unwrap(), at(0), 9).await.unwrap().len(), 1);
    assert_eq!(store.numbers(&"k".parse().unwrap(), at(0), 9).await.unwrap().len(), 1);
}

async fn numbers_are_listed_by_their_last_use(store: &dyn Store) {
    let backend = "k".parse().unwrap();
    let names = async |now: i64, limit: usize| {
        let numbers = store.numbers(&backend, at(now), limit).await.unwrap();
        numbers
            .into_iter()
            .map(|number| (number.identity.as_str().to_owned(), number.used_at))
            .collect::<Vec<_>>()
    };
    let used = |name: &str, used_at: i64| (name.to_owned(), at(used_at));
    assert_eq!(names(0, 10).await, []);
    for (name, seconds) in [("a", 1), ("#b c", 2), ("ሰላም", 3), ("a", 4), ("ሰላም", 2)] {
        store.note_number(&connection(name), at(seconds)).await.unwrap();
    }
    store.note_number(&ConnectionId::new("k2".parse().unwrap(), "z".parse().unwrap()), at(9)).await.unwrap();
    store.keep_unusable(&Unusable::new(backend.clone(), at(5), String::new(), vec![])).await.unwrap();
    assert_eq!(names(9, 10).await, [used("a", 4), used("ሰላም", 3), used("#b c", 2)]);
    assert_eq!(names(9, 2).await, [used("a", 4), used("ሰላም", 3)]);
    let month = 30 * 24 * 3600;
    assert_eq!(names(month + 3, 10).await, [used("a", 4)], "the others have expired");
}

async fn wrong_passwords_are_counted_by_client_and_day_and_by_hour(store: &dyn Store) {
    const HOUR: i64 = 3600;
    let (mine, other): (BackendName, BackendName) = ("k".parse().unwrap(), "k2".parse().unwrap());
    // This is the beginning of a day.
    let day = at(0).as_second().div_euclid(24 * HOUR) * 24 * HOUR + 24 * HOUR - at(0).as_second();
    let read = async |backend: &BackendName, client: &str, now: i64| {
        let Guesses { by_client, last_at, by_all, .. } =
            store.guesses(backend, client, at(now)).await.unwrap();
        (by_client, last_at, by_all)
    };
    assert_eq!(read(&mine, "a", day).await, (0, None, 0));
    for (client, now) in [("a", 0), ("b", 10), ("a", 20), ("a", HOUR - 1)] {
        store.note_guess(&mine, client, at(day + now)).await.unwrap();
    }
    assert_eq!(read(&mine, "a", day + HOUR - 1).await, (3, Some(at(day + HOUR - 1)), 4));
    assert_eq!(read(&mine, "b", day + HOUR - 1).await, (1, Some(at(day + 10)), 4));
    assert_eq!(read(&mine, "c", day + HOUR - 1).await, (0, None, 4));
    assert_eq!(read(&other, "a", day + HOUR - 1).await, (0, None, 0));
    assert_eq!(read(&mine, "a", day + HOUR).await, (3, Some(at(day + HOUR - 1)), 0), "the next hour");
    store.note_guess(&mine, "a", at(day + HOUR)).await.unwrap();
    assert_eq!(read(&mine, "a", day + HOUR).await, (4, Some(at(day + HOUR)), 1));
    assert_eq!(read(&mine, "a", day + 24 * HOUR).await, (0, None, 0), "the next day");
    store.note_guess(&mine, "a", at(day + 24 * HOUR)).await.unwrap();
    assert_eq!(read(&mine, "a", day + 24 * HOUR).await, (1, Some(at(day + 24 * HOUR)), 1));
    // The calls run at once, as those of environments do.
    let noted = (0..20).map(|_| store.note_guess(&other, "a", at(day)));
    futures_util::future::try_join_all(noted).await.unwrap();
    assert_eq!(read(&other, "a", day).await, (20, Some(at(day)), 20));
}

async fn what_is_forgotten_leaves_the_rest_as_it_is(store: &dyn Store) {
    let (who, other) = (connection("1"), connection("12"));
    // There are more rows than one page of the read before the deletion.
    for nth in 0..501 {
        store.record(&row(&who, nth, &format!("m{nth}"))).await.unwrap();
    }
    store.record(&row(&other, 1, "stays")).await.unwrap();
    for used in [&who, &other] {
        store.note_number(used, at(1)).await.unwrap();
    }
    commit(store, &who, "m", &["waits"], None).await;
    for _ in 0..2 {
        store.forget(&who).await.unwrap();
        assert_eq!(store.history(&who, at(9), 10).await.unwrap(), []);
    }
    assert_eq!(store.history(&other, at(9), 10).await.unwrap().len(), 1);
    let left = store.numbers(&"k".parse().unwrap(), at(9), 10).await.unwrap();
    assert_eq!(left.iter().map(|number| number.identity.as_str()).collect::<Vec<_>>(), ["12"]);
    let loaded = load(store, &who, "m").await;
    assert!(loaded.seen, "a message that comes again is no new one");
    assert_eq!(texts(&loaded.record.outbox), ["waits"]);
}
