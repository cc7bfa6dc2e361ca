//! How long a thousand exchanges of a transcript take: on the bench, inline and queued, beside the phases alone and
//! beside nothing but the tasks that phases run in.
//!
//! ```sh
//! cargo bench -p threadless --features testing --bench transcripts
//! cargo bench --profile dev -p threadless --features testing --bench transcripts    # as tests are built
//! ```

// A benchmark may fail like a test.
#![allow(clippy::unwrap_used)]

mod beside;

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use threadless::testing::{Bench, TestClock, Transcript};
use threadless::{About, Clock as _, ConnectionId, Deadline, Incoming, MessageId, Router, Session, apps};
use tokio::runtime::Builder;

/// As many as one would ever write.
const EXCHANGES: usize = 1000;

fn router() -> Router {
    Router::new().app(apps::Ping).app(apps::Echo).app(apps::DefaultReply)
}

/// Ten people, in turn.
fn number(exchange: usize) -> String {
    format!("111222333{}", exchange % 10)
}

fn transcript() -> Transcript {
    let exchange = |at| format!("{number} > echo hello {at}\n{number} < hello {at}", number = number(at));
    (0..EXCHANGES).map(exchange).collect::<Vec<_>>().join("\n").parse().unwrap()
}

fn incoming(at: usize) -> Arc<Incoming> {
    Arc::new(Incoming::new(
        MessageId::random(),
        ConnectionId::new("bench".parse().unwrap(), number(at).parse().unwrap()),
        format!("echo hello {at}"),
        TestClock::default().now(),
    ))
}

/// All messages through the phases: nothing is stored or sent.
async fn phases(router: &Router) {
    let about = Arc::new(About { name: "Bench".to_owned(), ..About::default() });
    let now = TestClock::default().now();
    for at in 0..EXCHANGES {
        let deadline = Deadline::within(Duration::from_secs(29));
        let outcome = router.run(incoming(at), Session::default(), Arc::clone(&about), now, deadline).await;
        assert_eq!(outcome.replies.len(), 1);
    }
}

/// What it would cost to give each phase of each app a task with a time limit. Echo comes second: two apps have
/// filter, parse, handle, three have cleanup and outgoing.
async fn tasks() {
    for _ in 0..EXCHANGES * 14 {
        tokio::time::timeout(Duration::from_secs(5), tokio::spawn(async {})).await.unwrap().unwrap();
    }
}

fn main() {
    let mut criterion = beside::criterion().sample_size(10);
    measure(&mut criterion);
    criterion.final_summary();
    beside::report(&[
        ("thousand_exchanges/inline", "thousand_exchanges/phases_alone"),
        ("thousand_exchanges/queued", "thousand_exchanges/inline"),
        ("thousand_exchanges/phases_alone", "thousand_exchanges/tasks_alone"),
        ("thousand_exchanges/phases_apart", "thousand_exchanges/tasks_apart"),
    ]);
}

fn measure(criterion: &mut Criterion) {
    // As `#[tokio::test]` has it.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let transcript = transcript();
    let mut group = criterion.benchmark_group("thousand_exchanges");
    let mut play = |name: &str, build: fn() -> Bench| {
        group.bench_function(name, |bencher| {
            let run = |bench: Bench| {
                let transcript = &transcript;
                async move { bench.play(transcript).await.unwrap() }
            };
            bencher.to_async(&runtime).iter_batched(build, run, BatchSize::PerIteration);
        });
    };
    play("inline", || Bench::new(router()));
    play("queued", || Bench::with(router()).queued().build());
    let router = router();
    group.bench_function("phases_alone", |bencher| bencher.to_async(&runtime).iter(|| phases(&router)));
    group.bench_function("tasks_alone", |bencher| bencher.to_async(&runtime).iter(tasks));
    // As a function has it: the apps have threads of their own.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    group.bench_function("phases_apart", |bencher| bencher.to_async(&runtime).iter(|| phases(&router)));
    group.bench_function("tasks_apart", |bencher| bencher.to_async(&runtime).iter(tasks));
    group.finish();
}
