//! What the logs say, and what they must not.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tests::apps::Hanging;
use threadless::lambda::json_logs;
use threadless::testing::{Behaviour, Bench, Fault, When};
use threadless::{App, AppError, Context, Fate, Handled, Router};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Answers, or fails, as the text asks for.
struct Moody;

impl App for Moody {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        match cx.text() {
            text if text.contains("error") => Err("as planned".into()),
            text if text.contains("panic") => panic!("as planned"),
            text if text.contains("endless") => std::future::pending().await,
            _ => {
                cx.reply("the secret answer");
                Ok(Handled::Yes)
            }
        }
    }
}

const NUMBER: &str = "251911223344";

#[tokio::test]
async fn logs_tell_what_became_of_messages_and_never_what_they_said_or_whose_they_are() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    let bench = Bench::with(Router::new().app(Moody)).phase_timeout(Duration::from_millis(20)).build();
    let behaviours =
        [Behaviour::Accept, Behaviour::Defer, Behaviour::LoseAnswer, Behaviour::Refuse, Behaviour::Accept];
    bench.gateway.next(behaviours);
    for text in ["fine", "error", "panic", "endless", "fine", "fine"] {
        let uri = format!("/bench/bench/?id={NUMBER}&text=my+secret+{text}&mid={text}");
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        assert_eq!(bench.request(request).await.status(), 200);
    }
    for uri in ["/bench/bench/?text=my+secret", "/bench/none/?id=1&text=my+secret"] {
        bench.request(Request::get(uri).body(Bytes::new()).unwrap()).await;
    }
    bench.minutes(6).await;
    let sent = bench.gateway.taken().remove(0);
    for _ in 0..2 {
        bench.report(&sent, Some(Fate::Delivered)).await.unwrap();
    }
    bench.request(Request::get("/bench/bench/report/?for=x").body(Bytes::new()).unwrap()).await;
    bench.faults.plan(1, Fault::Error, When::Before);
    bench.receive(NUMBER, "my secret", None).await.unwrap_err();
    drop(logs);

    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("secret") && !text.contains(NUMBER) && !text.contains("223344"), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    for outcome in [
        "handled",
        "duplicate",
        "sent",
        "app_error",
        "app_panic",
        "app_timeout",
        "unknown_backend",
        "unsigned",
    ] {
        assert!(outcomes.contains(&outcome), "{outcome}: {text}");
    }
    let reports: Vec<_> = lines.iter().filter(|line| line["message"] == "report").collect();
    let outcomes: Vec<&str> = reports.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["delivered", "duplicate", "unsigned"], "{text}");
    assert_eq!(
        (&reports[0]["identity"], &reports[0]["message_id"]),
        (&"251******344".into(), &sent.id.as_str().into())
    );
    for line in lines.iter().filter(|line| line["message"] == "incoming" && line["outcome"] == "handled") {
        assert_eq!(line["backend"], "bench", "{line}");
        assert_eq!(line["identity"], "251******344", "{line}");
        assert!(line["message_id"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

/// Has one message come in, and gives the lines that name an app: phase, outcome, and whether the rest is as it should be.
async fn app_lines(bench: &Bench, text: &str) -> Vec<(String, String)> {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let logs = tracing::subscriber::set_default(json_logs("info", move || writer.clone()));
    bench.receive(NUMBER, text, None).await.unwrap();
    drop(logs);
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["app"].is_string())
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            assert_eq!((text("level"), text("app")), ("ERROR".to_owned(), "Hanging".to_owned()), "{line}");
            assert!(text("consequence").len() > 20, "{line}");
            (text("phase"), text("outcome"))
        })
        .collect()
}

/// Answers with six replies.
struct Six;

impl App for Six {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        (1..=6).for_each(|nth| cx.reply(nth.to_string()));
        Ok(Handled::Yes)
    }
}

#[tokio::test(start_paused = true)]
async fn each_phase_that_took_too_long_or_was_not_begun_is_a_line() {
    let bench = Bench::new(Router::new().app(Hanging).app(Six));
    let lines = app_lines(&bench, "hang").await;
    let mut expected: Vec<(&str, &str)> =
        ["filter", "parse", "handle", "cleanup", "outgoing"].map(|phase| (phase, "app_timeout")).into();
    expected.extend([("outgoing", "app_no_time"); 5]);
    let lines: Vec<(&str, &str)> =
        lines.iter().map(|(phase, outcome)| (phase.as_str(), outcome.as_str())).collect();
    assert_eq!(lines, expected);
    assert_eq!(bench.gateway.taken().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_blocked_thread_is_a_line_of_its_own() {
    let bench =
        Bench::with(Router::new().app(Hanging).app(Six)).phase_timeout(Duration::from_millis(20)).build();
    let lines = app_lines(&bench, "block").await;
    assert_eq!(lines[0], ("filter".to_owned(), "app_blocked".to_owned()), "{lines:?}");
    assert_eq!(lines.len(), 4 + 6, "{lines:?}");
    // Each phase of each message holds a thread, until there are too many.
    for _ in 0..3 {
        app_lines(&bench, "block").await;
    }
    let lines = app_lines(&bench, "block").await;
    assert_eq!(lines[0], ("filter".to_owned(), "app_suspended".to_owned()), "{lines:?}");
    assert_eq!(bench.gateway.taken().len(), 30);
}
