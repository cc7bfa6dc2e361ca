//! Apps that block their thread. The router gives them up at their limit, and nothing else waits for them.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use threadless::queue::{Job, Ticket};
use threadless::testing::Bench;
use threadless::worker::{Record, respond};
use threadless::{
    App, AppError, Context, Deadline, Filter, FinalStatus, Handled, Incoming, JobContext, MessageId,
    Outbound, Reply, Report, Router, Schedule,
};

/// A door at which threads wait. It opens when it is dropped, so that no thread outlives its test.
#[derive(Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn waiting(&self) -> impl Fn() + Send + Sync + 'static {
        let door = Arc::clone(&self.0);
        move || {
            let (open, opened) = &*door;
            let mut open = open.lock().unwrap();
            while !*open {
                open = opened.wait(open).unwrap();
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// An app that blocks its thread in one phase, for messages that contain `block`, and counts its calls.
struct Blocks<F> {
    phase: &'static str,
    block: F,
    calls: Arc<AtomicUsize>,
}

impl<F: Fn() + Send + Sync + 'static> Blocks<F> {
    fn new(phase: &'static str, block: F) -> Self {
        Self { phase, block, calls: Arc::default() }
    }

    fn enter(&self, phase: &str, text: &str) {
        if self.phase == phase && (phase == "report" || text.contains("block")) {
            self.calls.fetch_add(1, Ordering::SeqCst);
            (self.block)();
        }
    }
}

impl<F: Fn() + Send + Sync + 'static> App for Blocks<F> {
    async fn filter(&self, cx: &mut Context) -> Result<Filter, AppError> {
        self.enter("filter", cx.text());
        Ok(Filter::Continue)
    }
    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("parse", cx.text());
        Ok(())
    }
    // The app blocks before it even returns a future.
    fn handle(&self, cx: &mut Context) -> impl Future<Output = Result<Handled, AppError>> + Send {
        self.enter("handle", cx.text());
        std::future::ready(Ok(Handled::No))
    }
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("fallback", cx.text());
        Ok(Handled::No)
    }
    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        tokio::task::yield_now().await;
        self.enter("cleanup", cx.text());
        Ok(())
    }
    async fn outgoing(&self, cx: &Context, _: &mut Reply) -> Result<Outbound, AppError> {
        self.enter("outgoing", cx.text());
        Ok(Outbound::Send)
    }
    async fn report(&self, cx: &mut Context, _: &Report) -> Result<(), AppError> {
        self.enter("report", cx.text());
        Ok(())
    }
}

/// An app that answers with the text, after a short wait on a timer.
struct Answers;

impl App for Answers {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        // Apps can use tokio's timers as usual.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let text = cx.text().to_owned();
        let text = tokio::spawn(async move { tokio::task::spawn_blocking(move || text).await }).await??;
        cx.reply(text);
        Ok(Handled::Yes)
    }
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.handle(cx).await
    }
    async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
        let final_status = report.final_status.as_str();
        cx.session_mut().set("report", &final_status)?;
        Ok(())
    }
}

const LIMIT: Duration = Duration::from_millis(200);

fn record(bench: &Bench, id: &str, text: &str) -> Record {
    let message = Incoming::new(
        MessageId::from(id),
        bench.connection(id),
        text.to_owned(),
        threadless::Clock::now(&bench.clock),
    );
    let ticket = Ticket::incoming(message);
    Record {
        id: id.to_owned(),
        group: Some(ticket.group),
        body: ticket.job.to_json(),
        receive_count: 1,
        sent_at: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_blocked_threads_in_a_batch_of_six_cost_the_other_four_nothing() {
    for phase in ["filter", "parse", "handle", "cleanup", "outgoing"] {
        let door = Door::default();
        let router = Router::new().app(Blocks::new(phase, door.waiting())).app(Answers);
        let bench = Bench::with(router).phase_timeout(LIMIT).build();
        let texts = ["one", "two block", "three", "four", "five block", "six"];
        let records = texts.iter().map(|text| record(&bench, &text[..1].repeat(text.len()), text)).collect();
        let failures = respond(&bench.project, records, Deadline::within(Duration::from_secs(28))).await;
        assert_eq!(failures, [], "{phase}");
        let mut sent = bench.gateway.texts();
        sent.sort();
        assert_eq!(sent, ["five block", "four", "one", "six", "three", "two block"], "{phase}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn on_a_single_worker_a_blocked_thread_is_given_up_in_each_phase_and_inline() {
    for phase in ["filter", "parse", "handle", "fallback", "cleanup", "outgoing"] {
        let door = Door::default();
        // In `fallback` the app that answers comes behind.
        let router = Router::new().app(Blocks::new(phase, door.waiting())).app(Answers);
        let bench = Bench::with(router).phase_timeout(LIMIT).build();
        bench.receive("1", "block", None).await.unwrap();
        assert_eq!(bench.gateway.texts(), ["block"], "{phase}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_and_a_job_that_block_their_thread_are_given_up() {
    struct Stuck<F>(F);
    impl<F: Fn() + Clone + Send + Sync + 'static> App for Stuck<F> {
        fn jobs(&self) -> Vec<Schedule> {
            let block = self.0.clone();
            vec![Schedule::every("job", "1m", move |_: JobContext| {
                let block = block.clone();
                async move {
                    block();
                    Ok(())
                }
            })]
        }
    }
    let door = Door::default();
    let block = Arc::new(door.waiting());
    let block = move || block();
    let router = Router::new().app(Blocks::new("report", block.clone())).app(Answers).app(Stuck(block));
    let bench = Bench::with(router).phase_timeout(LIMIT).build();
    bench.receive("1", "x", None).await.unwrap();
    bench.report(&bench.gateway.taken().remove(0), Some(FinalStatus::Delivered)).await.unwrap();
    assert_eq!(bench.work_off().await, []);
    assert_eq!(bench.session("1").await.get::<String>("report").unwrap().as_deref(), Some("delivered"));

    // The job has the time of the function `responder`, less the time that its commit needs.
    let due = threadless::Clock::now(&bench.clock);
    let body = Job::Scheduled { name: "Stuck.job".to_owned(), due }.to_json();
    let job = Record { id: "job".to_owned(), group: None, body, receive_count: 1, sent_at: None };
    let records = vec![job, record(&bench, "2", "y")];
    let failures = respond(&bench.project, records, Deadline::within(Duration::from_millis(6_500))).await;
    assert_eq!(failures.iter().map(|failure| failure.id.as_str()).collect::<Vec<_>>(), ["job"]);
    assert_eq!(bench.gateway.texts(), ["x", "y"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_spins_is_given_up_too() {
    let stop = Arc::new(AtomicBool::new(false));
    let spins = {
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(Ordering::SeqCst) {
                std::hint::spin_loop();
            }
        }
    };
    let bench =
        Bench::with(Router::new().app(Blocks::new("parse", spins)).app(Answers)).phase_timeout(LIMIT).build();
    bench.receive("1", "block", None).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    assert_eq!(bench.gateway.texts(), ["block"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_blocks_too_many_threads_is_not_called_until_one_is_free() {
    let door = Door::default();
    let blocks = Blocks::new("parse", door.waiting());
    let calls = Arc::clone(&blocks.calls);
    let bench =
        Bench::with(Router::new().app(blocks).app(Answers)).phase_timeout(Duration::from_millis(20)).build();
    for nth in 0..Router::MAX_BLOCKED + 3 {
        bench.receive("1", &format!("block {nth}"), None).await.unwrap();
    }
    // The messages are answered all the same, and the app is skipped.
    assert_eq!(bench.gateway.taken().len(), Router::MAX_BLOCKED + 3);
    assert_eq!(calls.load(Ordering::SeqCst), Router::MAX_BLOCKED);
    drop(door);
    let mut tries = 0;
    while calls.load(Ordering::SeqCst) == Router::MAX_BLOCKED {
        tries += 1;
        assert!(tries < 600, "the app is never called again");
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.receive("1", "block again", None).await.unwrap();
    }
}

/// An app that replies, blocks, and replies again when it is too late.
struct SaysMore(Door);

impl App for SaysMore {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        cx.reply("in time");
        cx.session_mut().set("changed", &true)?;
        (self.0.waiting())();
        cx.reply("too late");
        Ok(Handled::Yes)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_blocked_thread_does_later_does_not_count() {
    let door = Door::default();
    let app = SaysMore(Door(Arc::clone(&door.0)));
    let bench = Bench::with(Router::new().app(app).app(Answers)).phase_timeout(LIMIT).build();
    bench.receive("1", "x", None).await.unwrap();
    drop(door);
    tokio::time::sleep(Duration::from_millis(50)).await;
    bench.receive("2", "y", None).await.unwrap();
    assert_eq!(bench.gateway.texts()[0], "in time");
    assert!(bench.session("1").await.is_empty());
    assert!(!bench.gateway.texts()[..1].contains(&"too late".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_on_for_a_message_that_was_given_up() {
    let door = Door::default();
    let (first, second) = (Blocks::new("parse", door.waiting()), Blocks::new("cleanup", || ()));
    let (calls, later) = (Arc::clone(&first.calls), Arc::clone(&second.calls));
    let bench = Bench::new(Router::new().app(first).app(second).app(Answers));
    // The invocation ends before the app has used its five seconds.
    let invocation = bench.receive("1", "block", None);
    assert!(tokio::time::timeout(LIMIT, invocation).await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    drop(door);
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(later.load(Ordering::SeqCst), 0, "a later phase was called");
    }
    bench.receive("1", "block", None).await.unwrap();
    assert_eq!((later.load(Ordering::SeqCst), bench.gateway.texts()), (1, vec!["block".to_owned()]));
}
