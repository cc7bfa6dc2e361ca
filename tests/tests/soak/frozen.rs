//! An environment of a Lambda function is frozen during a send, for longer than its lease. Another environment takes
//! over. When the first one continues, it does no harm.

use jiff::Timestamp;
use serde_json::{Value, json};
use tests::apps::proving;
use tests::environment_process::EnvironmentProcess;
use tests::proxy::Proxy;
use tests::recorder::{Recorder, Reply};
use tests::services::items;
use threadless::queue::Ticket;
use threadless::store::{Direction, History as _, State};
use threadless::{ConnectionId, Incoming, MessageId};
use threadless_local::Stack;

use crate::count::dynamodb_store;
use crate::{ENVIRONMENT, LIMIT};

const NUMBER: &str = "1112223333";

/// Returns a message from smsbox, as an event of an HTTP API.
fn request(mid: &str) -> String {
    let mut event: Value = serde_json::from_str(include_str!("../../../events/kannel-gsm7.json")).unwrap();
    event["rawPath"] = "/backend/k/".into();
    event["rawQueryString"] = format!("id={NUMBER}&text=three&mid={mid}").into();
    event.to_string()
}

/// Returns the same message on the queue, in a batch of one.
fn batch(mid: &str) -> String {
    let connection = ConnectionId::new("k".parse().unwrap(), NUMBER.parse().unwrap());
    let message =
        Incoming::new(MessageId::of_gateway(&connection, mid), connection, "three", Timestamp::now());
    let ticket = Ticket::incoming(message);
    let attributes = json!({ "ApproximateReceiveCount": "1", "MessageGroupId": ticket.group });
    let record = json!({ "messageId": mid, "receiptHandle": "none", "body": ticket.job.to_json(),
                         "attributes": attributes, "eventSource": "aws:sqs" });
    json!({ "Records": [record] }).to_string()
}

/// Freezes an environment of `function` while the gateway has the first of three replies.
async fn frozen(function: &str, event: fn(&str) -> String, done: fn(&Value) -> bool) {
    let (gateway, way) = (Recorder::start().await.unwrap(), Proxy::start().await.unwrap());
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    way.leads_to(gateway.address());
    let settings = format!(
        "[project]\nname = \"Soak\"\n[backends.k]\nengine = \"kannel\"\ntimeout_seconds = 2\n\
         sendsms_url = \"http://{}/cgi-bin/sendsms\"\n",
        way.address()
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &settings).unwrap();
    let stack = Stack::start(tests::stack::with_apps(proving, &settings)).await.unwrap();
    let mut environment = EnvironmentProcess::start(ENVIRONMENT, function, &stack, file.path()).unwrap();

    let held = way.hold_answers();
    environment.invoke(&event("a1")).await.unwrap();
    gateway.wait_for(1, LIMIT).await.unwrap();
    environment.pause().await.unwrap();
    // The answer has arrived, and nobody reads it.
    drop(held);
    // The lease ends, the sweep finds the outbox, and another environment sends the rest.
    gateway.wait_for(4, LIMIT).await.unwrap();
    environment.resume().unwrap();
    let result: Value = serde_json::from_str(&environment.result().await.unwrap()).unwrap();
    assert!(done(&result), "{result}");
    // Everything works for the next message, which this environment processes.
    environment.invoke(&event("a2")).await.unwrap();
    let result: Value = serde_json::from_str(&environment.result().await.unwrap()).unwrap();
    assert!(done(&result), "{result}");

    let requests = gateway.wait_for(7, LIMIT).await.unwrap();
    let texts: Vec<String> = requests.iter().map(|request| request.text("text").unwrap()).collect();
    assert_eq!(texts, ["one", "one", "two", "three", "one", "two", "three"]);
    let connection = ConnectionId::new("k".parse().unwrap(), NUMBER.parse().unwrap());
    let store = dynamodb_store(&format!("http://{}", stack.dynamodb));
    crate::until("the history says so", || async {
        let rows = store.history(&connection, Timestamp::now(), 100).await.unwrap();
        let out = rows.iter().rev().filter(|row| row.direction == Direction::Out);
        let out: Vec<(&str, State, u32)> =
            out.map(|row| (row.text.as_str(), row.state, row.uncertain)).collect();
        let sent = |text, uncertain| (text, State::Sent, uncertain);
        // The row of the first reply records the doubt, and no other row does.
        out == [
            sent("one", 1),
            sent("two", 0),
            sent("three", 0),
            sent("one", 0),
            sent("two", 0),
            sent("three", 0),
        ]
    })
    .await;
    let items = items(stack.dynamodb).await.unwrap();
    let left = items.iter().find(|item| !item["lease_owner"].is_null() || !item["due_at"].is_null());
    assert_eq!(left, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inline_function_frozen_in_mid_send_is_taken_over_and_does_no_harm_when_it_goes_on() {
    frozen("kannel", request, |result| result["statusCode"] == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_frozen_in_mid_send_is_taken_over_and_does_no_harm_when_it_goes_on() {
    frozen("responder", batch, |result| result["batchItemFailures"] == json!([])).await;
}
