//! The events of Lambda: events of an HTTP API, batches of SQS, direct invocations, custom resources.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use threadless::Deadline;
use threadless::lambda::{self, Function, Host};
use threadless::metrics::NoMeter;

use crate::inputs::hold;
use crate::{block_on, project};

fn invoke(function: Function, event: &[u8]) -> Option<Value> {
    let host = Host { project: project(), queue: None, warnings: Arc::from([]), meter: Arc::new(NoMeter) };
    let event = String::from_utf8_lossy(event);
    // `Err` is an event of another kind. Only AWS could have made such an event.
    let result =
        block_on(lambda::invoke(function, &host, &event, Deadline::within(Duration::from_secs(29)))).ok()?;
    Some(serde_json::from_str(&result).unwrap_or_else(|problem| panic!("{problem}: {result}")))
}

#[test]
fn events_of_an_http_api() {
    const FUNCTIONS: [Function; 4] = [
        Function::Http { engine: "kannel" },
        Function::Http { engine: "http" },
        Function::Tester { engine: "httptester" },
        Function::Send,
    ];
    hold("event-http", |event| {
        for function in FUNCTIONS {
            let Some(result) = invoke(function, event) else { continue };
            let status = result["statusCode"].as_u64().or(result["status"].as_u64());
            assert!(status.is_some_and(|status| (200..500).contains(&status)), "{function:?}: {result}");
        }
    });
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records", default)]
    records: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "messageId")]
    message_id: String,
}

#[test]
fn batches_of_sqs() {
    hold("event-sqs", |event| {
        let Some(result) = invoke(Function::Responder, event) else { return };
        let failures = result["batchItemFailures"].as_array().unwrap();
        // The test reads the event as loosely as the Lambda function does. Fields that the function ignores may contain
        // anything.
        let given: Batch = serde_json::from_str(&String::from_utf8_lossy(event)).unwrap();
        let given: HashSet<String> = given.records.into_iter().map(|record| record.message_id).collect();
        // A failure with an unknown id would fail the whole batch.
        for failure in failures {
            let id = failure["itemIdentifier"].as_str().unwrap();
            assert!(given.contains(id), "{id} of {given:?}");
        }
    });
}

#[test]
fn ticks_take_any_event() {
    hold("event-sqs", |event| assert!(invoke(Function::Tick, event).is_some()));
}

#[test]
fn requests_of_cloudformation_that_are_none() {
    hold("event-check", |event| {
        // The function would call a URL.
        if !event.windows(3).any(|three| three == b"://") {
            invoke(Function::Check, event);
        }
    });
}
