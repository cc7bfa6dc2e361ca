//! What the logs say, and what they must not.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
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
