//! Apps that never return, in simulated time. A message is committed and answered all the same, and the other apps have
//! their turn.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::future::pending;
use std::time::Duration;

use threadless::queue::Ticket;
use threadless::testing::{Behaviour, Bench, FaultKind, When};
use threadless::worker::{Failure, Record, respond};
use threadless::{
    App, AppError, Context, Deadline, Filter, FinalStatus, Handled, Incoming, MessageId, Notice, Outbound,
    Reply, Report, Router,
};
use tokio::time::Instant;

const PHASES: [&str; 6] = ["filter", "parse", "handle", "fallback", "cleanup", "outgoing"];

/// The time of a Lambda function that answers HTTP, less the time that its invocation keeps for the answer and the last
/// settlement.
const INLINE: Duration = Duration::from_secs(27);

/// An app that never returns from these phases, for messages with this text.
#[derive(Clone, Copy)]
struct Hangs {
    phases: &'static [&'static str],
    text: &'static str,
}

impl Hangs {
    async fn enter(&self, phase: &str, text: &str) {
        if self.phases.contains(&phase) && text.contains(self.text) {
            pending::<()>().await;
        }
    }
}

impl App for Hangs {
    async fn filter(&self, cx: &mut Context) -> Result<Filter, AppError> {
        self.enter("filter", cx.text()).await;
        Ok(Filter::Continue)
    }
    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("parse", cx.text()).await;
        Ok(())
    }
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("handle", cx.text()).await;
        Ok(Handled::No)
    }
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("fallback", cx.text()).await;
        Ok(Handled::No)
    }
    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("cleanup", cx.text()).await;
        Ok(())
    }
    async fn outgoing(&self, cx: &Context, _: &mut Reply) -> Result<Outbound, AppError> {
        self.enter("outgoing", cx.text()).await;
        Ok(Outbound::Send)
    }
    async fn report(&self, cx: &mut Context, _: &Report) -> Result<(), AppError> {
        self.enter("report", cx.text()).await;
        Ok(())
    }
}

fn always(phases: &'static [&'static str]) -> Hangs {
    Hangs { phases, text: "" }
}

/// An app that takes part in every phase, needs a moment in each, and answers in one given phase.
#[derive(Clone, Copy)]
struct Quick {
    answers_in: &'static str,
    replies: usize,
}

const QUICK: Quick = Quick { answers_in: "handle", replies: 1 };

impl Quick {
    async fn enter(&self, phase: &str, cx: &mut Context) -> Result<(), AppError> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        cx.session_mut().set(phase, &true)?;
        if self.answers_in == phase {
            (1..=self.replies).for_each(|nth| cx.reply(format!("{} {nth}", cx.text())));
        }
        Ok(())
    }
}

impl App for Quick {
    async fn filter(&self, cx: &mut Context) -> Result<Filter, AppError> {
        self.enter("filter", cx).await?;
        Ok(Filter::Continue)
    }
    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("parse", cx).await
    }
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("handle", cx).await?;
        Ok(Handled::No)
    }
    async fn fallback(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.enter("fallback", cx).await?;
        Ok(Handled::No)
    }
    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        self.enter("cleanup", cx).await
    }
    async fn outgoing(&self, _: &Context, reply: &mut Reply) -> Result<Outbound, AppError> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        reply.text.push_str(" +");
        Ok(Outbound::Send)
    }
    async fn report(&self, cx: &mut Context, report: &Report) -> Result<(), AppError> {
        let final_status = report.final_status.as_str();
        cx.session_mut().set("report", &final_status)?;
        Ok(())
    }
}

/// Receives a message as a Lambda function that answers HTTP does, and returns the duration.
async fn receive(bench: &Bench, text: &str) -> Duration {
    let begun = Instant::now();
    let uri = format!("/backend/bench/?id=1&text={text}");
    let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
    let deadline = Deadline::within(INLINE);
    let answer = threadless::endpoint::serve(&bench.project, "bench", request, deadline).await;
    assert_eq!(answer.status(), 200);
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_app_that_never_returns_in_one_phase_or_in_all_is_given_up_and_the_message_answered() {
    let all = &PHASES[..];
    for (phases, answers_in) in
        PHASES.iter().map(std::slice::from_ref).chain([all]).zip(PHASES.iter().cycle())
    {
        // The hanging app is before and behind the app that answers. No reply can be queued in the outgoing phase.
        let answers_in = if *answers_in == "outgoing" { "handle" } else { answers_in };
        let quick = Quick { answers_in, replies: 1 };
        for router in [
            Router::new().app(always(phases)).app(quick),
            Router::new().app(quick).app(always(phases)),
            Router::new().app(always(phases)).app(quick).app(always(phases)).app(always(phases)),
        ] {
            let bench = Bench::new(router);
            let took = receive(&bench, "hello").await;
            assert_eq!(bench.gateway.texts(), ["hello 1 +"], "{phases:?} {answers_in}");
            assert!(
                took < INLINE.saturating_sub(Duration::from_secs(5)),
                "{phases:?} {answers_in}: {took:?}"
            );
            let session = bench.session("1").await;
            for phase in ["filter", "parse", "handle", "cleanup"] {
                assert_eq!(
                    session.get::<bool>(phase).unwrap(),
                    Some(true),
                    "{phases:?} {answers_in} {phase}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_that_hangs_over_each_of_six_replies_leaves_all_six() {
    let six = Quick { answers_in: "handle", replies: 6 };
    for router in
        [Router::new().app(six).app(always(&["outgoing"])), Router::new().app(always(&["outgoing"])).app(six)]
    {
        let bench = Bench::new(router);
        let took = receive(&bench, "x").await;
        assert_eq!(bench.gateway.texts(), ["x 1 +", "x 2 +", "x 3 +", "x 4 +", "x 5 +", "x 6 +"]);
        assert!(took < INLINE.saturating_sub(Duration::from_secs(5)), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quick_app_behind_many_that_hang_still_answers() {
    for count in [1, 3, 10, 30] {
        let hanging = (0..count).fold(Router::new(), |router, _| router.app(always(&PHASES)));
        let bench = Bench::new(hanging.app(QUICK));
        let took = receive(&bench, "x").await;
        assert_eq!(bench.gateway.texts(), ["x 1 +"], "{count}");
        assert!(took < INLINE.saturating_sub(Duration::from_secs(5)), "{count}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_phase_may_take_its_whole_limit_while_there_is_time() {
    /// An app that takes nearly the whole permitted time, three times.
    struct Slow;
    impl App for Slow {
        async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
            self.cleanup(cx).await
        }
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            self.cleanup(cx).await?;
            cx.reply("at last");
            Ok(Handled::Yes)
        }
        async fn cleanup(&self, _: &mut Context) -> Result<(), AppError> {
            tokio::time::sleep(Duration::from_millis(4_900)).await;
            Ok(())
        }
    }
    let bench = Bench::new(Router::new().app(Slow));
    let took = receive(&bench, "x").await;
    assert_eq!((bench.gateway.texts(), took.as_millis()), (vec!["at last".to_owned()], 14_700));
}

#[tokio::test(start_paused = true)]
async fn the_longest_phase_that_the_settings_allow_fits() {
    struct Longest;
    impl App for Longest {
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            let longest = threadless::project::LONGEST_PHASE;
            tokio::time::sleep(longest.saturating_sub(Duration::from_millis(50))).await;
            cx.reply("at last");
            Ok(Handled::Yes)
        }
    }
    let bench =
        Bench::with(Router::new().app(Longest)).phase_timeout(threadless::project::LONGEST_PHASE).build();
    receive(&bench, "x").await;
    assert_eq!(bench.gateway.texts(), ["at last"]);
}

#[tokio::test(start_paused = true)]
async fn without_time_for_the_apps_a_message_is_not_taken() {
    let bench = Bench::new(Router::new().app(QUICK));
    let request = http::Request::get("/backend/bench/?id=1&text=x").body(bytes::Bytes::new()).unwrap();
    let deadline = Deadline::within(Duration::from_millis(50));
    let answer = threadless::endpoint::serve(&bench.project, "bench", request, deadline).await;
    assert_eq!(answer.status(), 503);
    assert!(bench.session("1").await.is_empty() && bench.gateway.taken().is_empty());
}

fn record(bench: &Bench, id: &str, from: &str, text: &str) -> Record {
    let message = Incoming::new(
        MessageId::from(id),
        bench.connection(from),
        text.to_owned(),
        threadless::Clock::now(&bench.clock),
    );
    of_ticket(id, Ticket::incoming(message))
}

fn of_ticket(id: &str, ticket: Ticket) -> Record {
    Record {
        id: id.to_owned(),
        group: Some(ticket.group),
        body: ticket.job.to_json(),
        receive_count: 1,
        sent_at: None,
    }
}

fn ids(failures: Vec<Failure>) -> Vec<String> {
    failures.into_iter().map(|failure| failure.id).collect()
}

const QUEUED: Duration = Duration::from_secs(28);

/// Works off a batch as the function `responder` does, and returns the failed records.
async fn batch(bench: &Bench, records: Vec<Record>) -> Vec<String> {
    let begun = Instant::now();
    let failures = respond(&bench.project, records, Deadline::within(QUEUED)).await;
    assert!(begun.elapsed() <= QUEUED, "{:?}", begun.elapsed());
    ids(failures)
}

#[tokio::test(start_paused = true)]
async fn one_message_that_an_app_hangs_over_costs_the_others_of_its_group_nothing() {
    let hangs = Hangs { phases: &PHASES, text: "two" };
    for router in [
        Router::new().app(hangs).app(QUICK),
        Router::new().app(hangs).app(hangs).app(hangs).app(QUICK),
        Router::new().app(Hangs { phases: &["outgoing"], ..hangs }).app(Quick { replies: 6, ..QUICK }),
    ] {
        let replies = if router.names().len() == 2 && router.names()[1] == "Quick" { None } else { Some(1) };
        let bench = Bench::new(router);
        let texts = ["one", "two", "three", "four", "five", "six"];
        let records = texts.iter().map(|text| record(&bench, text, "1", text)).collect();
        assert_eq!(batch(&bench, records).await, Vec::<String>::new());
        let answered: Vec<String> =
            bench.gateway.texts().into_iter().filter(|text| text.ends_with(" 1 +")).collect();
        assert_eq!(answered, texts.map(|text| format!("{text} 1 +")), "{replies:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_that_hangs_over_every_message_of_a_batch_holds_up_none() {
    let bench = Bench::new(Router::new().app(always(&PHASES)).app(QUICK));
    let records: Vec<Record> =
        (0..6).map(|nth| record(&bench, &nth.to_string(), "1", &nth.to_string())).collect();
    assert_eq!(batch(&bench, records).await, Vec::<String>::new());
    assert_eq!(bench.gateway.taken().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_would_have_too_little_time_for_slow_apps_goes_back() {
    /// An app that always takes nearly the whole permitted time.
    struct Slow;
    impl App for Slow {
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            tokio::time::sleep(Duration::from_millis(4_900)).await;
            let text = cx.text().to_owned();
            cx.reply(text);
            Ok(Handled::Yes)
        }
    }
    let bench = Bench::new(Router::new().app(Slow));
    let mut left: Vec<Record> =
        (0..10).map(|nth| record(&bench, &nth.to_string(), "1", &nth.to_string())).collect();
    for expected in [7, 4, 1, 0] {
        let failed = batch(&bench, left.clone()).await;
        assert_eq!(failed.len(), expected, "{failed:?}");
        left.retain(|record| failed.contains(&record.id));
    }
    // No message was cut off: each has its answer, in order.
    assert_eq!(bench.gateway.texts(), (0..10).map(|nth| nth.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_notice_and_a_report_have_their_time_too() {
    let bench = Bench::new(Router::new().app(QUICK).app(always(&["outgoing", "report"])));
    let notice = |nth: u32| {
        Notice::new(
            MessageId::from(format!("n{nth}").as_str()),
            bench.connection("1"),
            format!("notice {nth}"),
            threadless::Clock::now(&bench.clock),
        )
    };
    let records = (1..=6).map(|nth| of_ticket(&nth.to_string(), Ticket::notice(notice(nth)))).collect();
    assert_eq!(batch(&bench, records).await, Vec::<String>::new());
    assert_eq!(bench.gateway.taken().len(), 6);

    let begun = Instant::now();
    bench.report(&bench.gateway.taken().remove(0), Some(FinalStatus::Delivered)).await.unwrap();
    assert_eq!(bench.work_off().await, []);
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert_eq!(bench.session("1").await.get::<String>("report").unwrap().as_deref(), Some("delivered"));
}

#[tokio::test(start_paused = true)]
async fn whatever_call_of_store_or_queue_hangs_the_batch_is_reported_in_time() {
    let mut hung = 0;
    for nth in 1..60 {
        let bench = Bench::new(Router::new().app(QUICK));
        bench.faults.plan(nth, FaultKind::Silence, When::Before);
        let texts = ["a1", "b1", "a2", "b2", "a3", "b3"];
        let records: Vec<Record> = texts.iter().map(|text| record(&bench, text, &text[..1], text)).collect();
        let failed = batch(&bench, records.clone()).await;
        // Only one group can have met the fault.
        assert!(failed.len() <= 3 && failed.iter().all(|id| id[..1] == failed[0][..1]), "{nth}: {failed:?}");
        hung += bench.faults.met();
        // A record that is reported as done is done. The others come again, and each message has its answer once.
        bench.faults.clear();
        let again = records.into_iter().filter(|record| failed.contains(&record.id)).collect();
        assert_eq!(batch(&bench, again).await, Vec::<String>::new(), "{nth}");
        bench.minutes(2).await;
        for group in ["a", "b"] {
            let mut texts: Vec<String> = bench
                .gateway
                .taken()
                .iter()
                .filter(|sent| sent.connection.identity.as_str() == group)
                .map(|sent| sent.text.clone())
                .collect();
            texts.dedup();
            assert_eq!(texts, [1, 2, 3].map(|at| format!("{group}{at} 1 +")), "{nth}");
        }
    }
    assert!(hung > 20, "{hung}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_hangs_holds_up_only_its_own_group() {
    let bench = Bench::new(Router::new().app(QUICK));
    bench.gateway.next([Behaviour::Hang]);
    let texts = ["a1", "a2", "b1", "b2"];
    let records = texts.iter().map(|text| record(&bench, text, &text[..1], text)).collect();
    let failed = batch(&bench, records).await;
    assert!(failed.is_empty() || failed == ["a2"] || failed == ["b2"], "{failed:?}");
}
