//! Requests of providers to an `http` backend, through the endpoint: lists of messages, what is kept, and the answers.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode};
use threadless::backend::{Engines, Fetched, Transport, TransportError};
use threadless::project::Settings;
use threadless::queue::MemoryQueue;
use threadless::settings::Surroundings;
use threadless::store::{History as _, MemoryStore};
use threadless::testing::TestClock;
use threadless::{Clock as _, ConnectionId, Deadline, Ports, Project, Router, apps, endpoint};

/// A transport to a gateway that accepts everything.
struct Yes;

#[async_trait::async_trait]
impl Transport for Yes {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        Ok(Fetched::new(200, ""))
    }
}

struct Rig {
    project: Project,
    store: Arc<MemoryStore>,
    clock: TestClock,
}

impl Rig {
    fn new(table: &str) -> Self {
        let text = format!(
            "[project]\nname = \"T\"\n[backends.h]\nengine = \"http\"\noutgoing_url = \"http://g/\"\n{table}"
        );
        let secrets = [("TOKEN", "s3cret")];
        let settings = Settings::read(&text, &Engines::standard(), &Surroundings::local(&secrets)).unwrap();
        let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::default());
        let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        let ports = Ports::new(store.clone(), queue, Arc::new(Yes), Arc::new(clock.clone()));
        Self { project: Project::new(settings, Router::new().app(apps::Echo), ports), store, clock }
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> (StatusCode, String) {
        let request = Request::post(path).header("content-type", kind);
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let deadline = Deadline::within(Duration::from_secs(29));
        let answer = endpoint::serve(&self.project, "http", request, deadline).await;
        (answer.status(), String::from_utf8(answer.body().to_vec()).unwrap())
    }

    /// Returns the texts of the history of a person, in and out.
    async fn texts(&self, identity: &str) -> Vec<String> {
        let connection = ConnectionId::new("h".parse().unwrap(), identity.parse().unwrap());
        let rows = self.store.history(&connection, self.clock.now(), 100).await.unwrap();
        let mut texts: Vec<String> = rows.into_iter().map(|row| row.text).collect();
        texts.sort();
        texts
    }

    async fn kept(&self) -> Vec<String> {
        let kept = self.store.unusable(&"h".parse().unwrap(), self.clock.now(), 100).await.unwrap();
        kept.into_iter().map(|one| one.raw).collect()
    }
}

const LIST: &str = "incoming_identity = \"results[].from\"\nincoming_text = \"results[].text\"\n\
                    incoming_id = \"results[].id\"\n";

#[tokio::test]
async fn every_element_of_a_list_is_answered_once() {
    let rig = Rig::new(LIST);
    let body = r#"{"results":[{"from":"1","text":"echo a","id":"x"},{"from":"2","text":"echo b","id":"y"}]}"#;
    for _ in 0..2 {
        assert_eq!(rig.post("/http/h/", "application/json", body).await, (StatusCode::OK, "OK".to_owned()));
    }
    assert_eq!(rig.texts("1").await, ["a", "echo a"]);
    assert_eq!(rig.texts("2").await, ["b", "echo b"]);
    assert_eq!(rig.post("/http/h/", "application/json", r#"{"results":[]}"#).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_list_with_a_faulty_element_is_not_acknowledged_in_part() {
    let rig = Rig::new(LIST);
    let body = r#"{"results":[{"from":"1","text":"echo a"},{"from":"2"}]}"#;
    let (status, answer) = rig.post("/http/h/", "application/json", body).await;
    assert_eq!((status, answer.as_str()), (StatusCode::BAD_REQUEST, "results[1].text: is missing\n"));
    assert!(rig.texts("1").await.is_empty());
}

#[tokio::test]
async fn the_unknown_shape_of_an_authenticated_provider_is_kept() {
    let rig = Rig::new("token = { secret = \"TOKEN\" }\nanswer = \"\"\nanswer_status = 204");
    let unknown =
        [("application/json", r#"{"event":"new"}"#), ("text/xml", "<a/>"), ("application/json", "{")];
    for (kind, body) in unknown {
        let answer = rig.post("/http/h/?token=s3cret", kind, body).await;
        assert_eq!(answer, (StatusCode::NO_CONTENT, String::new()), "{body}");
    }
    let kept = rig.kept().await;
    assert_eq!(kept.len(), 3);
    assert!(unknown.iter().all(|(_, body)| kept.iter().any(|raw| raw.contains(body))), "{kept:?}");
    assert!(kept.iter().all(|raw| !raw.contains("s3cret")), "{kept:?}");
    assert_eq!(rig.post("/http/h/", "application/json", "{}").await.0, StatusCode::UNAUTHORIZED);

    let open = Rig::new("");
    assert_eq!(open.post("/http/h/", "application/json", "{}").await.0, StatusCode::BAD_REQUEST);
    assert!(open.kept().await.is_empty(), "a stranger cannot fill the table");
}

#[tokio::test]
async fn the_window_of_a_signature_follows_the_clock_of_the_project() {
    use hmac::Mac as _;
    let rig =
        Rig::new("signature_secret = { secret = \"TOKEN\" }\nsignature_content = \"%(timestamp)s.%(body)s\"");
    let time = rig.clock.now().as_second().to_string();
    let body = r#"{"identity":"1","text":"echo a"}"#;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let request = || {
        let request = Request::post("/http/h/").header("content-type", "application/json");
        let request = request.header("x-timestamp", &time).header("x-signature", &signature);
        request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    };
    let deadline = Deadline::within(Duration::from_secs(29));
    assert_eq!(endpoint::serve(&rig.project, "http", request(), deadline).await.status(), StatusCode::OK);
    rig.clock.advance(Duration::from_secs(301));
    let late = endpoint::serve(&rig.project, "http", request(), deadline).await;
    assert_eq!(late.status(), StatusCode::FORBIDDEN);
}
