//! A message that comes again days later has no second effect. Examples are a dead letter that is redriven on the
//! thirteenth day, and a Kannel that repeats after 25 hours. This holds for few and for many messages in between, in
//! memory and in DynamoDB.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tests::dynamodb::DynamoDb;
use tests::recorder::{Recorder, Reply};
use threadless::backend::{Engines, HttpTransport};
use threadless::project::Settings;
use threadless::queue::MemoryQueue;
use threadless::queue::{Job, Ticket};
use threadless::settings::Surroundings;
use threadless::store::{MemoryStore, Store};
use threadless::testing::{FaultKind, Faults, FaultyStore, TestClock, When};
use threadless::worker::{Record, respond};
use threadless::{
    App, AppError, Clock as _, ConnectionId, Context, Deadline, Handled, Incoming, MessageId, Ports, Project,
    Router, endpoint,
};

const DAY: Duration = Duration::from_secs(86_400);

/// An app that counts the messages, and answers each with its number and its text.
struct Counter;

impl App for Counter {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let count = cx.session().get::<u32>("count")?.unwrap_or(0) + 1;
        cx.session_mut().set("count", &count)?;
        let text = format!("{count} {}", cx.text());
        cx.reply(text);
        Ok(Handled::Yes)
    }
}

struct World {
    project: Arc<Project>,
    store: Arc<dyn Store>,
    clock: TestClock,
    faults: Faults,
    gateway: Recorder,
}

async fn world<S: Store + 'static>(store: S) -> World {
    let gateway = Recorder::start().await.unwrap();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let settings = format!(
        "[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\nreplies_per_hour = 1000\nsendsms_url = \"{}\"",
        gateway.url("/cgi-bin/sendsms")
    );
    let settings = Settings::read(&settings, &Engines::standard(), &Surroundings::local(&[])).unwrap();
    let (clock, faults) = (TestClock::default(), Faults::default());
    let store: Arc<dyn Store> = Arc::new(FaultyStore::new(store, faults.clone()));
    let ports = Ports::new(
        Arc::clone(&store),
        Arc::new(MemoryQueue::new(Arc::new(clock.clone()))),
        Arc::new(HttpTransport::new()),
        Arc::new(clock.clone()),
    );
    let project = Arc::new(Project::new(settings, Router::new().app(Counter), ports));
    World { project, store, clock, faults, gateway }
}

fn sender() -> ConnectionId {
    ConnectionId::new("k".parse().unwrap(), "1112223333".parse().unwrap())
}

impl World {
    fn job(&self, text: &str) -> Record {
        let message = Incoming::new(
            MessageId::of_gateway(&sender(), text),
            sender(),
            text.to_owned(),
            self.clock.now(),
        );
        let body = Ticket::incoming(message).job.to_json();
        Record { id: text.to_owned(), group: None, body, receive_count: 1, sent_at: None }
    }

    /// Hands out a job, and returns whether it was done.
    async fn hand_out(&self, job: &Record) -> bool {
        let deadline = Deadline::within(Duration::from_secs(60));
        respond(&self.project, vec![job.clone()], deadline).await.is_empty()
    }

    /// Posts a message as Kannel does, and returns whether it was answered 200.
    async fn kannel(&self, text: &str) -> bool {
        let url = format!("http://localhost/backend/k/?id=1112223333&text={text}&mid=kannel-{text}");
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        let deadline = Deadline::within(Duration::from_secs(60));
        endpoint::serve(&self.project, "kannel", request, deadline).await.status() == 200
    }

    async fn count(&self) -> u32 {
        let loaded = self.store.load(&sender(), &MessageId::from("x"), self.clock.now()).await.unwrap();
        loaded.record.session.get("count").unwrap().unwrap()
    }

    /// Returns how often a reply to this text was sent.
    fn answers(&self, text: &str) -> usize {
        let wanted = format!(" {text}");
        let sent = |request: &tests::recorder::Recorded| request.text("text").unwrap().ends_with(&wanted);
        self.gateway.requests().iter().filter(|request| sent(request)).count()
    }
}

/// The number of messages that come in between, and the time between them.
const BETWEEN: [(u32, Duration); 4] = [
    (0, DAY),
    (3, Duration::from_secs(4 * 86_400)),
    (60, Duration::from_secs(18_000)),
    (60, Duration::from_secs(2)),
];

/// The job is committed, its answer is lost, and everything fails until the job is a dead letter.
async fn a_dead_letter_has_one_effect(store: impl Store + 'static, between: (u32, Duration)) {
    let world = world(store).await;
    assert!(world.hand_out(&world.job("first")).await);
    let (dead, began) = (world.job("dead"), world.clock.now());
    world.faults.plan(2, FaultKind::Error, When::After);
    assert!(!world.hand_out(&dead).await, "the answer to the commit is lost");
    assert_eq!(world.count().await, 2, "and yet it is committed");
    for _ in 0..9 {
        world.faults.plan(1, FaultKind::Error, When::Before);
        assert!(!world.hand_out(&dead).await, "the store is away");
    }
    world.clock.advance(Duration::from_secs(300));
    let body = Job::Deliver { connection: sender() }.to_json();
    let sweep = Record { id: "sweep".to_owned(), group: None, body, receive_count: 1, sent_at: None };
    assert!(world.hand_out(&sweep).await);
    let (count, gap) = between;
    for nth in 0..count {
        world.clock.advance(gap);
        assert!(world.hand_out(&world.job(&format!("between{nth}"))).await, "{nth}");
    }
    world.clock.set(began + jiff::SignedDuration::from_hours(13 * 24));
    assert!(world.hand_out(&dead).await, "redriven");
    assert_eq!((world.count().await, world.answers("dead")), (2 + count, 1), "{between:?}");
}

async fn a_kannel_that_repeats_has_one_effect(store: impl Store + 'static, messages: u32) {
    let world = world(store).await;
    assert!(world.kannel("again").await);
    for nth in 0..messages {
        world.clock.advance(Duration::from_secs(25 * 3600) / (messages + 1));
        assert!(world.kannel(&format!("between{nth}")).await);
    }
    world.clock.advance(Duration::from_secs(25 * 3600) / (messages + 1) + Duration::from_secs(1));
    assert!(world.kannel("again").await);
    assert_eq!((world.count().await, world.answers("again")), (1 + messages, 1), "{messages}");
}

#[tokio::test]
async fn a_dead_letter_that_is_redriven_has_one_effect_in_memory() {
    for between in BETWEEN {
        a_dead_letter_has_one_effect(MemoryStore::new(), between).await;
    }
}

#[tokio::test]
async fn a_dead_letter_that_is_redriven_has_one_effect_in_dynamodb() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for (nth, between) in BETWEEN.into_iter().enumerate() {
        let store = dynamodb.store(&format!("dead{nth}")).await.unwrap();
        a_dead_letter_has_one_effect(store, between).await;
    }
}

#[tokio::test]
async fn a_kannel_that_repeats_after_25_hours_has_one_effect() {
    let dynamodb = DynamoDb::start().await.unwrap();
    for messages in [0, 5, 40, 90] {
        a_kannel_that_repeats_has_one_effect(MemoryStore::new(), messages).await;
        let store = dynamodb.store(&format!("kannel{messages}")).await.unwrap();
        a_kannel_that_repeats_has_one_effect(store, messages).await;
    }
}
