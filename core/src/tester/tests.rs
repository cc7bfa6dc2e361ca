//! Tests of the tester as a browser and a script see it, with a store in memory.

mod calls;
mod guards;
mod guesses;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::serve;
use crate::apps::Echo;
use crate::backend::{Engines, Fetched, Transport, TransportError};
use crate::model::message::{BackendName, ConnectionId};
use crate::project::{Ports, Project, Settings};
use crate::queue::{MemoryQueue, Queue};
use crate::router::Router;
use crate::settings::Surroundings;
use crate::store::{HistoryRow, MemoryStore, Store};
use crate::testing::{Faults, FaultyStore, TestClock};
use crate::util::clock::Deadline;
use crate::worker::{Record, respond};

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
    /// Makes a tester `t` with additional keys in its table and with these surroundings.
    fn with(keys: &str, surroundings: &Surroundings<'_>) -> Self {
        let text = format!("[project]\nname = \"<T>\"\n[backends.t]\nengine = \"httptester\"\n{keys}\n");
        let settings = Settings::read(&text, &Engines::standard(), surroundings).unwrap();
        let (faults, clock) = (Faults::default(), TestClock::default());
        let store: Arc<dyn Store> = Arc::new(FaultyStore::new(MemoryStore::new(), faults.clone()));
        let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        let ports = Ports {
            store: Arc::clone(&store),
            queue: Arc::clone(&queue) as Arc<dyn Queue>,
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

    async fn history(&self, identity: &str) -> Vec<HistoryRow> {
        let connection = ConnectionId::new("t".parse().unwrap(), identity.parse().unwrap());
        let now = crate::util::clock::Clock::now(&self.clock);
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
                sent_at: None,
            };
            assert_eq!(respond(&self.project, vec![record], deadline()).await, []);
        }
    }

    /// Returns whether nothing is stored for the number 1.
    async fn nothing_is_kept(&self) -> bool {
        let now = crate::util::clock::Clock::now(&self.clock);
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
