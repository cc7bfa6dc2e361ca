//! Broadcasts on the bench: each recipient gets the message once, whatever goes wrong. Also the questions about a
//! broadcast's progress.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use threadless::Router;
use threadless::broadcast::Acceptance;
use threadless::testing::{Behaviour, Bench, FaultKind, When};

/// Returns how often each number got each text.
fn received(bench: &Bench) -> BTreeMap<(String, String), usize> {
    let mut received = BTreeMap::new();
    for message in bench.gateway.taken() {
        let key = (message.connection.identity.as_str().to_owned(), message.text);
        *received.entry(key).or_default() += 1;
    }
    received
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:05}")).collect()
}

fn borrowed(numbers: &[String]) -> Vec<&str> {
    numbers.iter().map(String::as_str).collect()
}

async fn ask(bench: &Bench, request: Request<Bytes>) -> (StatusCode, Value) {
    let response = bench.request_send(request).await;
    (response.status(), serde_json::from_slice(response.body()).unwrap())
}

fn post(body: &Value) -> Request<Bytes> {
    posted("/send", body)
}

fn posted(path: &str, body: &Value) -> Request<Bytes> {
    let request = Request::post(path).header("content-type", "application/json; charset=utf-8");
    request.body(Bytes::from(body.to_string())).unwrap()
}

fn get(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn each_recipient_gets_it_once_however_often_it_is_called() {
    let bench = Bench::new(Router::new());
    let numbers = numbers(600);
    for minutes in [1, 10, 100] {
        let taken = bench.broadcast("flood", "run", &borrowed(&numbers)).await.unwrap();
        assert!(matches!(&taken, Acceptance::Accepted(broadcast) if broadcast.total() == 600), "{taken:?}");
        bench.minutes(minutes).await;
        assert_eq!(bench.gateway.taken().len(), 600);
    }
    assert_eq!(received(&bench).len(), 600);
    assert_eq!(bench.broadcast("flood", "walk", &borrowed(&numbers)).await.unwrap(), Acceptance::Conflict);
    assert_eq!(bench.broadcast("flood", "run", &["1"]).await.unwrap(), Acceptance::Conflict);
    bench.minutes(1).await;
    assert_eq!(bench.gateway.taken().len(), 600);
}

#[tokio::test]
async fn one_recipients_trouble_is_no_one_elses_and_can_be_seen() {
    let bench = Bench::new(Router::new());
    bench.receive("2", "stop", None).await.unwrap();
    bench.gateway.clear();
    bench.gateway.next([Behaviour::Refuse, Behaviour::Defer]);
    bench.broadcast("flood", "run", &["1", "2", "3", "4"]).await.unwrap();
    let (status, before) = ask(&bench, get("/send/flood?states")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&before["total"], &before["fanned_out"], &before["states"]),
        (&json!(4), &json!(0), &json!({"waiting": 4}))
    );

    bench.work_off().await;
    let (_, after) = ask(&bench, get("/send/flood?states")).await;
    assert_eq!(after["fanned_out"], 4);
    assert_eq!(after["states"], json!({ "failed": 2, "queued": 1, "sent": 1 }));
    let (_, each) = ask(&bench, get("/send/flood?recipients")).await;
    let each = each["recipients"].as_array().unwrap().clone();
    let shown: Vec<_> =
        each.iter().map(|one| (one["recipient"].as_str().unwrap(), one["state"].as_str().unwrap())).collect();
    assert_eq!(
        shown,
        [("bench:1", "failed"), ("bench:2", "failed"), ("bench:3", "queued"), ("bench:4", "sent")]
    );
    assert_eq!(each[1]["detail"], "opted out");
    bench.minutes(1).await;
    assert_eq!(ask(&bench, get("/send/flood?states")).await.1["states"], json!({ "failed": 2, "sent": 2 }));
}

#[tokio::test]
async fn the_recipients_of_a_large_one_come_in_parts() {
    let bench = Bench::new(Router::new());
    bench.broadcast("large", "run", &borrowed(&numbers(501))).await.unwrap();
    let mut path = "/send/large?recipients".to_owned();
    let mut seen = Vec::new();
    loop {
        let (_, page) = ask(&bench, get(&path)).await;
        seen.extend(page["recipients"].as_array().unwrap().iter().map(|one| one["recipient"].to_string()));
        let Some(next) = page["next"].as_u64() else { break };
        path = format!("/send/large?recipients&part={next}");
    }
    let expected: Vec<String> = numbers(501).iter().map(|number| format!("\"bench:{number}\"")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_endpoint_answers_with_what_is_wrong_and_writes_nothing_then() {
    let bench = Bench::new(Router::new());
    let order = json!({ "key": "k1", "text": "run", "recipients": ["bench:1", "nowhere:2", "3"] });
    let (status, body) = ask(&bench, post(&order)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let faults =
        json!([{ "field": "recipients[2]", "problem": "a recipient must have the form backend:identity" }]);
    assert_eq!(body["faults"], faults);
    let order = json!({ "key": "k1", "text": "run", "recipients": ["bench:1", "nowhere:2"] });
    let (status, body) = ask(&bench, post(&order)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body["faults"],
        json!([{ "field": "recipients[1]", "problem": "there is no backend nowhere" }])
    );
    let many: Vec<String> = numbers(25);
    let (_, body) = ask(&bench, post(&json!({ "key": "k1", "text": "run", "recipients": many }))).await;
    assert_eq!((body["faults"].as_array().unwrap().len(), &body["more_faults"]), (20, &json!(5)));
    assert_eq!(ask(&bench, get("/send/k1")).await.0, StatusCode::NOT_FOUND);

    let good = json!({ "key": "k1", "text": "run", "recipients": ["bench:1"] });
    for _ in 0..2 {
        let (status, body) = ask(&bench, post(&good)).await;
        assert_eq!(
            (status, &body["progress"], &body["total"]),
            (StatusCode::ACCEPTED, &json!("/send/k1"), &json!(1))
        );
    }
    let other = json!({ "key": "k1", "text": "run!", "recipients": ["bench:1"] });
    assert_eq!(ask(&bench, post(&other)).await.0, StatusCode::CONFLICT);

    let plain = Request::post("/send").body(Bytes::from(good.to_string())).unwrap();
    assert_eq!(ask(&bench, plain).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = post(&json!({ "text": "x".repeat(4_000_000) }));
    assert_eq!(ask(&bench, long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let put = Request::put("/send").body(Bytes::new()).unwrap();
    assert_eq!(ask(&bench, put).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(&bench, get("/send")).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(&bench, get("/send/k1?recipients&part=x")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&bench, get("/send/no%20key")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&bench, get("/send/k1/")).await.0, StatusCode::OK);
    for path in ["/send/k1/x", "/send/k1//", "/send//k1", "/send//", "/send///", "/send/./k1"] {
        assert_eq!(ask(&bench, get(path)).await.0, StatusCode::NOT_FOUND, "{path}");
        let (status, body) = ask(&bench, posted(path, &good)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body}");
    }
    assert_eq!(ask(&bench, posted("/send/k1", &good)).await.0, StatusCode::METHOD_NOT_ALLOWED);
    for key in [".", ".."] {
        let order = json!({ "key": key, "text": "run", "recipients": ["bench:1"] });
        let (status, body) = ask(&bench, post(&order)).await;
        assert_eq!((status, &body["faults"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("key")), "{body}");
    }
    bench.faults.plan(1, FaultKind::Error, When::Before);
    assert_eq!(ask(&bench, post(&good)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    bench.work_off().await;
    assert_eq!(bench.gateway.texts(), ["run"]);
}

#[tokio::test]
async fn who_may_send_is_asked_for_the_token() {
    let settings = |send: &str, place| {
        let text = format!(
            "[project]\nname = \"T\"\n[backends.bench]\nengine = \"kannel\"\nopen = true\n\
             sendsms_url = \"https://a/\"\n{send}"
        );
        let surroundings = threadless::settings::Surroundings::new(place, |name| {
            (name == "SEND_TOKEN").then(|| "secret".to_owned())
        });
        threadless::project::Settings::read(&text, &threadless::backend::Engines::standard(), &surroundings)
    };
    let (local, deployed) = (threadless::settings::Place::Local, threadless::settings::Place::Deployed);
    let guarded = "[send]\ntoken = { secret = \"SEND_TOKEN\" }";
    let table = [
        ("", local, None, StatusCode::NOT_FOUND),
        ("", deployed, Some("Bearer secret"), StatusCode::FORBIDDEN),
        (guarded, deployed, None, StatusCode::UNAUTHORIZED),
        (guarded, deployed, Some("Basic secret"), StatusCode::UNAUTHORIZED),
        (guarded, deployed, Some("Bearer wrong"), StatusCode::FORBIDDEN),
        (guarded, deployed, Some("bearer secret"), StatusCode::NOT_FOUND),
    ];
    for (send, place, given, expected) in table {
        let bench = Bench::with(Router::new()).settings(settings(send, place).unwrap()).build();
        let mut request = get("/send/k1");
        if let Some(given) = given {
            request.headers_mut().insert("authorization", given.parse().unwrap());
        }
        assert_eq!(ask(&bench, request).await.0, expected, "{send} {given:?}");
    }
    let faults = settings("[send]", deployed).err().unwrap();
    assert_eq!(faults.to_string(), "the settings have a fault: send.token: is missing");
}

#[tokio::test]
async fn a_broadcast_that_nobody_could_spread_for_a_day_is_given_up() {
    let bench = Bench::new(Router::new());
    bench.faults.plan(3, FaultKind::Error, When::Before);
    bench.broadcast("flood", "run", &["1"]).await.unwrap();
    bench.clock.advance(Duration::from_secs(24 * 3600));
    bench.minutes(30).await;
    assert_eq!(bench.gateway.asked(), 0);
    let (_, body) = ask(&bench, get("/send/flood?states")).await;
    assert_eq!((&body["fanned_out"], &body["states"]), (&json!(0), &json!({ "waiting": 1 })));
}

/// Makes the calls of the store or the queue go wrong, one after the other, until no call is left. Checks each time
/// that the caller's next try, the queue and the sweeps repair everything.
async fn whatever_goes_wrong(fault: FaultKind, when: When) {
    for nth in 1.. {
        let bench = Bench::new(Router::new());
        bench.receive("00000", "hello", None).await.unwrap();
        bench.faults.plan(nth, fault, when);
        // With silence the process hangs there. It is killed, and its unfinished work with it.
        let numbers = numbers(251);
        let first = async {
            let taken = bench.broadcast("flood", "run", &borrowed(&numbers)).await;
            bench.work_off().await;
            taken.is_ok()
        };
        let taken = tokio::time::timeout(Duration::from_secs(60), first).await.unwrap_or(false);
        let met = bench.faults.met();
        bench.faults.clear();
        if !taken {
            bench.broadcast("flood", "run", &borrowed(&numbers)).await.unwrap();
        }
        bench.minutes(15).await;

        let received = received(&bench);
        assert_eq!(received.len(), 251, "call {nth} {fault:?} {when:?}");
        let doubles = received.values().sum::<usize>() - 251;
        let mut doubts = 0;
        for number in &numbers {
            doubts += bench.history(number).await.iter().map(|row| row.uncertain).sum::<u32>();
            assert!(bench.outbox(number).await.is_empty(), "call {nth} {fault:?} {when:?}: {number}");
        }
        assert!(
            doubles <= doubts as usize && doubts <= 1,
            "call {nth} {fault:?} {when:?}: {doubles} {doubts}"
        );
        let (_, body) = ask(&bench, get("/send/flood?states")).await;
        // If the row of a message could not be written, the history does not know what became of it.
        let lag =
            ["queued", "waiting"].iter().filter_map(|state| body["states"][state].as_u64()).sum::<u64>();
        let sent = body["states"]["sent"].as_u64().unwrap();
        assert_eq!((&body["fanned_out"], sent + lag), (&json!(251), 251), "call {nth} {fault:?} {when:?}");
        assert!(lag <= 1, "call {nth} {fault:?} {when:?}: {body}");
        // This covers everything up to the second part and its first messages. The remaining messages are like them.
        if met == 0 || nth > 30 {
            assert!(nth > 20, "the faults were met: {nth}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_before_any_call_leaves_no_broadcast_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_after_any_call_leaves_no_broadcast_undone() {
    whatever_goes_wrong(FaultKind::Silence, When::After).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_leaves_no_broadcast_undone() {
    whatever_goes_wrong(FaultKind::Error, When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_leaves_no_broadcast_undone() {
    whatever_goes_wrong(FaultKind::Error, When::After).await;
}
