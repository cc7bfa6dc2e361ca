//! A stack on a set clock: gateways that behave as a script says, a responder, a tick, and the metrics that all of them
//! print.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, header};
use jiff::{SignedDuration, Timestamp};
use threadless::backend::{Engines, Fetched, Transport, TransportError};
use threadless::metrics::emf_lines;
use threadless::project::Settings;
use threadless::queue::{MemoryQueue, Ticket};
use threadless::settings::Surroundings;
use threadless::store::MemoryStore;
use threadless::testing::{FaultKind, Faults, FaultyQueue, FaultyStore, TestClock, When};
use threadless::worker::{Record, respond};
use threadless::{
    App, AppError, Clock as _, Context, Deadline, Handled, Ports, Project, Router, endpoint, tick,
};

use super::alarm::{Alarm, Metrics, STACK, alarms, on};

/// The settings: a backend that handles messages at once, and one that puts them on the queue.
const SETTINGS: &str = r#"
    [project]
    name = "Clinic"
    [backends.now]
    engine = "kannel"
    sendsms_url = "http://127.0.0.1:13013/cgi-bin/sendsms"
    [backends.later]
    engine = "kannel"
    respond = "queue"
    sendsms_url = "http://127.0.0.1:13014/cgi-bin/sendsms"
"#;

/// The behaviour of the gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gateway {
    Accepts,
    /// It accepts the message and its answer is lost.
    LosesAnswers,
    Hangs,
    /// Nothing listens.
    Unreached,
    Answers(u16, &'static str),
}

#[derive(Clone)]
struct Scripted(Arc<Mutex<Gateway>>);

#[async_trait]
impl Transport for Scripted {
    async fn fetch(&self, _: Request<Bytes>, limit: Duration) -> Result<Fetched, TransportError> {
        let gateway = *self.0.lock().unwrap();
        match gateway {
            Gateway::Accepts => Ok(Fetched::new(202, "0: Accepted for delivery")),
            Gateway::LosesAnswers => Err(TransportError::Broken("connection reset".to_owned())),
            Gateway::Unreached => Err(TransportError::Unreached("connection refused".to_owned())),
            Gateway::Answers(status, body) => Ok(Fetched::new(status, body)),
            Gateway::Hangs => {
                let _ = tokio::time::timeout(limit, pending::<()>()).await;
                Err(TransportError::Broken("no answer".to_owned()))
            }
        }
    }
}

/// An app that answers, or fails as the text asks.
struct Moody;

impl App for Moody {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        match cx.text() {
            "error" => return Err("as planned".into()),
            "panic" => panic!("as planned"),
            "hang" => pending::<()>().await,
            _ => {}
        }
        cx.reply("the secret answer");
        Ok(Handled::Yes)
    }
}

/// The stack, and everything that was printed.
pub(crate) struct World {
    project: Arc<Project>,
    queue: Arc<MemoryQueue>,
    clock: TestClock,
    gateway: Scripted,
    pub(crate) faults: Faults,
    alarms: Vec<Alarm>,
    metrics: Metrics,
    /// Every line that was printed.
    pub(crate) lines: String,
    sent: u32,
    /// Whether the responder takes jobs.
    pub(crate) responder: bool,
    /// Whether the tick runs.
    pub(crate) ticking: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        let settings = Settings::read(SETTINGS, &Engines::standard(), &Surroundings::local(&[])).unwrap();
        let clock = TestClock::at("2026-11-28T03:00:00Z".parse().unwrap());
        let (gateway, faults) = (Scripted(Arc::new(Mutex::new(Gateway::Accepts))), Faults::default());
        let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
        let ports = Ports::new(
            Arc::new(FaultyStore::new(MemoryStore::new(), faults.clone())),
            Arc::new(FaultyQueue::new(Arc::clone(&queue), faults.clone())),
            Arc::new(gateway.clone()),
            Arc::new(clock.clone()),
        );
        let router = Router::new().app(Moody);
        let project = Arc::new(Project::new(settings, router, ports));
        let (metrics, alarms, lines) = (Metrics::default(), alarms(), String::new());
        let (responder, ticking, sent) = (true, true, 0);
        Self { project, queue, clock, gateway, faults, alarms, metrics, lines, sent, responder, ticking }
    }

    pub(crate) fn gateway(&self, gateway: Gateway) {
        *self.gateway.0.lock().unwrap() = gateway;
    }

    fn minute(&self) -> i64 {
        self.clock.now().as_second().div_euclid(60)
    }

    /// Prints the figures of an invocation.
    fn print(&mut self) {
        let lines = emf_lines(STACK, &self.project.metrics().take(), self.clock.now());
        for line in lines.lines() {
            self.metrics.read(&serde_json::from_str(line).unwrap());
        }
        self.lines.push_str(&lines);
    }

    /// Delivers a message to a backend, and counts an answer 5xx as an HTTP API does.
    pub(crate) async fn receive(&mut self, backend: &str, text: &str) {
        self.sent += 1;
        let (number, id) = (251_911_000_000 + u64::from(self.sent % 5000), self.sent);
        let uri = format!("/backend/{backend}/?id={number}&text={text}&mid={id}");
        let request = Request::get(uri).header(header::HOST, "localhost").body(Bytes::new()).unwrap();
        let deadline = Deadline::within(Duration::from_secs(27));
        let status = endpoint::serve(&self.project, "kannel", request, deadline).await.status();
        assert!(status.is_success() || status.is_server_error(), "{status}");
        if status.is_server_error() {
            self.metrics.add(("AWS/ApiGateway", "5xx"), ("ApiId", "Api"), self.minute(), 1.0);
        }
        self.print();
    }

    /// Lets a process die in the middle of a send to a gateway that hangs: Lambda froze it, or it ran out of time.
    pub(crate) async fn die_while_sending(&mut self) {
        self.gateway(Gateway::Hangs);
        let received = Box::pin(self.receive("now", "hello"));
        assert!(tokio::time::timeout(Duration::from_secs(1), received).await.is_err());
        self.gateway(Gateway::Accepts);
    }

    /// Works off the queue.
    async fn work_off(&mut self) {
        let mut back = Vec::new();
        while let Some(ticket) = self.queue.take() {
            let Ticket { group, dedupe_id, job, .. } = ticket.clone();
            let sent_at = Some(self.clock.now() - SignedDuration::from_secs(1));
            let (id, group, body) = (dedupe_id, Some(group), job.to_json());
            let record = Record { id, group, body, receive_count: 1, sent_at };
            if !respond(&self.project, vec![record], Deadline::within(Duration::from_secs(28)))
                .await
                .is_empty()
            {
                back.push(ticket);
            }
            self.print();
        }
        for ticket in back {
            self.queue.put_back(ticket);
        }
    }

    /// Lets a minute pass with these messages, spread over it. At the end of it the tick runs. Returns the alarms that are
    /// on after it.
    pub(crate) async fn minute_of(&mut self, messages: &[&str]) -> BTreeSet<String> {
        let start = self.clock.now();
        for (at, text) in messages.iter().enumerate() {
            self.at(start, 1000 + 50_000 * at / messages.len());
            let backend = if at % 2 == 0 { "now" } else { "later" };
            self.receive(backend, text).await;
            if self.responder {
                self.work_off().await;
            }
        }
        self.at(start, 59_000);
        if self.ticking {
            let failed = tick(&self.project).await.is_err();
            let tick = ("FunctionName", "TickFunction");
            self.metrics.add(("AWS/Lambda", "Invocations"), tick, self.minute(), 1.0);
            self.metrics.add(("AWS/Lambda", "Errors"), tick, self.minute(), f64::from(u8::from(failed)));
            self.print();
        }
        if self.responder {
            self.work_off().await;
        }
        self.at(start, 60_000);
        on(&self.alarms, &self.metrics, self.minute())
    }

    fn at(&self, start: Timestamp, milliseconds: usize) {
        self.clock.set(start + SignedDuration::from_millis(i64::try_from(milliseconds).unwrap()));
    }

    /// Makes every call of the store fail from now on.
    pub(crate) fn break_store(&self) {
        for nth in 1..5000 {
            self.faults.plan(nth, FaultKind::Error, When::Before);
        }
    }

    /// Returns the number of metrics with these dimensions.
    pub(crate) fn metrics_of(&self, dimensions: &[(&str, &str)]) -> usize {
        self.metrics.count(dimensions)
    }
}
