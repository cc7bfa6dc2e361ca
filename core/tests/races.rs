//! Other processes at one connection while the phases of a message run, or while its reply is on its way.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use threadless::backend::{Engines, Fetched, Transport, TransportError};
use threadless::project::Settings;
use threadless::queue::{MemoryQueue, Ticket};
use threadless::settings::Surroundings;
use threadless::store::{DueIndex as _, MemoryStore, State};
use threadless::testing::{Behaviour, Bench, Chance, TestClock};
use threadless::worker::{Record, respond};
use threadless::{
    App, AppError, Clock as _, ConnectionId, Context, Deadline, Handled, Incoming, MessageId, Ports, Project,
    Router,
};
use tokio::time::{Instant, sleep};

/// The time that the app needs for a text with `slow`. Phases that run again after it begin late.
const SLOW: Duration = Duration::from_secs(2);

/// An app that answers each message with its number and its text, and records its runs. A text with `name` makes a
/// contact, and a text with `twice` gets two replies.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<Vec<String>>>);

impl Counter {
    fn runs(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl App for Counter {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let text = cx.text().to_owned();
        self.0.lock().unwrap().push(text.clone());
        if text.contains("slow") {
            sleep(SLOW).await;
        }
        if text.contains("name") {
            cx.contact_mut().set_name("Asha");
        }
        let count = cx.session().get::<u32>("count")?.unwrap_or(0) + 1;
        cx.session_mut().set("count", &count)?;
        cx.reply(format!("{count} {text}"));
        if text.contains("twice") {
            cx.reply(format!("{count} {text} again"));
        }
        Ok(Handled::Yes)
    }
}

fn bench() -> (Counter, Bench) {
    let counter = Counter::default();
    (counter.clone(), Bench::new(Router::new().app(counter)))
}

/// Does something in the middle of the next call of an app with `slow`.
async fn meanwhile<T>(work: impl Future<Output = T>) -> T {
    sleep(SLOW / 2).await;
    work.await
}

#[tokio::test(start_paused = true)]
async fn a_message_that_lost_a_race_runs_its_phases_on_the_new_state() {
    let (counter, bench) = bench();
    let (slow, quick) = tokio::join!(
        bench.receive("1", "slow", Some("a")),
        meanwhile(bench.receive("1", "quick", Some("b")))
    );
    slow.unwrap();
    quick.unwrap();
    assert_eq!(bench.gateway.texts(), ["1 quick", "2 slow"]);
    assert_eq!(counter.runs(), ["slow", "quick", "slow"]);
    assert_eq!(bench.session("1").await.get("count").unwrap(), Some(2));
}

/// The sweep sends an earlier reply while the app runs, so that only the outbox changes.
#[tokio::test(start_paused = true)]
async fn phases_run_again_after_a_change_of_the_outbox_only_if_they_change_a_contact() {
    for (text, runs) in
        [("slow", vec!["zero", "slow"]), ("slow name", vec!["zero", "slow name", "slow name"])]
    {
        let (counter, bench) = bench();
        bench.gateway.next([Behaviour::Defer]);
        bench.receive("1", "zero", None).await.unwrap();
        bench.clock.advance(Duration::from_secs(60));
        let (slow, ()) = tokio::join!(bench.receive("1", text, Some("a")), meanwhile(bench.tick()));
        slow.unwrap();
        assert_eq!(bench.gateway.texts(), ["1 zero".to_owned(), format!("2 {text}")]);
        assert_eq!(counter.runs(), runs);
        let name = bench.contact("1").await.map(|contact| contact.name().to_owned());
        assert_eq!(name.as_deref(), text.contains("name").then_some("Asha"));
    }
}

/// The time-out of the bench's gateway is 10 s, and the lease lasts 15 s longer.
#[tokio::test(start_paused = true)]
async fn a_lease_covers_a_whole_send_and_fifteen_seconds_more() {
    let (_, bench) = bench();
    bench.gateway.next([Behaviour::TakeAndHang]);
    let others = async {
        sleep(Duration::from_millis(100)).await;
        bench.clock.advance(Duration::from_millis(24_999));
        bench.receive("1", "two", None).await.unwrap();
        bench.tick().await;
        assert_eq!(bench.gateway.texts(), ["1 one"], "the first process may still be sending");
        bench.clock.advance(Duration::from_millis(1));
        bench.receive("1", "three", None).await.unwrap();
        assert_eq!(bench.gateway.texts(), ["1 one", "1 one", "2 two", "3 three"]);
    };
    // The first process dies before the gateway answers it, so the other one alone can know the doubt.
    let first = tokio::time::timeout(Duration::from_secs(1), bench.receive("1", "one", None));
    let (died, ()) = tokio::join!(first, others);
    assert!(died.is_err());
    let rows = bench.history("1").await;
    let row = rows.iter().find(|row| row.text == "1 one").unwrap();
    assert_eq!((row.state, row.uncertain), (State::Sent, 1));
    assert!(bench.outbox("1").await.is_empty());
}

/// The first process hangs in its send for so long that another one takes over. Then it goes on.
#[tokio::test(start_paused = true)]
async fn a_holder_that_lost_its_lease_sends_nothing_more() {
    let bench = Bench::with(Router::new().app(Counter::default())).queued().build();
    bench.gateway.next([Behaviour::TakeAndHang]);
    bench.receive("1", "twice", None).await.unwrap();
    let other = async {
        sleep(Duration::from_millis(100)).await;
        bench.clock.advance(Duration::from_secs(60));
        bench.tick().await;
    };
    let begun = Instant::now();
    tokio::join!(bench.work_off(), other);
    assert!(begun.elapsed() >= Duration::from_secs(10), "the first process had its answer");
    assert_eq!(bench.gateway.texts(), ["1 twice", "1 twice", "1 twice again"]);
}

/// An app during whose first runs another message of the same sender is committed.
#[derive(Clone, Default)]
struct Loser {
    bench: Arc<OnceLock<Arc<Bench>>>,
    runs: Arc<Mutex<Vec<Instant>>>,
}

impl App for Loser {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        if cx.text() == "loser" {
            let runs = {
                let mut runs = self.runs.lock().unwrap();
                runs.push(Instant::now());
                runs.len()
            };
            if runs <= 7 {
                self.bench.get().unwrap().receive("1", "winner", None).await?;
            }
        }
        Ok(Handled::Yes)
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_loses_again_and_again_waits_longer_each_time() {
    let mut next = 0;
    // Each random span is as long as it may be.
    let _chance = Chance::from_source(move || {
        next += 1;
        (0xFFFF << 80) | next
    });
    let loser = Loser::default();
    let bench = Arc::new(Bench::new(Router::new().app(loser.clone())));
    assert!(loser.bench.set(Arc::clone(&bench)).is_ok());
    bench.receive("1", "loser", None).await.unwrap();
    let runs = loser.runs.lock().unwrap().clone();
    let waits: Vec<u128> = runs.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert_eq!(waits, [20, 40, 80, 160, 320, 320, 320]);
}

/// A network on which each gateway takes its time and then accepts. Each request records how many outboxes another
/// process may take at its end.
struct SlowNetwork {
    clock: TestClock,
    store: Arc<MemoryStore>,
    takes: Mutex<Vec<u64>>,
    due: Mutex<Vec<usize>>,
}

#[async_trait]
impl Transport for SlowNetwork {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        let seconds = self.takes.lock().unwrap().remove(0);
        self.clock.advance(Duration::from_secs(seconds));
        let due = self.store.due(self.clock.now(), 10).await.unwrap().len();
        self.due.lock().unwrap().push(due);
        Ok(Fetched::new(202, "0: Accepted for delivery"))
    }
}

/// An app that answers with three replies.
struct Three;

impl App for Three {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        for text in ["one", "two", "three"] {
            cx.reply(text);
        }
        Ok(Handled::Yes)
    }
}

/// The lease of the commit lasts 25 s. Each send ends within its time-out of 10 s, and all of them within 27 s.
#[tokio::test(start_paused = true)]
async fn a_holder_that_sends_for_longer_than_a_lease_keeps_it() {
    let text = "[project]\nname = \"T\"\n[backends.k]\nengine = \"kannel\"\ntimeout_seconds = 10\n\
        sendsms_url = \"http://127.0.0.1:1/\"";
    let settings = Settings::read(text, &Engines::standard(), &Surroundings::local(&[])).unwrap();
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::default());
    let network = Arc::new(SlowNetwork {
        clock: clock.clone(),
        store: Arc::clone(&store),
        takes: Mutex::new(vec![9, 8, 9]),
        due: Mutex::default(),
    });
    let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
    let ports =
        Ports::new(Arc::clone(&store) as _, queue, Arc::clone(&network) as _, Arc::new(clock.clone()));
    let project = Arc::new(Project::new(settings, Router::new().app(Three), ports));
    let connection = ConnectionId::new("k".parse().unwrap(), "701".parse().unwrap());
    let message = Incoming::new(MessageId::from("m"), connection, "hello", clock.now());
    let ticket = Ticket::incoming(message);
    let (id, body) = ("m".to_owned(), ticket.job.to_json());
    let record = Record { id, group: Some(ticket.group), body, receive_count: 1, sent_at: None };
    assert_eq!(respond(&project, vec![record], Deadline::within(Duration::from_secs(28))).await, []);
    assert_eq!(*network.due.lock().unwrap(), [0, 0, 0]);
    assert_eq!(store.unfinished(), Vec::<String>::new());
}
