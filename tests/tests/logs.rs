//! The content of the logs, and the data that they must not contain.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use http::{Method, Request};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tests::apps::Hanging;
use threadless::apps::{Said, keyword};
use threadless::backend::{
    AnyBackend, Backend, Caller, Engines, Fault as Problem, Fetched, Received, Reference, Reported,
    SendOutcome, Transport, TransportError,
};
use threadless::lambda::json_logs;
use threadless::project::Settings;
use threadless::queue::MemoryQueue;
use threadless::settings::Surroundings;
use threadless::store::{History as _, MemoryStore};
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::worker::{Record, respond};
use threadless::{
    App, AppError, BackendName, ConnectionId, Context, Deadline, FinalStatus, Handled, Outgoing, Ports,
    Project, Router, SystemClock, incoming, report,
};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An app that answers or fails, as the text asks.
struct Moody;

impl App for Moody {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        match cx.text() {
            text if text.contains("error") => Err("as planned".into()),
            text if text.contains("panic") => panic!("as planned"),
            text if text.contains("endless") => std::future::pending().await,
            _ => {
                cx.reply("the secret answer");
                Ok(Handled::Yes)
            }
        }
    }
}

const NUMBER: &str = "251911223344";

#[tokio::test]
async fn logs_tell_what_became_of_messages_and_never_what_they_said_or_whose_they_are() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    let bench = Bench::with(Router::new().app(Moody)).phase_timeout(Duration::from_millis(20)).build();
    let behaviours =
        [Behaviour::Accept, Behaviour::Defer, Behaviour::LoseAnswer, Behaviour::Refuse, Behaviour::Accept];
    bench.gateway.next(behaviours);
    for text in ["fine", "error", "panic", "endless", "fine", "fine"] {
        let uri = format!("/bench/bench/?id={NUMBER}&text=my+secret+{text}&mid={text}");
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        assert_eq!(bench.request(request).await.status(), 200);
    }
    for uri in ["/bench/bench/?text=my+secret", "/bench/none/?id=1&text=my+secret"] {
        bench.request(Request::get(uri).body(Bytes::new()).unwrap()).await;
    }
    bench.minutes(6).await;
    let sent = bench.gateway.taken().remove(0);
    for _ in 0..2 {
        bench.report(&sent, Some(FinalStatus::Delivered)).await.unwrap();
    }
    bench.request(Request::get("/bench/bench/report/?for=x").body(Bytes::new()).unwrap()).await;
    bench.faults.plan(1, FaultKind::Error, When::Before);
    bench.receive(NUMBER, "my secret", None).await.unwrap_err();
    drop(logs);

    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("secret") && !text.contains(NUMBER) && !text.contains("223344"), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    for outcome in [
        "handled",
        "duplicate",
        "sent",
        "app_error",
        "app_panic",
        "app_timeout",
        "unknown_backend",
        "unsigned",
    ] {
        assert!(outcomes.contains(&outcome), "{outcome}: {text}");
    }
    let reports: Vec<_> = lines.iter().filter(|line| line["message"] == "report").collect();
    let outcomes: Vec<&str> = reports.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["delivered", "duplicate", "unsigned"], "{text}");
    assert_eq!(
        (&reports[0]["identity"], &reports[0]["message_id"]),
        (&"251******344".into(), &sent.id.as_str().into())
    );
    for line in lines.iter().filter(|line| line["message"] == "incoming" && line["outcome"] == "handled") {
        assert_eq!(line["backend"], "bench", "{line}");
        assert_eq!(line["identity"], "251******344", "{line}");
        assert!(line["message_id"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    let replies = lines.iter().filter(|line| line["message"] == "incoming" && line["replies"].is_number());
    let replies: Vec<_> =
        replies.map(|line| (line["outcome"].as_str().unwrap(), line["replies"].as_u64())).collect();
    let (one, none) = (("handled", Some(1)), ("unhandled", Some(0)));
    assert_eq!(replies, [one, none, none, none, ("duplicate", Some(0)), ("duplicate", Some(0))], "{text}");
}

#[tokio::test]
async fn a_text_that_an_app_cannot_read_leaves_no_error_in_the_log() {
    async fn quantity(said: Said) -> Result<String, AppError> {
        Ok(said.text().parse::<u32>()?.to_string())
    }
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    let bench = Bench::new(
        Router::new().app(keyword("qty", quantity).help("QTY <NUMBER>")).app(keyword("bare", quantity)),
    );
    for text in ["qty seven", "bare seven", "qty 7"] {
        bench.receive(NUMBER, text, None).await.unwrap();
    }
    assert_eq!(bench.gateway.texts(), ["QTY <NUMBER>", "7"]);
    drop(logs);
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(!matches!(line["level"].as_str(), Some("ERROR" | "WARN")) && line["app"].is_null(), "{line}");
    }
}

/// Receives one message, and returns the log lines that name an app: phase, outcome, and whether the other fields are
/// right.
async fn app_lines(bench: &Bench, text: &str) -> Vec<(String, String)> {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    bench.receive(NUMBER, text, None).await.unwrap();
    drop(logs);
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["app"].is_string())
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            assert_eq!((text("level"), text("app")), ("ERROR".to_owned(), "Hanging".to_owned()), "{line}");
            assert!(text("consequence").len() > 20, "{line}");
            (text("phase"), text("outcome"))
        })
        .collect()
}

/// An app that answers with six replies.
struct Six;

impl App for Six {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        (1..=6).for_each(|nth| cx.reply(nth.to_string()));
        Ok(Handled::Yes)
    }
}

#[tokio::test(start_paused = true)]
async fn each_phase_that_took_too_long_or_was_not_begun_is_a_line() {
    let bench = Bench::new(Router::new().app(Hanging).app(Six));
    let lines = app_lines(&bench, "hang").await;
    let mut expected: Vec<(&str, &str)> =
        ["filter", "parse", "handle", "cleanup", "outgoing"].map(|phase| (phase, "app_timeout")).into();
    expected.extend([("outgoing", "app_no_time"); 5]);
    let lines: Vec<(&str, &str)> =
        lines.iter().map(|(phase, outcome)| (phase.as_str(), outcome.as_str())).collect();
    assert_eq!(lines, expected);
    assert_eq!(bench.gateway.taken().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_blocked_thread_is_a_line_of_its_own() {
    let bench =
        Bench::with(Router::new().app(Hanging).app(Six)).phase_timeout(Duration::from_millis(20)).build();
    let lines = app_lines(&bench, "block").await;
    assert_eq!(lines[0], ("filter".to_owned(), "app_blocked".to_owned()), "{lines:?}");
    assert_eq!(lines.len(), 4 + 6, "{lines:?}");
    // Each phase of each message holds a thread, until there are too many blocked threads.
    for _ in 0..3 {
        app_lines(&bench, "block").await;
    }
    let lines = app_lines(&bench, "block").await;
    assert_eq!(lines[0], ("filter".to_owned(), "app_suspended".to_owned()), "{lines:?}");
    assert_eq!(bench.gateway.taken().len(), 30);
}

const TEXT: &str = "my secret reply";
const ZEBRA: &str = "zebra";

/// A gateway, or another server in its place, that repeats the whole request in its answer.
struct Echo(u16, Shape);

#[derive(Clone, Copy, Debug)]
enum Shape {
    Page,
    Words,
    Kannel,
    Json,
    Broken,
    Unreached,
}

#[async_trait]
impl Transport for Echo {
    async fn fetch(&self, request: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        let url = request.uri().to_string();
        let plain = percent_decode_str(&url.replace('+', " ")).decode_utf8_lossy().into_owned();
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let headers = format!("{:?}", request.headers());
        let all = format!("{ZEBRA} {url} {plain} {body} {headers} {NUMBER} {TEXT} hunter2 t0ken");
        let body = match self.1 {
            Shape::Page => format!("<html><title>{all}</title></html>"),
            Shape::Words => all,
            Shape::Kannel => format!("0: Accepted for delivery Denied receivers are: {all}"),
            Shape::Json => format!("{{\"error\": {all:?}}}"),
            Shape::Broken => return Err(TransportError::Broken(format!("{url} {plain}"))),
            Shape::Unreached => return Err(TransportError::Unreached(format!("{url} {plain}"))),
        };
        Ok(Fetched::new(self.0, body))
    }
}

/// An app that answers everything with [`TEXT`].
struct Replies;

impl App for Replies {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        cx.reply(TEXT);
        Ok(Handled::Yes)
    }
}

/// A user's own engine that repeats answers and requests.
struct Repeats;

impl Backend for Repeats {
    fn methods(&self) -> &[Method] {
        &[Method::POST]
    }

    fn authenticate(&self, _: &Request<Bytes>) -> Caller {
        Caller::Gateway
    }

    fn decode(&self, request: &Request<Bytes>) -> Result<Received, Vec<Problem>> {
        Err(vec![Problem::new("body", String::from_utf8_lossy(request.body()))])
    }

    fn send_timeout(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn send(&self, message: &Outgoing, transport: &dyn Transport, limit: Duration) -> SendOutcome {
        let identity = message.connection.identity.as_str();
        let request = Request::get(format!("http://g/?to={identity}")).body(Bytes::new()).unwrap();
        match transport.fetch(request, limit).await {
            Ok(answer) => {
                SendOutcome::Deferred { detail: String::from_utf8_lossy(&answer.body).into_owned() }
            }
            Err(problem) => problem.into(),
        }
    }
}

const HOSTILE: &str = r#"
    [project]
    name = "T"
    [backends.kannel]
    engine = "kannel"
    sendsms_url = "http://user:hunter2@k:13013/cgi-bin/sendsms"
    sendsms_params = { username = "u", password = "hunter2" }
    sendsms_token = "t0ken"
    token = "t0ken"
    [backends.url]
    engine = "http"
    outgoing_url = "http://user:hunter2@g/?key=hunter2&to=%(identity)s&text=%(text)s"
    token = "t0ken"
    [backends.json]
    engine = "http"
    outgoing_url = "http://g/"
    outgoing_method = "json"
    headers = { x-api-key = "hunter2" }
    [backends.form]
    engine = "http"
    outgoing_url = "http://g/"
    outgoing_method = "form"
    [backends.own]
    engine = "own"
    key = "hunter2"
"#;

/// Returns a project with these settings in front of such a gateway, and its store.
fn before(echo: Echo) -> (Project, Arc<MemoryStore>) {
    let engines = Engines::standard().with("own", |fields| {
        fields.secret("key");
        Some(AnyBackend::new(Repeats))
    });
    let settings = Settings::read(HOSTILE, &engines, &Surroundings::local(&[])).unwrap();
    let store = Arc::new(MemoryStore::new());
    let ports = Ports::new(
        store.clone(),
        Arc::new(MemoryQueue::new(Arc::new(SystemClock))),
        Arc::new(echo),
        Arc::new(SystemClock),
    );
    (Project::new(settings, Router::new().app(Replies), ports), store)
}

fn received() -> Received {
    Received::new(NUMBER.parse().unwrap(), "my secret question")
}

#[tokio::test]
async fn an_answer_that_repeats_the_request_reaches_neither_log_nor_history() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    let mut details = Vec::new();
    let statuses = [200, 202, 204, 302, 400, 401, 403, 404, 413, 422, 500, 502, 503, 504];
    for shape in [Shape::Page, Shape::Words, Shape::Kannel, Shape::Json, Shape::Broken, Shape::Unreached] {
        for status in statuses {
            let (project, store) = before(Echo(status, shape));
            for backend in ["kannel", "url", "json", "form", "own"] {
                let name: BackendName = backend.parse().unwrap();
                let deadline = Deadline::within(Duration::from_secs(29));
                incoming(&project, &name, received(), deadline).await.unwrap();
                let connection = ConnectionId::new(name, NUMBER.parse().unwrap());
                let rows = store.history(&connection, jiff::Timestamp::now(), 9).await.unwrap();
                assert_eq!(rows.len(), 2, "{backend} {status} {shape:?}: {rows:#?}");
                details.extend(rows.into_iter().filter_map(|row| row.detail));
            }
        }
    }
    drop(logs);
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert!(details.len() > 40, "{details:#?}");
    let attempts = text.lines().filter(|line| line.contains("\"message\":\"outgoing\"")).count();
    assert_eq!(attempts, 6 * statuses.len() * 5);
    for hidden in ["hunter2", "t0ken", NUMBER, "911223", "my secret", "my%20secret", "my+secret"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
        assert!(details.iter().all(|detail| !detail.contains(hidden)), "{hidden}: {details:#?}");
    }
    // A user's own engine may repeat any text. The router can remove only the texts that it knows to be private.
    let lines = text.lines().filter(|line| !line.contains("\"backend\":\"own\""));
    assert!(lines.into_iter().all(|line| !line.contains(ZEBRA)), "{text}");
    assert!(details.iter().all(|detail| !detail.contains(ZEBRA)), "{details:#?}");
}

#[tokio::test]
async fn a_request_that_nobody_can_read_is_kept_whole_and_logged_by_its_fields_alone() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    let (project, store) = before(Echo(200, Shape::Page));
    let text = format!("{{\"from\": {NUMBER}, \"content\": \"my secret\", \"sign\": \"hunter2\"");
    let binary: &[u8] = &[&b"\xff\0"[..], text.as_bytes()].concat();
    for body in [text.as_bytes(), binary] {
        let request = Request::post(format!("/own/own/?sender={NUMBER}&api_key=other"))
            .header("content-type", "application/json")
            .header("authorization", "Bearer hunter2")
            .body(Bytes::copy_from_slice(body))
            .unwrap();
        let deadline = Deadline::within(Duration::from_secs(29));
        assert_eq!(threadless::endpoint::serve(&project, "own", request, deadline).await.status(), 200);
    }
    drop(logs);
    let kept = store.unusable(&"own".parse().unwrap(), jiff::Timestamp::now(), 9).await.unwrap();
    let head = format!("POST /own/own/?sender={NUMBER}&api_key=***\ncontent-type: application/json\n");
    assert_eq!(kept[1].raw, format!("{head}\n{}", text.replace("hunter2", "***")));
    let coded = kept[0].raw.strip_prefix(&format!("{head}content-transfer-encoding: base64\n\n")).unwrap();
    let decoded = base64::prelude::BASE64_STANDARD.decode(coded).unwrap();
    assert_eq!(decoded, [&b"\xff\0"[..], text.replace("hunter2", "***").as_bytes()].concat());
    assert!(kept[1].problems[0].contains("my secret") && !kept[1].problems[0].contains("hunter2"));
    let logged = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let line: Value = logged.lines().map(|line| serde_json::from_str(line).unwrap()).next().unwrap();
    assert_eq!((&line["outcome"], &line["fields"]), (&"unusable".into(), &"body".into()), "{logged}");
    for hidden in ["secret", NUMBER, "hunter2", "other"] {
        assert!(!logged.contains(hidden), "{hidden}: {logged}");
    }
}

#[tokio::test]
async fn a_report_with_number_and_text_keeps_the_state_and_says_no_more() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    let bench = Bench::with(Router::new().app(Replies)).build();
    bench.receive(NUMBER, "x", None).await.unwrap();
    let reference = Reference::of(&bench.gateway.taken()[0]);
    let mut reported = Reported::new(reference, Some(FinalStatus::Failed));
    reported.detail = Some(format!("NACK/{NUMBER} id:8675309123 stat:UNDELIV text:{TEXT}"));
    report(&bench.project, reported).await.unwrap();
    // The text of a queue message that cannot be read does not appear in the log either.
    let body = format!("{{\"v\":1,\"type\":\"incoming\",\"message\":\"{TEXT} {NUMBER}\"}}");
    let poison = Record { id: "r".to_owned(), group: None, body, receive_count: 1, sent_at: None };
    assert_eq!(
        respond(&bench.project, vec![poison], Deadline::within(Duration::from_secs(29))).await.len(),
        1
    );
    drop(logs);
    let rows = bench.history(NUMBER).await;
    let details: Vec<&str> = rows.iter().filter_map(|row| row.detail.as_deref()).collect();
    assert_eq!(details, ["NACK/… id:… stat:UNDELIV"]);
    let logged = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert!(!logged.contains(NUMBER) && !logged.contains("NACK") && !logged.contains(TEXT), "{logged}");
}
