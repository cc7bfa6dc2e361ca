//! Invocations end before their function's time-out, even if an app hangs: in simulated time, and on the local stack.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tests::apps::{Counting, Hanging};
use tests::http::get;
use tests::recorder::{Recorder, Reply};
use tests::services::waiting;
use tests::stack::TEMPLATE;
use threadless::lambda::{Function, Host, InvokeError, invoke};
use threadless::metrics::NoMeter;
use threadless::project::{FUNCTION_TIMEOUT, LONGEST_PHASE, Settings};
use threadless::queue::Ticket;
use threadless::settings::Surroundings;
use threadless::testing::{Bench, FaultKind, When};
use threadless::{Deadline, Incoming, MessageId, Router, apps};
use threadless_local::Stack;
use threadless_local::template::Template;
use tokio::time::Instant;

fn host(bench: &Bench) -> Host {
    Host {
        project: Arc::clone(&bench.project),
        queue: None,
        warnings: Arc::from([]),
        meter: Arc::new(NoMeter),
    }
}

/// Returns the time-out of a function in the template.
fn timeout(binary: &str) -> Duration {
    Template::read(TEMPLATE).unwrap().timeouts[binary]
}

/// Invokes a function, which must end a second before its time-out.
async fn invoked(
    function: Function,
    bench: &Bench,
    event: &Value,
    limit: Duration,
) -> Result<Value, InvokeError> {
    let begun = Instant::now();
    let result = invoke(function, &host(bench), &event.to_string(), Deadline::within(limit)).await;
    assert!(
        begun.elapsed() <= limit.saturating_sub(Duration::from_secs(1)),
        "{function:?}: {:?}",
        begun.elapsed()
    );
    result.map(|result| serde_json::from_str(&result).unwrap())
}

fn request(method: &str, path: &str, query: &str, body: &str) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {"content-type": "application/json"},
        "requestContext": {"requestId": "r", "stage": "$default", "http": {"method": method, "path": path}},
        "body": body, "isBase64Encoded": false,
    })
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_whatever_call_of_the_store_hangs() {
    let limit = timeout("kannel");
    let (mut hung, mut refused) = (0, 0);
    for nth in 1..12 {
        for queued in [false, true] {
            let bench = Bench::with(Router::new().app(apps::Echo));
            let bench = if queued { bench.queued() } else { bench }.build();
            bench.faults.plan(nth, FaultKind::Silence, When::Before);
            let event = request("GET", "/backend/bench/", "id=1&text=echo+x&mid=m", "");
            let answer = invoked(Function::Http { engine: "bench" }, &bench, &event, limit).await.unwrap();
            let status = answer["statusCode"].as_u64().unwrap();
            assert!(status == 200 || (status == 503 && answer["headers"]["retry-after"] == "5"), "{answer}");
            hung += bench.faults.met();
            refused += usize::from(status == 503);
            // A message that was answered 200 is durable. Other messages come again. In the end each has its effect
            // once.
            bench.faults.clear();
            if status != 200 {
                invoked(Function::Http { engine: "bench" }, &bench, &event, limit).await.unwrap();
            }
            bench.minutes(2).await;
            let mut texts = bench.gateway.texts();
            texts.dedup();
            assert_eq!(texts, ["x"], "{nth} {queued}");
        }
    }
    assert!(hung >= 5 && refused >= 3, "{hung} {refused}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_reported_whatever_call_of_the_store_hangs() {
    let limit = timeout("responder");
    let mut failed = 0;
    for nth in 1..20 {
        let bench = Bench::new(Router::new().app(apps::Echo));
        bench.faults.plan(nth, FaultKind::Silence, When::Before);
        let record = |id: &str| {
            let message = Incoming::new(
                MessageId::from(id),
                bench.connection(&id[..1]),
                format!("echo {id}"),
                threadless::Clock::now(&bench.clock),
            );
            let ticket = Ticket::incoming(message);
            let attributes = json!({"MessageGroupId": ticket.group, "ApproximateReceiveCount": "1"});
            json!({"messageId": id, "receiptHandle": id, "body": ticket.job.to_json(), "attributes": attributes})
        };
        let records: Vec<Value> = ["a1", "a2", "b1", "b2"].map(record).into();
        let result =
            invoked(Function::Responder, &bench, &json!({ "Records": records }), limit).await.unwrap();
        let items = result["batchItemFailures"].as_array().unwrap();
        assert!(items.len() <= 2, "{result}");
        failed += items.len();
        let again: Vec<&Value> = records
            .iter()
            .filter(|record| items.iter().any(|item| item["itemIdentifier"] == record["messageId"]))
            .collect();
        let result = invoked(Function::Responder, &bench, &json!({ "Records": again }), limit).await.unwrap();
        assert_eq!(result["batchItemFailures"], json!([]));
        bench.minutes(2).await;
        let mut texts = bench.gateway.texts();
        texts.sort();
        texts.dedup();
        assert_eq!(texts, ["a1", "a2", "b1", "b2"], "{nth}");
    }
    assert!(failed > 4, "{failed}");
}

#[tokio::test(start_paused = true)]
async fn tick_and_send_end_in_time_too() {
    let bench = Bench::new(Router::new());
    let silence = || bench.faults.plan(1, FaultKind::Silence, When::Before);
    silence();
    let ticked = invoked(Function::Tick, &bench, &json!({}), timeout("tick")).await;
    assert!(matches!(ticked, Err(InvokeError::OutOfTime)), "{ticked:?}");

    let order = json!({"key": "k", "text": "hello", "recipients": ["bench:1"]});
    silence();
    let event = request("POST", "/send", "", &order.to_string());
    let answer = invoked(Function::Send, &bench, &event, timeout("send")).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["headers"]["retry-after"]), (&json!(503), &json!("5")));
    silence();
    let sent = invoked(Function::Send, &bench, &order, timeout("send")).await;
    assert!(matches!(sent, Err(InvokeError::OutOfTime)), "{sent:?}");
    let sent = invoked(Function::Send, &bench, &order, timeout("send")).await.unwrap();
    assert_eq!(sent["status"], 202);
}

#[test]
fn the_longest_phase_fits_every_function_of_the_template_that_runs_phases() {
    let runs_phases = |function: &Function| {
        matches!(function, Function::Http { .. } | Function::Tester { .. } | Function::Responder)
    };
    let of = functions::FUNCTIONS.iter().filter(|(_, function)| runs_phases(function));
    let shortest = of.map(|(binary, function)| {
        // The function `responder` keeps another second, in which it postpones the failed records.
        timeout(binary).saturating_sub(Duration::from_secs(u64::from(*function == Function::Responder)))
    });
    assert_eq!(shortest.min(), Some(FUNCTION_TIMEOUT), "template.yaml and core/src/limits.rs");
    assert!(LONGEST_PHASE < FUNCTION_TIMEOUT);
}

#[test]
fn a_limit_that_does_not_fit_is_a_fault_that_says_what_does() {
    let read = |seconds: &str| {
        let text = format!("[project]\nname = \"T\"\nphase_timeout_seconds = {seconds}\n");
        Settings::read(&text, &functions::engines(), &Surroundings::local(&[]))
            .map(|settings| settings.phase_timeout)
    };
    assert_eq!(read("18").unwrap(), Duration::from_secs(18));
    for seconds in ["0", "19", "29", "60", "-1", "1000000"] {
        let faults = read(seconds).unwrap_err().to_string();
        assert!(faults.contains("project.phase_timeout_seconds: ") && faults.contains("18"), "{faults}");
    }
}

fn hanging(router: Router) -> Router {
    router.app(Hanging).app(Counting)
}

/// Starts a stack with an app that hangs, and its gateway.
async fn stack(respond: &str) -> (Recorder, Stack) {
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let settings = format!(
        "[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\nrespond = \"{respond}\"\nsendsms_url = \"{}\"\n",
        gateway.url("/sendsms")
    );
    let stack = Stack::start(tests::stack::with_apps(hanging, &settings)).await.unwrap();
    (gateway, stack)
}

/// Each phase has the shipped five seconds here, and each function has the time of the template.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inline_an_app_that_never_returns_is_answered_in_time() {
    let (gateway, stack) = stack("inline").await;
    let ask = async |text: &str| {
        let url = format!("{}?id={text}&text=count+{text}&mid={text}", stack.backend_url("k"));
        get(&url).await.unwrap().status
    };
    let asked = tokio::join!(ask("hang"), ask("block"), ask("good"));
    assert_eq!(asked, (200, 200, 200));
    let mut replies: Vec<String> = gateway.requests().iter().map(|sent| sent.text("text").unwrap()).collect();
    replies.sort();
    assert_eq!(replies, ["1 block", "1 good", "1 hang"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_an_app_that_never_returns_loses_nothing_of_a_batch() {
    let (gateway, stack) = stack("queue").await;
    let texts = ["one", "hang", "three", "block", "five", "six"];
    for text in texts {
        // Each message is of a different person, and a seventh person sends all of them.
        for sender in [text, "all"] {
            let url = format!("{}?id={sender}&text=count+{text}&mid={sender}-{text}", stack.backend_url("k"));
            assert_eq!(get(&url).await.unwrap().status, 200);
        }
    }
    gateway.wait_for(12, Duration::from_secs(150)).await.unwrap();
    while waiting(&stack.queue_url).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(waiting(&stack.dead_letters_url).await.unwrap(), 0);
    let replies = |sender: &str| -> Vec<String> {
        let of_sender =
            gateway.requests().into_iter().filter(|sent| sent.text("to").as_deref() == Some(sender));
        of_sender.map(|sent| sent.text("text").unwrap()).collect()
    };
    for text in texts {
        assert_eq!(replies(text), [format!("1 {text}")]);
    }
    assert_eq!(replies("all"), ["1 one", "2 hang", "3 three", "4 block", "5 five", "6 six"]);
}
