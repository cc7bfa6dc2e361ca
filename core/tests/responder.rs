//! The worker of the Lambda function `responder`, with batches as a queue hands them out.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use threadless::queue::{Job, Ticket};
use threadless::testing::{Bench, FaultKind, When};
use threadless::worker::{Record, respond};
use threadless::{App, AppError, Context, Deadline, Handled, Incoming, MessageId, Router, apps::Echo};

fn record(bench: &Bench, id: &str, from: &str, text: &str) -> Record {
    let message = Incoming::new(
        MessageId::from(id),
        bench.connection(from),
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

async fn failed(bench: &Bench, records: Vec<Record>) -> Vec<String> {
    let deadline = Deadline::within(Duration::from_secs(30));
    let failures = respond(&bench.project, records, deadline).await;
    failures.into_iter().map(|failure| failure.id).collect()
}

#[tokio::test]
async fn a_record_that_fails_fails_those_behind_it_in_its_group_and_no_others() {
    let bench = Bench::new(Router::new().app(Echo));
    let records = vec![
        record(&bench, "a1", "1", "echo a1"),
        record(&bench, "b1", "2", "echo b1"),
        record(&bench, "a2", "1", "echo a2"),
        record(&bench, "b2", "2", "echo b2"),
    ];
    // Both groups share the opening of the backend. Do it first, so that the two groups' loads can be planned apart.
    assert_eq!(failed(&bench, vec![record(&bench, "warm", "9", "echo warm")]).await, Vec::<String>::new());
    bench.faults.plan(1, FaultKind::Error, When::Before);
    let failures = failed(&bench, records.clone()).await;
    assert!(failures == ["a1", "a2"] || failures == ["b1", "b2"], "{failures:?}");
    let again = records.into_iter().filter(|record| failures.contains(&record.id)).collect();
    assert_eq!(failed(&bench, again).await, Vec::<String>::new());
    let mut texts = bench.gateway.texts();
    texts.sort();
    assert_eq!(texts, ["a1", "a2", "b1", "b2", "warm"]);
}

#[tokio::test]
async fn a_record_that_is_no_job_fails_alone_and_at_once() {
    let bench = Bench::new(Router::new().app(Echo));
    let mut poison = record(&bench, "poison", "1", "");
    poison.body = "{\"v\":1}".to_owned();
    let records = vec![record(&bench, "a", "1", "echo a"), poison, record(&bench, "b", "1", "echo b")];
    let deadline = Deadline::within(Duration::from_secs(30));
    let failures = respond(&bench.project, records, deadline).await;
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].id.as_str(), failures[0].retry_after), ("poison", Duration::ZERO));
    assert_eq!(bench.gateway.texts(), ["a", "b"]);
}

#[tokio::test]
async fn a_job_that_only_a_later_program_reads_waits_for_it_with_its_group() {
    let unread = [
        r#"{"v":2,"type":"incoming"}"#,
        r#"{"v":1,"type":"postcard","connection":{"backend":"bench","identity":"1"}}"#,
        r#"{"v":1,"type":"deliver","connection":"bench:1"}"#,
    ];
    for body in unread {
        let bench = Bench::new(Router::new().app(Echo));
        let mut later = record(&bench, "later", "1", "");
        later.body = body.to_owned();
        let records = vec![
            record(&bench, "before", "1", "echo before"),
            later,
            record(&bench, "behind", "1", "echo behind"),
            record(&bench, "other", "2", "echo other"),
        ];
        assert_eq!(failed(&bench, records).await, ["later", "behind"], "{body}");
        let mut texts = bench.gateway.texts();
        texts.sort();
        assert_eq!(texts, ["before", "other"], "{body}");
    }
}

#[tokio::test]
async fn a_job_that_only_a_later_program_reads_waits_longer_each_time() {
    let bench = Bench::new(Router::new().app(Echo));
    let mut waits = Vec::new();
    for receive_count in 1..=10 {
        let mut later = record(&bench, "later", "1", "");
        (later.body, later.receive_count) = (r#"{"v":1,"type":"postcard"}"#.to_owned(), receive_count);
        let failures = respond(&bench.project, vec![later], Deadline::within(Duration::from_secs(30))).await;
        waits.push(failures[0].retry_after.as_secs());
    }
    assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1200, 1200, 1200]);
}

#[tokio::test]
async fn a_job_that_failed_waits_longer_each_time() {
    let bench = Bench::new(Router::new().app(Echo));
    let mut waits = Vec::new();
    for receive_count in 1..=10 {
        let failing = Record { receive_count, ..record(&bench, "a", "1", "echo a") };
        bench.faults.plan(1, FaultKind::Error, When::Before);
        let failures =
            respond(&bench.project, vec![failing], Deadline::within(Duration::from_secs(30))).await;
        waits.push(failures[0].retry_after.as_secs());
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert!(bench.gateway.taken().is_empty());
}

#[tokio::test]
async fn what_is_not_done_at_the_deadline_has_failed() {
    let bench = Bench::new(Router::new().app(Echo));
    let records = vec![record(&bench, "a", "1", "echo a"), record(&bench, "b", "2", "echo b")];
    let failures = respond(&bench.project, records, Deadline::within(Duration::from_millis(10))).await;
    let waits: Vec<_> = failures.iter().map(|failure| (failure.id.as_str(), failure.retry_after)).collect();
    assert_eq!(waits, [("a", Duration::from_secs(2)), ("b", Duration::from_secs(2))]);
    assert!(bench.gateway.taken().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_job_begins_only_while_a_second_is_left_for_it() {
    let bench = Bench::new(Router::new());
    // The responder keeps a second for the last settlement, so the job has a second less.
    for (left, begun) in [(1_999, false), (2_000, true)] {
        let body = Job::Deliver { connection: bench.connection("1") }.to_json();
        let records = vec![Record { id: "d".to_owned(), group: None, body, receive_count: 1, sent_at: None }];
        let before = bench.faults.calls();
        let failures = respond(&bench.project, records, Deadline::within(Duration::from_millis(left))).await;
        assert_eq!((failures.is_empty(), bench.faults.calls() > before), (begun, begun), "{left} ms");
    }
}

/// An app that may take up to 15 s for a message with `slow`, five in each phase.
struct Slow;

impl App for Slow {
    async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
        self.cleanup(cx).await
    }
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        self.cleanup(cx).await?;
        Ok(Handled::No)
    }
    async fn cleanup(&self, cx: &mut Context) -> Result<(), AppError> {
        if cx.text().contains("slow") {
            tokio::time::sleep(Duration::from_millis(4_900)).await;
        }
        let phases = cx.session().get::<u32>("phases")?.unwrap_or(0) + 1;
        cx.session_mut().set("phases", &phases)?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_record_of_a_group_has_all_the_time_that_is_left() {
    for texts in [vec!["slow"], vec!["quick", "slow"], vec!["quick", "quick", "slow"]] {
        let bench = Bench::new(Router::new().app(Slow));
        let ids = ["a", "b", "c"];
        let records = ids.iter().zip(&texts).map(|(id, text)| record(&bench, id, "1", text)).collect();
        assert_eq!(failed(&bench, records).await, Vec::<String>::new());
        let phases: Option<usize> = bench.session("1").await.get("phases").unwrap();
        assert_eq!(phases, Some(3 * texts.len()), "{texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_apps_leave_the_batchs_other_records_alone() {
    struct Faulty;
    impl App for Faulty {
        async fn parse(&self, cx: &mut Context) -> Result<(), AppError> {
            match cx.text() {
                "error" => Err("as planned".into()),
                "panic" => panic!("as planned"),
                "endless" => std::future::pending().await,
                _ => Ok(()),
            }
        }
        async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
            let text = cx.text().to_owned();
            cx.reply(text);
            Ok(Handled::Yes)
        }
    }
    let bench = Bench::with(Router::new().app(Faulty)).phase_timeout(Duration::from_millis(100)).build();
    let texts = ["error", "panic", "endless", "good"];
    let records = texts.iter().map(|text| record(&bench, text, "1", text)).collect();
    assert_eq!(failed(&bench, records).await, Vec::<String>::new());
    assert_eq!(bench.gateway.texts(), texts);
}

#[tokio::test]
async fn a_delivery_that_is_not_due_is_done_at_once() {
    let bench = Bench::new(Router::new());
    let body = Job::Deliver { connection: bench.connection("1") }.to_json();
    let records = vec![Record { id: "d".to_owned(), group: None, body, receive_count: 1, sent_at: None }];
    assert_eq!(failed(&bench, records).await, Vec::<String>::new());
}
