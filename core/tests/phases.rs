//! The phases and their meaning, one sentence for each test.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use threadless::Accepted;
use threadless::apps::{DefaultReply, Echo, Ping, Said, keyword};
use threadless::testing::Bench;
use threadless::{App, AppError, Context, Disposition, Filter, Handled, Handling, Outbound, Reply, Router};

/// The list in which the apps of a test record their calls.
type Trace = Arc<Mutex<Vec<String>>>;

/// The actions of an app in one phase, in addition to its record.
#[derive(Clone, Copy, Default)]
struct Acts {
    filter: Filter,
    handle: Handled,
    fallback: Handled,
    reply_in: &'static str,
    cancel: &'static str,
}

struct Traced {
    name: &'static str,
    trace: Trace,
    acts: Acts,
}

impl Traced {
    fn enter(&self, phase: &str, cx: &mut Context) {
        self.trace.lock().unwrap().push(format!("{}.{phase}", self.name));
        if self.acts.reply_in == phase {
            cx.reply(format!("{} in {phase}", self.name));
        }
    }
}

impl App for Traced {
    fn name(&self) -> &str {
        self.name
    }
    async fn filter(&self, cx: &mut Context) -> Result<Filter, AppError> {
        self.enter("filter", cx);
        Ok(self.acts.filter)
    }
    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("parse", cx);
        Ok(())
    }
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("handle", cx);
        Ok(self.acts.handle)
    }
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("fallback", cx);
        Ok(self.acts.fallback)
    }
    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("cleanup", cx);
        Ok(())
    }
    async fn outgoing(&self, _cx: &Context, reply: &mut Reply) -> Result<Outbound, AppError> {
        self.trace.lock().unwrap().push(format!("{}.outgoing", self.name));
        reply.text.extend([" +", self.name]);
        Ok(if !self.acts.cancel.is_empty() && reply.text.contains(self.acts.cancel) {
            Outbound::Cancel
        } else {
            Outbound::Send
        })
    }
}

/// Runs one message through the apps `a`, `b` … Returns the calls, the sent texts, and the disposition.
async fn run(acts: &[Acts]) -> (Vec<String>, Vec<String>, Disposition) {
    let trace = Trace::default();
    let names = ["a", "b", "c"];
    let router = acts.iter().zip(names).fold(Router::new(), |router, (acts, name)| {
        router.app(Traced { name, trace: Arc::clone(&trace), acts: *acts })
    });
    let bench = Bench::new(router);
    let accepted = bench.receive("1", "x", None).await.unwrap();
    let Accepted::Handled(_, Handling::Done { disposition, .. }) = accepted else { panic!("{accepted:?}") };
    let trace = trace.lock().unwrap().clone();
    (trace, bench.gateway.texts(), disposition)
}

fn calls(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

const NOTHING: Acts =
    Acts { filter: Filter::Continue, handle: Handled::No, fallback: Handled::No, reply_in: "", cancel: "" };

#[tokio::test]
async fn phases_run_in_order_through_all_apps() {
    let (trace, sent, disposition) = run(&[NOTHING, NOTHING]).await;
    let expected =
        "a.filter b.filter a.parse b.parse a.handle b.handle a.fallback b.fallback a.cleanup b.cleanup";
    assert_eq!((trace, sent, disposition), (calls(expected), vec![], Disposition::Unhandled));
}

#[tokio::test]
async fn handle_stops_at_the_first_app_that_handled_and_cleanup_runs_all_the_same() {
    let (trace, _, disposition) = run(&[Acts { handle: Handled::Yes, ..NOTHING }, NOTHING]).await;
    let expected = "a.filter b.filter a.parse b.parse a.handle a.cleanup b.cleanup";
    assert_eq!((trace, disposition), (calls(expected), Disposition::Handled));
}

#[tokio::test]
async fn a_queued_reply_counts_as_handled() {
    let (trace, sent, disposition) = run(&[Acts { reply_in: "handle", ..NOTHING }, NOTHING]).await;
    assert!(!trace.iter().any(|call| call.ends_with("fallback") || call == "b.handle"), "{trace:?}");
    assert_eq!((sent, disposition), (vec!["a in handle +b +a".to_owned()], Disposition::Handled));
}

#[tokio::test]
async fn fallback_stops_at_the_first_app_that_took_it() {
    let (trace, _, disposition) = run(&[Acts { fallback: Handled::Yes, ..NOTHING }, NOTHING]).await;
    assert!(
        !trace.contains(&"b.fallback".to_owned()) && trace.contains(&"b.cleanup".to_owned()),
        "{trace:?}"
    );
    assert_eq!(disposition, Disposition::FellBack);
}

#[tokio::test]
async fn after_a_filter_drop_only_replies_already_queued_go_out() {
    let dropping = Acts { filter: Filter::Drop, reply_in: "filter", ..NOTHING };
    let (trace, sent, disposition) = run(&[dropping, NOTHING]).await;
    assert_eq!(trace, calls("a.filter b.outgoing a.outgoing"));
    assert_eq!((sent, disposition), (vec!["a in filter +b +a".to_owned()], Disposition::Filtered));
}

#[tokio::test]
async fn outgoing_runs_in_reverse_and_judges_each_reply_alone() {
    let first = Acts { reply_in: "parse", ..NOTHING };
    let second = Acts { reply_in: "handle", cancel: "in parse", ..NOTHING };
    let (trace, sent, _) = run(&[first, second, NOTHING]).await;
    assert_eq!(sent, ["b in handle +c +b +a"]);
    assert!(trace.ends_with(&calls("c.outgoing b.outgoing c.outgoing b.outgoing a.outgoing")), "{trace:?}");
}

/// An app that changes everything that it can, and then fails in its own way.
#[derive(Clone, Copy)]
enum Failing {
    Error,
    PanicBeforeAwait,
    PanicAfterAwait,
    Endless,
    LargeSession,
}

impl App for Failing {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        cx.set_text("broken");
        cx.session_mut().set("broken", &true)?;
        cx.set_field("broken", &true)?;
        cx.reply("said before failing");
        match self {
            Self::Error => return Err("as planned".into()),
            Self::PanicBeforeAwait => panic!("as planned"),
            Self::PanicAfterAwait => {
                tokio::task::yield_now().await;
                panic!("{} planned", "as");
            }
            Self::Endless => std::future::pending::<()>().await,
            Self::LargeSession => cx.session_mut().set("broken", &"x".repeat(70_000))?,
        }
        Ok(Handled::Yes)
    }
}

/// An app that reports in its cleanup the state of the message at that moment.
struct Witness;

impl App for Witness {
    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        let (session, field) = (cx.session().get::<bool>("broken")?, cx.field::<bool>("broken")?);
        let text = format!("{} {session:?} {field:?}", cx.text());
        cx.reply(text);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_app_harms_only_itself() {
    for failing in [
        Failing::Error,
        Failing::PanicBeforeAwait,
        Failing::PanicAfterAwait,
        Failing::Endless,
        Failing::LargeSession,
    ] {
        let router = Router::new().app(failing).app(Witness);
        let bench = Bench::with(router).phase_timeout(Duration::from_millis(200)).build();
        bench.receive("1", "hello", None).await.unwrap();
        assert_eq!(bench.gateway.texts(), ["said before failing", "hello None None"]);
        assert!(bench.session("1").await.is_empty());
    }
}

/// An app that blocks its thread until it is told to stop. No app should do this.
struct Blocking(Arc<std::sync::atomic::AtomicBool>);

impl App for Blocking {
    async fn parse(&self, _cx: &mut Context) -> Result<(), AppError> {
        while !self.0.load(std::sync::atomic::Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_blocks_its_thread_is_given_up_too() {
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let router = Router::new().app(Blocking(Arc::clone(&stop))).app(Echo);
    let bench = Bench::with(router).phase_timeout(Duration::from_millis(200)).build();
    bench.receive("1", "echo on", None).await.unwrap();
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(bench.gateway.texts(), ["on"]);
}

/// An app that replies in its fallback and then fails. In `handle` it fails before it replies.
struct FailsLate;

impl App for FailsLate {
    async fn handle(&self, _: &mut Context) -> Result<Handled, AppError> {
        Err("as planned".into())
    }
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        cx.reply("said in fallback");
        Err("as planned".into())
    }
}

#[tokio::test]
async fn a_reply_that_was_queued_before_a_failure_counts_as_handled_and_a_failure_alone_does_not() {
    let table = [
        (Router::new().app(Failing::Error), "said before failing", Disposition::Handled),
        (Router::new().app(Failing::PanicAfterAwait), "said before failing", Disposition::Handled),
        (Router::new().app(Failing::Endless), "said before failing", Disposition::Handled),
        (Router::new().app(FailsLate), "yes", Disposition::Handled),
        (Router::new().app(Failing::Error).app(FailsLate), "said before failing", Disposition::Handled),
    ];
    for (router, said, expected) in table {
        let router = router.app(Echo).app(DefaultReply);
        let bench = Bench::with(router).about("T", "?").phase_timeout(Duration::from_millis(50)).build();
        let accepted = bench.receive("1", "echo yes", None).await.unwrap();
        let Accepted::Handled(_, Handling::Done { disposition, .. }) = accepted else {
            panic!("{accepted:?}")
        };
        assert_eq!((bench.gateway.texts(), disposition), (vec![said.to_owned()], expected));
    }
    // The same holds in `fallback`: the apps behind are not called.
    let bench = Bench::with(Router::new().app(FailsLate).app(DefaultReply)).about("T", "?").build();
    let accepted = bench.receive("1", "hello", None).await.unwrap();
    let Accepted::Handled(_, Handling::Done { disposition, .. }) = accepted else { panic!("{accepted:?}") };
    assert_eq!(bench.gateway.texts(), ["said in fallback"]);
    assert_eq!(disposition, Disposition::FellBack);
}

/// An app that continues to reply in a task of its own after its phase has ended.
struct Lingering;

impl App for Lingering {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        for nth in 0.. {
            cx.reply(format!("{nth}"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Handled::Yes)
    }
}

#[tokio::test]
async fn what_ran_out_of_time_cannot_reply_any_more() {
    let router = Router::new().app(Lingering);
    let bench = Bench::with(router).phase_timeout(Duration::from_millis(20)).build();
    bench.receive("1", "x", None).await.unwrap();
    assert_eq!(bench.gateway.texts(), ["0"]);
}

#[tokio::test]
async fn a_session_is_kept_from_message_to_message() {
    struct Counter;
    impl App for Counter {
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            let count = cx.session().get::<u32>("counter.count")?.unwrap_or(0) + 1;
            cx.session_mut().set("counter.count", &count)?;
            cx.reply(count.to_string());
            Ok(Handled::Yes)
        }
    }
    let bench = Bench::new(Router::new().app(Counter));
    bench.transcript("1 > a\n1 < 1\n1 > b\n1 < 2\n2 > a\n2 < 1").await;
}

#[tokio::test]
async fn more_or_longer_replies_than_allowed_are_left_out() {
    struct Chatty;
    impl App for Chatty {
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            cx.reply("x".repeat(Context::MAX_REPLY_BYTES + 1));
            (0..Context::MAX_REPLIES + 5).for_each(|nth| cx.reply(nth.to_string()));
            Ok(Handled::Yes)
        }
    }
    let bench = Bench::new(Router::new().app(Chatty));
    bench.receive("1", "x", None).await.unwrap();
    let expected: Vec<String> = (0..Context::MAX_REPLIES).map(|nth| nth.to_string()).collect();
    assert_eq!(bench.gateway.texts(), expected);
}

#[tokio::test]
async fn the_bundled_apps_answer_as_people_know_them() {
    let bench = Bench::with(Router::new().app(Ping).app(Echo).app(DefaultReply))
        .about("Clinic", "Sorry, %(project_name)s could not understand your message.")
        .build();
    bench
        .transcript(
            "
            1112223333 > ping
            1112223333 < pong
            1112223333 > Ping
            1112223333 < pong
            1112223333 > echo
            1112223333 < To echo some text, send: ECHO <ANYTHING>
            1112223333 > ECHO: 100% %(x)s {} :)
            1112223333 < 100% %(x)s {} :)
            1112223333 > echo ሰላም 👩\u{200d}💻
            1112223333 < ሰላም 👩\u{200d}💻
            # A longer word is another word, and a ping with more is no ping.
            1112223333 > echoes
            1112223333 < Sorry, Clinic could not understand your message.
            1112223333 > ping me
            1112223333 < Sorry, Clinic could not understand your message.
            # A blank SMS is a message.
            1112223333 >
            1112223333 < Sorry, Clinic could not understand your message.
            ",
        )
        .await;
}

#[tokio::test]
async fn an_empty_default_response_stays_silent() {
    Bench::new(Router::new().app(DefaultReply)).transcript("1 > hello").await;
}

#[tokio::test]
async fn a_function_makes_a_keyword_app() {
    let router = Router::new()
        .app(keyword("hours|open", async |_| "8 to 17"))
        .app(keyword("half", async |said: Said| {
            said.text().parse::<u32>().map(|number| (number / 2).to_string())
        }))
        .app(DefaultReply);
    let bench = Bench::with(router).about("T", "?").build();
    bench
        .transcript(
            "
            1 > Open
            1 < 8 to 17
            1 > half 10
            1 < 5
            # An error is logged, and the message goes on.
            1 > half ten
            1 < ?
            ",
        )
        .await;
}

/// An external service that books each key once, however often it is called.
#[derive(Clone, Default)]
struct Bank(Arc<Mutex<Booked>>);

#[derive(Default)]
struct Booked {
    calls: usize,
    by_key: std::collections::BTreeMap<String, usize>,
}

impl Bank {
    /// Books, and returns the number of the booking.
    fn book(&self, key: &str) -> usize {
        let mut booked = self.0.lock().unwrap();
        booked.calls += 1;
        let next = booked.by_key.len() + 1;
        *booked.by_key.entry(key.to_owned()).or_insert(next)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phase_may_run_again_and_what_is_keyed_by_the_message_happens_once() {
    let bank = Bank::default();
    let both_read_the_same = Arc::new(tokio::sync::Barrier::new(2));
    let pay = {
        let bank = bank.clone();
        move |mut said: Said| {
            let (bank, barrier) = (bank.clone(), Arc::clone(&both_read_the_same));
            async move {
                let paid = said.session().get::<u32>("paid")?.unwrap_or(0) + 1;
                said.session_mut().set("paid", &paid)?;
                let receipt = bank.book(said.message_id().as_str());
                if bank.0.lock().unwrap().calls <= 2 {
                    barrier.wait().await;
                }
                Ok::<_, AppError>(format!("{} {paid} {receipt}", said.text()))
            }
        }
    };
    let bench = Bench::new(Router::new().app(keyword("pay", pay)));
    let (a, b) = tokio::join!(bench.receive("1", "pay a", Some("a")), bench.receive("1", "pay b", Some("b")));
    assert!(a.is_ok() && b.is_ok());

    // The message that was committed second ran again, on the session of the first.
    let mut sent = bench.gateway.texts();
    assert_eq!((bank.0.lock().unwrap().calls, sent.len()), (3, 2));
    assert_eq!(bench.session("1").await.get::<u32>("paid").unwrap(), Some(2));
    sent.sort_by_key(|text| text.split(' ').nth(1).unwrap().to_owned());
    let receipt = |text: &String| text.split(' ').nth(2).unwrap().parse::<usize>().unwrap();
    let mut receipts: Vec<usize> = sent.iter().map(receipt).collect();
    receipts.sort_unstable();
    // The bank booked each message once: the second run got the receipt of the first.
    assert_eq!((receipts, bank.0.lock().unwrap().by_key.len()), (vec![1, 2], 2));
}

/// An app that breaks everything that it can reach in one phase, and fails.
struct FailsIn {
    phase: &'static str,
    panics: bool,
}

impl FailsIn {
    fn enter(&self, phase: &str, cx: &mut Context) -> Result<(), AppError> {
        if self.phase != phase {
            return Ok(());
        }
        cx.set_text("broken");
        assert!(!self.panics, "as planned");
        Err("as planned".into())
    }
}

impl App for FailsIn {
    async fn filter(&self, cx: &mut Context) -> Result<Filter, AppError> {
        self.enter("filter", cx)?;
        Ok(Filter::Continue)
    }
    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("parse", cx)
    }
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("handle", cx)?;
        Ok(Handled::No)
    }
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("fallback", cx)?;
        Ok(Handled::No)
    }
    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("cleanup", cx)
    }
    async fn outgoing(&self, cx: &Context, reply: &mut Reply) -> Result<Outbound, AppError> {
        if self.phase == "outgoing" {
            reply.text.clear();
        }
        self.enter("outgoing", &mut cx.clone())?;
        Ok(Outbound::Send)
    }
}

#[tokio::test]
async fn a_failure_in_any_phase_is_that_apps_own_affair() {
    let phases = ["filter", "parse", "handle", "fallback", "cleanup", "outgoing"];
    for (phase, panics) in phases.into_iter().flat_map(|phase| [(phase, true), (phase, false)]) {
        let router = Router::new().app(FailsIn { phase, panics }).app(Echo).app(DefaultReply);
        let bench = Bench::with(router).about("T", "?").build();
        bench.receive("1", "echo all the same", None).await.unwrap();
        bench.receive("1", "no echo", None).await.unwrap();
        assert_eq!(bench.gateway.texts(), ["all the same", "?"], "{phase} {panics}");
    }
}
