//! The example of an engine of one's own, `core/examples/acme.rs`, played from the request to the delivery report.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../examples/acme.rs"]
#[allow(dead_code, unreachable_pub)]
mod acme;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use threadless::backend::{Fetched, Transport, TransportError};
use threadless::project::{Settings, SettingsError};
use threadless::queue::MemoryQueue;
use threadless::settings::{Place, Surroundings};
use threadless::store::{History as _, MemoryStore};
use threadless::testing::TestClock;
use threadless::{Clock as _, Deadline, Ports, Project, Router, apps, endpoint};

const SETTINGS: &str = r#"
[project]
name = "Clinic"

[backends.clinic]
engine = "acme"
send_url = "https://acme.example/send"
key = { secret = "ACME_KEY" }
"#;

/// A transport that records each request, and gives the answers of the test in order.
#[derive(Default)]
struct Wire {
    sent: Mutex<Vec<(String, Value)>>,
    answers: Mutex<Vec<Result<u16, TransportError>>>,
}

#[async_trait::async_trait]
impl Transport for Wire {
    async fn fetch(&self, request: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        let body = serde_json::from_slice(request.body()).unwrap();
        self.sent.lock().unwrap().push((request.uri().to_string(), body));
        self.answers.lock().unwrap().remove(0).map(|status| Fetched::new(status, ""))
    }
}

struct Rig {
    project: Project,
    wire: Arc<Wire>,
    store: Arc<MemoryStore>,
    clock: TestClock,
}

impl Rig {
    fn answered_with(answers: Vec<Result<u16, TransportError>>) -> Self {
        let settings = read(SETTINGS, Place::Deployed).unwrap();
        let (wire, store, clock) = (Wire::default(), Arc::new(MemoryStore::new()), TestClock::default());
        let wire = Arc::new(Wire { answers: Mutex::new(answers), ..wire });
        let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        let ports = Ports::new(store.clone(), queue, wire.clone(), Arc::new(clock.clone()));
        let project = Project::new(settings, Router::new().app(apps::Echo), ports);
        Self { project, wire, store, clock }
    }

    async fn post(&self, path: &str, key: Option<&str>, body: &str) -> (StatusCode, String) {
        let mut request = Request::post(path);
        if let Some(key) = key {
            request = request.header("x-acme-key", key);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let deadline = Deadline::within(Duration::from_secs(29));
        let answer: Response<Bytes> = endpoint::serve(&self.project, "acme", request, deadline).await;
        (answer.status(), String::from_utf8(answer.body().to_vec()).unwrap())
    }

    async fn message(&self, key: Option<&str>, body: &str) -> (StatusCode, String) {
        self.post("/acme/clinic/", key, body).await
    }

    /// Returns the state of each message of the person, with the number of attempts and of doubtful attempts.
    async fn states(&self) -> Vec<(String, &'static str, u32, u32)> {
        let person = "251911".parse().unwrap();
        let connection = threadless::ConnectionId::new("clinic".parse().unwrap(), person);
        let rows = self.store.history(&connection, self.clock.now(), 100).await.unwrap();
        let state =
            |row: threadless::store::HistoryRow| (row.text, row.state.as_str(), row.attempts, row.uncertain);
        let mut states: Vec<_> = rows.into_iter().map(state).collect();
        states.sort();
        states
    }

    fn sent(&self) -> Vec<(String, Value)> {
        self.wire.sent.lock().unwrap().clone()
    }
}

fn read(settings: &str, place: Place) -> Result<Settings, SettingsError> {
    let lookup = |name: &str| (name == "ACME_KEY").then(|| "s3cret".to_owned());
    Settings::read(settings, &acme::engines(), &Surroundings::new(place, lookup))
}

const HELLO: &str = r#"{"msisdn": "251911", "content": "echo hello", "ref": "7"}"#;

#[tokio::test]
async fn a_message_is_answered_once_and_its_report_changes_the_history() {
    let rig = Rig::answered_with(vec![Ok(200)]);
    // The gateway delivers the message twice.
    for _ in 0..2 {
        let (status, body) = rig.message(Some("s3cret"), HELLO).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"status":"received"}"#));
    }
    let sent = rig.sent();
    let [(url, body)] = &sent[..] else { panic!("{sent:?}") };
    let reference = body["reference"].as_str().unwrap();
    assert_eq!(url, "https://acme.example/send");
    assert_eq!(*body, json!({ "to": "251911", "content": "hello", "reference": reference }));

    let inbound = ("echo hello".to_owned(), "handled", 0, 0);
    assert_eq!(rig.states().await, [inbound.clone(), ("hello".to_owned(), "sent", 1, 0)]);
    let report = |reference: &str, status: &str| json!({ "for": reference, "status": status }).to_string();
    let receipt = "/acme/clinic/receipt/";
    let forbidden = (StatusCode::FORBIDDEN, "The report does not belong to a message of this backend.\n");
    for (body, expected) in [
        (report(&reference[1..], "DELIVRD"), forbidden),
        (r#"{"status": "DELIVRD"}"#.to_owned(), forbidden),
        ("DELIVRD".to_owned(), forbidden),
        (
            report(reference, "SEEN"),
            (StatusCode::BAD_REQUEST, "status: is not one of DELIVRD, UNDELIV, EXPIRED, ACCEPTD\n"),
        ),
        (report(reference, "ACCEPTD"), (StatusCode::OK, r#"{"status":"received"}"#)),
    ] {
        let (status, answer) = rig.post(receipt, None, &body).await;
        assert_eq!((status, answer.as_str()), expected, "{body}");
        assert_eq!(rig.states().await[1].1, "sent", "{body}");
    }
    for (status, state) in [("UNDELIV", "failed"), ("DELIVRD", "delivered"), ("EXPIRED", "delivered")] {
        assert_eq!(rig.post(receipt, None, &report(reference, status)).await.0, StatusCode::OK, "{status}");
        assert_eq!(rig.states().await, [inbound.clone(), ("hello".to_owned(), state, 1, 0)], "{status}");
    }
}

#[tokio::test]
async fn each_answer_of_the_gateway_has_its_outcome() {
    for (answer, state, uncertain) in [
        (Ok(200), "sent", 0),
        (Ok(422), "failed", 0),
        (Ok(503), "queued", 0),
        (Err(TransportError::Unreached("no such host".to_owned())), "queued", 0),
        (Err(TransportError::Broken("reset".to_owned())), "queued", 1),
    ] {
        let rig = Rig::answered_with(vec![answer.clone()]);
        assert_eq!(rig.message(Some("s3cret"), HELLO).await.0, StatusCode::OK, "{answer:?}");
        let states: Vec<_> = rig.states().await.into_iter().map(|row| (row.0, row.1, row.3)).collect();
        let expected = [("echo hello".to_owned(), "handled", 0), ("hello".to_owned(), state, uncertain)];
        assert_eq!(states, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn a_caller_without_the_right_key_is_refused_and_changes_nothing() {
    let rig = Rig::answered_with(Vec::new());
    for (key, expected) in [
        (None, (StatusCode::UNAUTHORIZED, "The token of this backend is missing.\n")),
        (Some("s3cre"), (StatusCode::FORBIDDEN, "The token is wrong.\n")),
        (Some(""), (StatusCode::FORBIDDEN, "The token is wrong.\n")),
    ] {
        let (status, answer) = rig.message(key, HELLO).await;
        assert_eq!((status, answer.as_str()), expected, "{key:?}");
    }
    assert_eq!(rig.states().await, []);
    assert_eq!(rig.sent(), []);
}

#[tokio::test]
async fn the_answer_to_a_bad_message_names_each_wrong_field() {
    let rig = Rig::answered_with(Vec::new());
    for (body, expected) in [
        ("{}", "msisdn: an identity cannot be empty\ncontent: is missing\n"),
        (r#"{"content": "hi"}"#, "msisdn: an identity cannot be empty\n"),
        (r#"{"msisdn": "251911", "content": 5}"#, "content: is missing\n"),
        ("hi", "body: expected value at line 1 column 1\n"),
    ] {
        let (status, answer) = rig.message(Some("s3cret"), body).await;
        assert_eq!((status, answer.as_str()), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
    assert_eq!(rig.states().await, []);
}

#[test]
fn a_deployment_without_a_key_or_with_an_open_line_is_refused() {
    let faulty = |settings: &str, place| {
        let found = read(settings, place).err().map(|error| error.0).unwrap_or_default();
        found.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    let keyless = SETTINGS.replace("key = { secret = \"ACME_KEY\" }\n", "");
    let plain = SETTINGS.replace("https://", "http://");
    let nowhere = SETTINGS.replace("send_url = \"https://acme.example/send\"\n", "");
    let misspelt = format!("{SETTINGS}kee = \"x\"\n");
    for (settings, local, deployed) in [
        (SETTINGS, &[][..], &[][..]),
        (&keyless, &[], &["backends.clinic.key"]),
        (&format!("{keyless}open = true\n"), &[], &[]),
        (&plain, &[], &["backends.clinic.send_url"]),
        (&nowhere, &["backends.clinic.send_url"], &["backends.clinic.send_url"]),
        (&misspelt, &["backends.clinic.kee"], &["backends.clinic.kee"]),
    ] {
        assert_eq!(faulty(settings, Place::Local), local, "local: {settings}");
        assert_eq!(faulty(settings, Place::Deployed), deployed, "deployed: {settings}");
    }
}

/// Counts the lines that a reader has to write, as the page promises.
#[test]
fn the_example_has_at_most_a_hundred_lines_of_code() {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    assert!(include_str!("../examples/acme.rs").lines().filter(is_code).count() <= 100);
}
