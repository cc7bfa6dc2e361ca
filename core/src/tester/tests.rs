//! The tester as a browser and a script see it, on a store in memory.

use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::serve;
use crate::apps::Echo;
use crate::backend::{Engines, Fetched, Transport, TransportError};
use crate::clock::Deadline;
use crate::config::{Place, Settings, Surroundings};
use crate::message::{BackendName, ConnectionId};
use crate::project::{Ports, Project};
use crate::queue::{MemoryQueue, Queue};
use crate::responder::{Record, respond};
use crate::router::Router;
use crate::store::{MemoryStore, Row, Store};
use crate::testing::{Fault, Faults, FaultyStore, TestClock, When};

const FORM: &str = "application/x-www-form-urlencoded";
const PASSWORD: &str = "correct horse battery";

struct NoTransport;

#[async_trait::async_trait]
impl Transport for NoTransport {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        Err(TransportError::Unreached("there is no network here".to_owned()))
    }
}

struct Rig {
    project: Arc<Project>,
    store: Arc<dyn Store>,
    queue: Arc<MemoryQueue>,
    faults: Faults,
    clock: TestClock,
}

impl Rig {
    /// A tester `t`, with more keys in its table, and what the surroundings know.
    fn with(keys: &str, surroundings: &Surroundings<'_>) -> Self {
        let text = format!("[project]\nname = \"<T>\"\n[backends.t]\nengine = \"httptester\"\n{keys}\n");
        let settings = Settings::read(&text, &Engines::standard(), surroundings).unwrap();
        let (faults, clock) = (Faults::default(), TestClock::default());
        let store: Arc<dyn Store> = Arc::new(FaultyStore::new(MemoryStore::new(), faults.clone()));
        let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        let ports = Ports {
            store: Arc::clone(&store),
            queue: Some(Arc::clone(&queue) as Arc<dyn Queue>),
            transport: Arc::new(NoTransport),
            clock: Arc::new(clock.clone()),
        };
        let project = Arc::new(Project::new(settings, Router::new().app(Echo), ports));
        Self { project, store, queue, faults, clock }
    }

    fn open() -> Self {
        Self::with("", &Surroundings::local(&[]))
    }

    fn locked(token: &str) -> Self {
        let keys = format!("password = \"{PASSWORD}\"\n{token}");
        Self::with(&keys, &Surroundings::local(&[]))
    }

    async fn ask(&self, request: Request<Bytes>) -> Response<Bytes> {
        let answer = serve(&self.project, "httptester", request, deadline()).await;
        self.clock.advance(Duration::from_secs(1));
        answer
    }

    async fn get(&self, target: &str) -> Response<Bytes> {
        self.ask(Request::get(target).body(Bytes::new()).unwrap()).await
    }

    async fn post(&self, target: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        let mut request = Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Bytes::from(body.to_owned())).unwrap()).await
    }

    async fn call(&self, call: &str, body: &Value) -> (u16, Value) {
        let answer = self.post(&format!("/httptester/t/{call}.json"), &[], &body.to_string()).await;
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }

    async fn send(&self, identity: &str, text: &str) {
        let (status, answer) =
            self.call("send", &json!({ "messages": [{ "identity": identity, "text": text }] })).await;
        assert_eq!((status, &answer["taken"]), (200, &json!(1)), "{answer}");
    }

    async fn history(&self, identity: &str) -> Vec<Row> {
        let connection = ConnectionId::new("t".parse().unwrap(), identity.parse().unwrap());
        let now = crate::clock::Clock::now(&self.clock);
        self.store.history(&connection, now, 1000).await.unwrap()
    }

    async fn texts(&self, identity: &str) -> Vec<String> {
        self.history(identity)
            .await
            .into_iter()
            .rev()
            .map(|row| format!("{} {}", row.state.as_str(), row.text))
            .collect()
    }

    async fn work_off(&self) {
        while let Some(ticket) = self.queue.take() {
            let record = Record {
                id: ticket.dedupe_id,
                group: Some(ticket.group),
                body: ticket.job.to_json(),
                receive_count: 1,
            };
            assert_eq!(respond(&self.project, vec![record], deadline()).await, []);
        }
    }

    /// Of the number 1, that is.
    async fn nothing_is_kept(&self) -> bool {
        let now = crate::clock::Clock::now(&self.clock);
        let name: BackendName = "t".parse().unwrap();
        self.history("1").await.is_empty()
            && self
                .store
                .numbers(&name, now, 10)
                .await
                .unwrap()
                .iter()
                .all(|number| number.identity.as_str() != "1")
            && self.queue.take().is_none()
    }
}

fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(29))
}

fn location(answer: &Response<Bytes>) -> &str {
    answer.headers()["location"].to_str().unwrap()
}

fn body(answer: &Response<Bytes>) -> &str {
    std::str::from_utf8(answer.body()).unwrap()
}

#[tokio::test]
async fn every_address_leads_to_a_page_or_says_why_not() {
    let rig = Rig::open();
    for target in ["/httptester", "/httptester/", "/httptester/t", "/httptester/t/"] {
        let answer = rig.get(target).await;
        let number =
            location(&answer).strip_prefix("/httptester/t/555").and_then(|rest| rest.strip_suffix('/'));
        assert!(
            answer.status() == 303 && number.is_some_and(|number| number.len() == 7),
            "{target}: {answer:?}"
        );
    }
    let table = [
        ("/httptester/t/+251", 303, "/httptester/t/+251/"),
        ("/httptester/t/?identity=MTN_1", 303, "/httptester/t/MTN_1/"),
        ("/httptester/t/?identity=+251", 303, "/httptester/t/+251/"),
        ("/httptester/t/50%25%20off%20%231/", 303, "/httptester/t/?identity=50%25%20off%20%231"),
        ("/httptester/t/a.b", 303, "/httptester/t/?identity=a.b"),
        ("/httptester/t/+251/", 200, ""),
        ("/httptester/t/?identity=50%25%20off%20%231", 200, ""),
        ("/httptester/t/?identity=poll.json&also=2", 200, ""),
        ("/httptester/t/?identity=", 400, ""),
        ("/httptester/t//", 400, ""),
        ("/httptester/t/1/2/", 404, ""),
        ("/httptester/none/", 404, ""),
        ("/httptester/t/poll.json", 405, ""),
        ("/httptester/t/login.html", 303, "/httptester/t/555"),
        ("/httptester/assets.x/page.css", 200, ""),
        ("/httptester/assets.x/../secret", 404, ""),
    ];
    for (target, status, to) in table {
        let answer = rig.get(target).await;
        assert_eq!(answer.status(), status, "{target}");
        if status == 303 {
            assert!(location(&answer).starts_with(to) && !to.is_empty(), "{target}: {answer:?}");
        }
    }
    let deleted = Request::delete("/httptester/t/1/").body(Bytes::new()).unwrap();
    let answer = rig.ask(deleted).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["allow"]),
        (405, &"GET, HEAD, POST".parse().unwrap())
    );
    let head = rig.ask(Request::head("/httptester/t/1/").body(Bytes::new()).unwrap()).await;
    assert!(head.status() == 200 && head.body().is_empty());
    for target in ["/httptester/t/1/", "/httptester/"] {
        assert_eq!(rig.post(target, &[], "identity=1&text=x").await.status(), 405, "{target}");
    }
    let long = "x".repeat(crate::endpoint::MAX_QUERY);
    assert_eq!(rig.get(&format!("/httptester/t/?identity=1&x={long}")).await.status(), 413);
}

#[tokio::test]
async fn pages_name_nothing_from_elsewhere_and_their_parts_are_kept_for_good() {
    let rig = Rig::open();
    let page = rig.get("/httptester/t/1/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = body(&page);
    assert!(html.contains("&lt;T&gt;") && !html.contains("<T>") && !html.contains("{{"), "{html}");
    for inline in ["style=", " onclick", "<style", "<script>", "http://", "https://"] {
        assert!(!html.contains(inline), "{inline}");
    }
    let parts: Vec<&str> = html.split('"').filter(|part| part.starts_with("/httptester/assets.")).collect();
    assert!(parts.len() >= 3, "{parts:?}");
    for part in parts {
        let answer = rig.get(part).await;
        assert_eq!(answer.status(), 200, "{part}");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        let tag = answer.headers()["etag"].clone();
        let again = Request::get(part).header("if-none-match", tag).body(Bytes::new()).unwrap();
        let again = rig.ask(again).await;
        assert!(again.status() == 304 && again.body().is_empty());
        let name = part.rsplit('/').next().unwrap();
        let older = rig.get(&format!("/httptester/assets.0123/{name}")).await;
        assert_eq!(
            (older.status().as_u16(), &older.headers()["cache-control"]),
            (200, &"no-cache".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn what_a_page_sends_is_answered_and_polled_bit_by_bit() {
    let rig = Rig::open();
    let poll = async |cursor: &Value| {
        let (status, news) = rig
            .call(
                "poll",
                &json!({ "conversations": [{ "identity": "a b", "cursor": cursor }], "numbers": true }),
            )
            .await;
        assert_eq!(status, 200, "{news}");
        news
    };
    let news = poll(&Value::Null).await;
    assert_eq!(news["conversations"][0]["rows"], json!([]));
    assert_eq!(news["numbers"], json!([]));
    let nothing = news["conversations"][0]["cursor"].clone();
    assert_eq!(poll(&nothing).await["conversations"], json!([]), "nothing is new about nothing");

    rig.send("a b", "echo <b>hi</b>").await;
    let news = poll(&nothing).await;
    let first = &news["conversations"][0];
    let shown =
        |row: &Value| format!("{} {} {}", row["direction"], row["state"], row["text"]).replace('"', "");
    let rows: Vec<String> = first["rows"].as_array().unwrap().iter().map(shown).collect();
    assert_eq!(rows, ["in handled echo <b>hi</b>", "out sent <b>hi</b>"]);
    assert_eq!((&first["reset"], &first["more"]), (&json!(true), &json!(false)));
    assert_eq!(news["numbers"][0]["identity"], "a b");
    assert_eq!(poll(&first["cursor"]).await["conversations"], json!([]));

    for _ in 0..30 {
        rig.clock.advance(Duration::from_secs(1));
    }
    rig.send("a b", "echo more").await;
    let news = poll(&first["cursor"]).await;
    let second = &news["conversations"][0];
    assert_eq!(second["reset"], false);
    let rows: Vec<String> = second["rows"].as_array().unwrap().iter().map(shown).collect();
    assert!(rows.ends_with(&["in handled echo more".into(), "out sent more".into()]), "{rows:?}");
    assert_eq!(poll(&second["cursor"]).await["conversations"], json!([]));

    assert_eq!(rig.call("clear", &json!({ "identity": "a b" })).await, (200, json!({ "left": 0 })));
    let news = poll(&second["cursor"]).await;
    assert_eq!(
        (&news["conversations"][0]["reset"], &news["conversations"][0]["rows"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(news["numbers"], json!([]));
}

#[tokio::test]
async fn a_queued_message_shows_at_once_and_moves_on() {
    let rig = Rig::with("respond = \"queue\"", &Surroundings::local(&[]));
    rig.send("1", "echo hello").await;
    assert_eq!(rig.texts("1").await, ["received echo hello"]);
    let poll = json!({ "conversations": [{ "identity": "1" }] });
    let (_, news) = rig.call("poll", &poll).await;
    let cursor = &news["conversations"][0]["cursor"];
    // However long it takes, a page that waits is told what came of it.
    for _ in 0..600 {
        rig.clock.advance(Duration::from_secs(1));
    }
    rig.work_off().await;
    assert_eq!(rig.texts("1").await, ["handled echo hello", "sent hello"]);
    let (_, news) =
        rig.call("poll", &json!({ "conversations": [{ "identity": "1", "cursor": cursor }] })).await;
    assert_eq!(news["conversations"][0]["rows"][0]["state"], "handled", "{news}");
}

#[tokio::test]
async fn a_message_that_is_sent_again_is_no_second_one() {
    let rig = Rig::open();
    let message = json!({ "messages": [{ "identity": "1", "text": "echo one", "id": "x" }] });
    let (_, first) = rig.call("send", &message).await;
    let (_, again) = rig.call("send", &message).await;
    assert_eq!(first["ids"], again["ids"]);
    assert_eq!(rig.texts("1").await.iter().filter(|text| *text == "sent one").count(), 1);
    for _ in 0..2 {
        assert_eq!(
            rig.post("/httptester/t/", &[("content-type", FORM)], "identity=1&text=echo+two").await.status(),
            200
        );
    }
    assert_eq!(
        rig.texts("1").await.iter().filter(|text| *text == "sent two").count(),
        2,
        "without an id it is"
    );
}

#[tokio::test]
async fn scripts_are_answered_ok_or_told_what_is_wrong() {
    let rig = Rig::open();
    let form = [("content-type", FORM)];
    let answer = rig.post("/httptester/t/", &form, "identity=%2B251&text=echo+100%25").await;
    assert_eq!((answer.status().as_u16(), body(&answer)), (200, "OK"));
    assert_eq!(rig.texts("+251").await, ["handled echo 100%", "sent 100%"]);
    let table = [
        ("identity=&text=a", 400, "identity: an identity cannot be empty\n"),
        ("identity=1", 400, "text: is missing\n"),
        ("", 400, "identity: is missing\ntext: is missing\n"),
    ];
    for (sent, status, words) in table {
        let answer = rig.post("/httptester/t/", &form, sent).await;
        assert_eq!((answer.status().as_u16(), body(&answer)), (status, words), "{sent}");
    }
    let large = format!("identity=1&text={}", "x".repeat(crate::endpoint::MAX_BODY));
    assert_eq!(rig.post("/httptester/t/", &form, &large).await.status(), 413);
    assert_eq!(rig.post("/httptester/t/", &[("content-type", "text/xml")], "<x/>").await.status(), 415);
    assert!(rig.nothing_is_kept().await);
}

#[tokio::test]
async fn calls_that_make_no_sense_leave_nothing_behind() {
    let rig = Rig::open();
    let message = |identity: &str, text: &str| json!({ "identity": identity, "text": text });
    let many = vec![message("1", "x"); 51];
    let followed = vec![json!({ "identity": "1" }); 61];
    let table = [
        ("send", json!({})),
        ("send", json!({ "messages": [message("1", "good"), message("", "bad")] })),
        ("send", json!({ "messages": [message(&"9".repeat(257), "bad")] })),
        ("send", json!({ "messages": [message("1", &"x".repeat(70_000))] })),
        ("send", json!({ "messages": many })),
        ("poll", json!({ "conversations": followed })),
        ("poll", json!({ "conversations": [{ "identity": "" }] })),
        ("clear", json!([])),
        ("send", json!("text")),
    ];
    for (call, body) in table {
        let (status, answer) = rig.call(call, &body).await;
        assert_eq!(status, 400, "{call}: {answer}");
        assert!(answer["error"].is_string());
    }
    let long = " ".repeat((1 << 20) + 1);
    assert_eq!(rig.post("/httptester/t/send.json", &[], &long).await.status(), 413);
    assert_eq!(
        rig.call("poll", &json!({ "conversations": [{ "identity": "1", "cursor": "nonsense" }] })).await.0,
        200
    );
    assert!(rig.nothing_is_kept().await);
}

#[tokio::test]
async fn where_the_store_fails_the_rest_is_to_be_sent_again() {
    let rig = Rig::open();
    rig.send("1", "warm").await;
    let messages: Vec<Value> = ["echo a", "echo b", "echo c"]
        .iter()
        .map(|text| json!({ "identity": "1", "text": text, "id": text }))
        .collect();
    // Each message takes several calls of the store: in the second one something breaks.
    rig.faults.plan(8, Fault::Error, When::Before);
    let (status, answer) = rig.call("send", &json!({ "messages": messages })).await;
    let taken = usize::try_from(answer["taken"].as_u64().unwrap()).unwrap();
    assert!(status == 503 || taken == 3, "{answer}");
    rig.faults.clear();
    rig.call("send", &json!({ "messages": messages[taken..] })).await;
    let texts = rig.texts("1").await;
    for reply in ["sent a", "sent b", "sent c"] {
        assert_eq!(texts.iter().filter(|text| *text == reply).count(), 1, "{texts:?}");
    }
    rig.faults.plan(1, Fault::Error, When::Before);
    assert_eq!(rig.call("poll", &json!({ "conversations": [{ "identity": "1" }] })).await.0, 503);
    assert_eq!(rig.get("/httptester/t/1/").await.status(), 200, "a page needs no store");
}

#[tokio::test]
async fn the_log_has_all_numbers_and_clearing_all_ends_it() {
    let rig = Rig::open();
    for (identity, text) in [("1", "echo a"), ("2", "nothing"), ("ሰላም", "echo c")] {
        rig.send(identity, text).await;
    }
    let (status, log) = rig.call("log", &json!({})).await;
    assert_eq!(status, 200);
    let said: Vec<String> = log["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["identity"], row["text"]))
        .collect();
    assert_eq!(said.len(), 5);
    assert_eq!((said[2].as_str(), said[4].as_str()), ("\"2\" \"nothing\"", "\"1\" \"echo a\""), "{said:?}");
    assert_eq!(log["more"], false);
    assert_eq!(rig.call("clear", &json!({ "identity": null })).await, (200, json!({ "left": 0 })));
    assert_eq!(rig.call("log", &json!({})).await.1["rows"], json!([]));
}

#[tokio::test]
async fn a_page_of_another_site_writes_nothing() {
    let rig = Rig::open();
    let foreign: [&[(&str, &str)]; 3] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("host", "127.0.0.1:8000"), ("origin", "https://evil.example")],
        &[("host", "127.0.0.1:8000"), ("origin", "null")],
    ];
    for headers in foreign {
        for (target, sent) in [
            ("/httptester/t/", "identity=1&text=echo+hi"),
            ("/httptester/t/send.json", r#"{"messages":[{"identity":"1","text":"hi"}]}"#),
            ("/httptester/t/clear.json", r#"{"identity":null}"#),
            ("/httptester/t/login.html", "password=x"),
        ] {
            let answer = rig.post(target, headers, sent).await;
            assert_eq!(answer.status(), 403, "{target} {headers:?}");
        }
    }
    assert!(rig.nothing_is_kept().await);
}

#[tokio::test]
async fn a_login_is_asked_for_once_and_guards_every_call() {
    let rig = Rig::locked("");
    let page = rig.get("/httptester/t/?identity=50%25").await;
    assert_eq!((page.status().as_u16(), location(&page)), (303, "/httptester/t/login.html?identity=50%25"));
    let form = rig.get("/httptester/t/login.html?identity=50%25").await;
    assert!(form.status() == 200 && body(&form).contains("type=\"password\""));
    assert!(body(&form).contains("value=\"50%\""), "it leads to what was asked for");
    for call in ["poll", "send", "clear", "log"] {
        assert_eq!(rig.call(call, &json!({})).await.0, 401, "{call}");
    }
    let wrong = rig
        .post("/httptester/t/login.html", &[("content-type", FORM)], "password=guess&identity=%3Cb%3E")
        .await;
    assert!(body(&wrong).contains("value=\"&lt;b&gt;\"") && !body(&wrong).contains("<b>"));
    assert!(wrong.status() == 403 && wrong.headers().get("set-cookie").is_none());
    assert!(body(&wrong).contains("That is not the password."));

    let sent = format!("password={}&identity=50%25", PASSWORD.replace(' ', "+"));
    let entered = rig.post("/httptester/t/login.html", &[("content-type", FORM)], &sent).await;
    assert_eq!((entered.status().as_u16(), location(&entered)), (303, "/httptester/t/?identity=50%25"));
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = Request::get("/httptester/t/1/").header("cookie", &cookie).body(Bytes::new()).unwrap();
    let page = rig.ask(page).await;
    let token = body(&page).split("data-token=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(page.status() == 200 && token.len() == 64);

    let one = r#"{"messages":[{"identity":"1","text":"echo hi"}]}"#;
    let without = rig.post("/httptester/t/send.json", &[("cookie", &cookie)], one).await;
    assert_eq!(without.status(), 403, "the cookie alone does not do");
    assert!(rig.history("1").await.is_empty());
    let both = [("cookie", cookie.as_str()), ("x-tester-token", token.as_str())];
    assert_eq!(rig.post("/httptester/t/send.json", &both, one).await.status(), 200);
    assert_eq!(rig.texts("1").await, ["handled echo hi", "sent hi"]);

    let out = rig.post("/httptester/t/logout.html", &[("cookie", &cookie)], "token=x").await;
    assert_eq!(out.status(), 403);
    let out = rig.post("/httptester/t/logout.html", &[("cookie", &cookie)], &format!("token={token}")).await;
    assert!(out.status() == 303 && out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));

    // And by Basic, which needs no cookie: me:correct horse battery
    let basic = [("authorization", "Basic bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5")];
    assert_eq!(rig.post("/httptester/t/send.json", &basic, one).await.status(), 200);
    let foreign = [basic[0], ("sec-fetch-site", "cross-site")];
    assert_eq!(rig.post("/httptester/t/send.json", &foreign, one).await.status(), 403);
    for _ in 0..12 * 3600 {
        rig.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(rig.post("/httptester/t/send.json", &both, one).await.status(), 401, "it has expired");
}

#[tokio::test]
async fn behind_a_login_scripts_need_a_token_of_their_own() {
    let sent = "identity=1&text=echo+hi";
    let rig = Rig::locked("");
    let basic = ("authorization", "Basic bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5");
    for headers in [&[("content-type", FORM)][..], &[("content-type", FORM), basic]] {
        assert_eq!(rig.post("/httptester/t/", headers, sent).await.status(), 403);
    }
    let rig = Rig::locked("token = \"s3cret\"");
    let form = [("content-type", FORM)];
    assert_eq!(rig.post("/httptester/t/", &form, sent).await.status(), 401);
    assert_eq!(rig.post("/httptester/t/", &form, &format!("{sent}&token=x")).await.status(), 403);
    assert_eq!(
        rig.post("/httptester/t/", &[form[0], basic], sent).await.status(),
        403,
        "not that of the login"
    );
    assert!(rig.nothing_is_kept().await);
    assert_eq!(rig.post("/httptester/t/", &form, &format!("{sent}&token=s3cret")).await.status(), 200);
    assert_eq!(rig.post("/httptester/t/?token=s3cret", &form, sent).await.status(), 200);
}

#[tokio::test]
async fn a_deployed_tester_without_a_password_is_off_and_says_so() {
    let keys = "password = { secret = \"P\", local = \"\" }\ntoken = { secret = \"T\", local = \"\" }";
    let rig = Rig::with(keys, &Surroundings::new(Place::Deployed, |_| None));
    for target in ["/httptester/", "/httptester/t/", "/httptester/t/1/", "/httptester/t/login.html"] {
        let answer = rig.get(target).await;
        assert_eq!(answer.status(), 403, "{target}");
        assert!(body(&answer).starts_with("The message tester is off"), "{target}");
    }
    for (target, sent) in [
        ("/httptester/t/", "identity=1&text=echo+hi"),
        ("/httptester/t/send.json", "{}"),
        ("/httptester/t/login.html", "password="),
    ] {
        assert_eq!(rig.post(target, &[("content-type", FORM)], sent).await.status(), 403, "{target}");
    }
    assert!(rig.nothing_is_kept().await);
}
