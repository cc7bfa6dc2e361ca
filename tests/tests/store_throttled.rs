//! A DynamoDB with too little capacity: it cancels transactions, or leaves a part of a batch undone. This is temporary,
//! so the store tries again, with pauses and for a limited time, and then reports that it is unavailable. An invalid
//! write is refused at once.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use tests::dynamodb::store_at;
use tests::recorder::{Answer, Recorded, Recorder, Reply};
use threadless::broadcast::{Broadcast, BroadcastMessage};
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{
    Broadcasts as _, Commit, Committed, Connections as _, History as _, HistoryRow, MemoryStore,
    Numbers as _, Opened, Record, ReplyRate, RowKey, State, StoreError,
};
use threadless::{ConnectionId, MessageId, Session};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(4_000_000_000 + seconds).unwrap()
}

fn connection(identity: &str) -> ConnectionId {
    ConnectionId::new("k".parse().unwrap(), identity.parse().unwrap())
}

fn answer(status: u16, body: &Value) -> Answer {
    let reply = Reply::text(body.to_string()).with_status(status);
    Reply { headers: vec![("Content-Type".into(), "application/x-amz-json-1.0".into())], ..reply }.into()
}

fn cancelled(codes: &[&str]) -> Answer {
    let reason = |code: &&str| match *code {
        "None" => json!({ "Code": "None" }),
        code => json!({ "Code": code, "Message": "because" }),
    };
    let reasons: Vec<Value> = codes.iter().map(reason).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    answer(400, &json!({ "__type": kind, "Message": "cancelled", "CancellationReasons": reasons }))
}

/// Returns the operation of a request.
fn operation(request: &Recorded) -> &str {
    request.header("x-amz-target").unwrap().split_once('.').unwrap().1
}

fn body(request: &Recorded) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

async fn dynamodb() -> (Recorder, DynamoStore) {
    let recorder = Recorder::start().await.unwrap();
    recorder.otherwise(|_| answer(200, &json!({})));
    let store = store_at(&recorder.url(""), "t").unwrap();
    (recorder, store)
}

fn operations(recorder: &Recorder) -> Vec<String> {
    recorder.requests().iter().map(|request| operation(request).to_owned()).collect()
}

async fn open(store: &DynamoStore) -> Result<Opened, StoreError> {
    let message = BroadcastMessage { connections: vec![connection("1")], send: 0, text: None };
    let broadcast = Broadcast {
        key: "b".parse().unwrap(),
        digest: "d".to_owned(),
        text: "hello".to_owned(),
        created_at: at(0),
        sizes: vec![1],
        fanned_out: BTreeSet::new(),
    };
    store.open_broadcast(&broadcast, &[vec![message]]).await
}

#[tokio::test]
async fn a_throttled_transaction_is_tried_again_and_then_not_available() {
    for code in ["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"] {
        let (recorder, store) = dynamodb().await;
        recorder.otherwise(move |_| cancelled(&["None", code]));
        let problem = open(&store).await.unwrap_err();
        assert!(matches!(problem, StoreError::Unavailable(_)), "{code}: {problem}");
        assert!(problem.to_string().contains(code), "{problem}");
        assert_eq!(operations(&recorder), ["TransactWriteItems"; 5], "{code}");
    }
}

#[tokio::test]
async fn a_transaction_that_was_throttled_once_is_done() {
    for code in ["ThrottlingError", "TransactionConflict"] {
        let (recorder, store) = dynamodb().await;
        recorder.script([cancelled(&[code, "None"])]);
        assert!(matches!(open(&store).await.unwrap(), Opened::Now(_)), "{code}");
        assert_eq!(operations(&recorder), ["TransactWriteItems"; 2], "{code}");
    }
}

/// A transaction that is at the same item says nothing about the condition of an update.
#[tokio::test]
async fn an_update_that_meets_a_transaction_is_tried_again_and_then_not_available() {
    let busy = || {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
        answer(400, &json!({ "__type": kind, "message": "because" }))
    };
    let (recorder, store) = dynamodb().await;
    recorder.script([busy(), busy()]);
    store.note_number(&connection("1"), at(0)).await.unwrap();
    assert_eq!(operations(&recorder), ["UpdateItem"; 3]);

    let (recorder, store) = dynamodb().await;
    recorder.otherwise(move |_| busy());
    let problem = store.note_number(&connection("1"), at(0)).await.unwrap_err();
    assert!(matches!(problem, StoreError::Unavailable(_)), "{problem}");
    assert_eq!(operations(&recorder), ["UpdateItem"; 5]);
}

#[tokio::test]
async fn a_transaction_that_is_wrong_is_refused_at_once() {
    for code in ["ValidationError", "ItemCollectionSizeLimitExceeded"] {
        let (recorder, store) = dynamodb().await;
        recorder.otherwise(move |_| cancelled(&["ThrottlingError", code]));
        let problem = open(&store).await.unwrap_err();
        assert!(matches!(problem, StoreError::Refused(_)), "{code}: {problem}");
        assert!(problem.to_string().contains(&format!("write 2: {code}: because")), "{problem}");
        assert_eq!(operations(&recorder), ["TransactWriteItems"], "{code}");
    }
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_an_answer_and_no_fault() {
    let (recorder, store) = dynamodb().await;
    recorder.script([cancelled(&["ConditionalCheckFailed", "None"])]);
    // The broadcast that has the key is gone when it is read.
    assert!(matches!(open(&store).await.unwrap_err(), StoreError::Unavailable(_)));
    assert_eq!(operations(&recorder), ["TransactWriteItems", "GetItem"]);
}

/// Returns the keys of this number of rows of history.
fn row_keys(count: usize) -> Vec<RowKey> {
    (0..count).map(|nth| (connection("1"), at(0), MessageId::from(format!("m{nth}").as_str()))).collect()
}

/// Returns the row under this key, as it stands in the table.
fn row_item(key: &Value) -> Value {
    let mut item = key.clone();
    item["direction"] = json!({ "S": "out" });
    item["state"] = json!({ "S": "sent" });
    item["text"] = json!({ "S": "a text" });
    item
}

/// Answers a `BatchGetItem` with at most this number of rows, and leaves the rest undone.
fn first_rows(request: &Recorded, most: usize) -> Answer {
    let asked = body(request)["RequestItems"]["t"].clone();
    let keys = asked["Keys"].as_array().unwrap();
    let (now, later) = keys.split_at(most.min(keys.len()));
    let rows: Vec<Value> = now.iter().map(row_item).collect();
    let mut left = json!({});
    if !later.is_empty() {
        left["t"] = asked.clone();
        left["t"]["Keys"] = later.into();
    }
    answer(200, &json!({ "Responses": { "t": rows }, "UnprocessedKeys": left }))
}

#[tokio::test]
async fn rows_that_are_left_over_are_asked_for_again() {
    let (recorder, store) = dynamodb().await;
    recorder.otherwise(|request| first_rows(request, 60));
    let rows: Vec<Option<HistoryRow>> = store.rows(&row_keys(150)).await.unwrap();
    assert_eq!(rows.iter().flatten().filter(|row| row.text == "a text").count(), 150);
    assert_eq!(operations(&recorder), ["BatchGetItem"; 3], "60, 40; 50");
    assert!(body(&recorder.requests()[0])["RequestItems"]["t"]["ProjectionExpression"].is_null());
}

#[tokio::test]
async fn rows_that_stay_left_over_are_given_up() {
    let (recorder, store) = dynamodb().await;
    recorder.otherwise(|request| first_rows(request, 0));
    let problem = store.rows(&row_keys(3)).await.unwrap_err();
    assert!(
        matches!(&problem, StoreError::Unavailable(text) if text.contains("3 items are left")),
        "{problem}"
    );
    assert_eq!(operations(&recorder), ["BatchGetItem"; 8]);
}

#[tokio::test]
async fn states_are_read_without_the_texts() {
    let (recorder, store) = dynamodb().await;
    recorder.otherwise(|request| first_rows(request, 100));
    assert_eq!(store.states(&row_keys(2)).await.unwrap(), [Some(State::Sent); 2]);
    let asked = body(&recorder.requests()[0])["RequestItems"]["t"].clone();
    assert_eq!(asked["ProjectionExpression"], "pk, sk, #state");
    assert_eq!(asked["ExpressionAttributeNames"], json!({ "#state": "state" }));
}

/// Returns a connection with as many ids as its record holds.
async fn full() -> Record {
    let (memory, who) = (MemoryStore::new(), connection("1"));
    for nth in 0..32 {
        let record = memory.load(&who, &"x".into(), at(nth)).await.unwrap().record;
        let id = format!("m{nth}");
        assert!(matches!(commit(&memory, &record, &id, nth).await.unwrap(), Committed::Yes(_)));
    }
    memory.load(&who, &"x".into(), at(32)).await.unwrap().record
}

async fn commit(
    store: &dyn threadless::store::Store,
    seen: &Record,
    message: &str,
    seconds: i64,
) -> Result<Committed, StoreError> {
    let commit = Commit {
        connection: &connection("1"),
        seen,
        message: &message.into(),
        arrived: None,
        session: &Session::default(),
        contact: None,
        replies: Vec::new(),
        opted_out: None,
        reply_rate: ReplyRate::default(),
        forms: None,
        lease: None,
        now: at(seconds),
    };
    store.commit(commit).await
}

/// Answers a `BatchWriteItem` as if only this number of items were written.
fn first_written(request: &Recorded, most: usize) -> Answer {
    let asked = body(request)["RequestItems"]["t"].as_array().unwrap().clone();
    let left = &asked[most.min(asked.len())..];
    let left = if left.is_empty() { json!({}) } else { json!({ "t": left }) };
    answer(200, &json!({ "UnprocessedItems": left }))
}

#[tokio::test]
async fn ids_are_all_out_of_a_record_before_it_forgets_them() {
    let (recorder, store) = dynamodb().await;
    recorder.otherwise(|request| match operation(request) {
        "BatchWriteItem" => first_written(request, 10),
        _ => answer(200, &json!({})),
    });
    assert!(matches!(commit(&store, &full().await, "m32", 32).await.unwrap(), Committed::Yes(_)));
    assert_eq!(operations(&recorder), ["BatchWriteItem", "BatchWriteItem", "UpdateItem"]);
    let count = |nth: usize| body(&recorder.requests()[nth])["RequestItems"]["t"].as_array().unwrap().len();
    assert_eq!((count(0), count(1)), (16, 6));
}

#[tokio::test]
async fn a_record_forgets_no_id_that_could_not_be_written_elsewhere() {
    let (recorder, store) = dynamodb().await;
    recorder.otherwise(|request| first_written(request, 0));
    let problem = commit(&store, &full().await, "m32", 32).await.unwrap_err();
    assert!(matches!(problem, StoreError::Unavailable(_)), "{problem}");
    assert_eq!(operations(&recorder), ["BatchWriteItem"; 8]);
}
