//! A broadcast through the whole stack: everyone gets it once, even if processes are killed in between.

// The helpers of tests may fail like the tests themselves, and these say how long they took.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{get, post};
use tests::ports::free_port;
use tests::recorder::{Recorder, Reply};
use tests::stack_process::StackProcess;

/// The time limit of steps that take a minute or two on an idle machine.
const LIMIT: Duration = Duration::from_secs(900);

/// The maximum number of messages in flight when the stack dies: ten batches of ten.
const LOST: u64 = 100;

/// The stack as a program that can be killed, with a gateway that takes every message.
struct Rig {
    gateway: Recorder,
    process: StackProcess,
    data: tempfile::TempDir,
}

impl Rig {
    async fn start() -> Self {
        let gateway = Recorder::start().await.unwrap();
        gateway.otherwise(|_| Reply::text("").into());
        let data = tempfile::tempdir().unwrap();
        // The lease of a sender that died ends after this time-out plus 15 seconds.
        let settings = format!(
            "[project]\nname = \"T\"\n[backends.k]\nengine = \"http\"\ntimeout_seconds = 2\n\
             outgoing_url = \"{}?to=%(identity)s&text=%(text)s\"\n",
            gateway.url("/send")
        );
        std::fs::write(data.path().join("settings.toml"), settings).unwrap();
        let ports = [free_port().unwrap(), free_port().unwrap(), free_port().unwrap()];
        let process = Self::stack(data.path(), ports);
        Self { gateway, process, data }
    }

    fn stack(data: &Path, ports: [u16; 3]) -> StackProcess {
        StackProcess::start(env!("CARGO_BIN_EXE_stack"), data, ports).unwrap()
    }

    fn kill_and_start(&mut self) {
        self.process.kill().unwrap();
        self.process = Self::stack(self.data.path(), self.process.ports);
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.process.ports[0])
    }

    /// Posts an order until it is answered. The stack may be starting, or dead.
    async fn order(&self, order: &Value) -> (u16, Value) {
        let begun = tokio::time::Instant::now();
        loop {
            let posted = post(&self.url("/send"), "application/json", &order.to_string()).await;
            match posted {
                Ok(answer) if answer.status < 500 => {
                    return (answer.status, serde_json::from_str(&answer.body).unwrap());
                }
                other => assert!(begun.elapsed() < LIMIT, "{other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn progress(&self, path: &str) -> Option<Value> {
        let answer = get(&self.url(path)).await.ok().filter(|answer| answer.status == 200)?;
        serde_json::from_str(&answer.body).ok()
    }

    /// Returns how often the gateway got the message to each number.
    fn received(&self) -> BTreeMap<String, usize> {
        let mut received = BTreeMap::new();
        for request in self.gateway.requests() {
            let to = request.text("to").unwrap();
            *received.entry(to).or_default() += 1;
        }
        received
    }

    async fn until(&self, what: &str, count: usize) {
        let begun = tokio::time::Instant::now();
        while self.received().len() < count {
            assert!(begun.elapsed() < LIMIT, "{what}: {} of {count}", self.received().len());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Returns all recipients with the state of their message and the number of its uncertain attempts.
    async fn recipients(&self, key: &str) -> Vec<(String, String, u64)> {
        let mut recipients = Vec::new();
        let mut next = Some(0);
        while let Some(part) = next {
            let page = self.progress(&format!("/send/{key}?recipients&part={part}")).await.unwrap();
            for one in page["recipients"].as_array().unwrap() {
                let text = |name: &str| one[name].as_str().unwrap().to_owned();
                recipients.push((text("recipient"), text("state"), one["uncertain"].as_u64().unwrap_or(0)));
            }
            next = page["next"].as_u64();
        }
        recipients
    }
}

/// Makes one call for a broadcast to this number of recipients, and kills the stack again and again after the answer.
async fn everyone_gets_it_once(recipients: usize, kills: usize) {
    let mut rig = Rig::start().await;
    let all: Vec<String> = (0..recipients).map(|number| format!("k:9{number:06}")).collect();
    let order = json!({ "key": "flood", "text": "The river rises", "recipients": all });
    let begun = tokio::time::Instant::now();
    let (status, body) = rig.order(&order).await;
    assert_eq!((status, &body["total"]), (202, &json!(recipients)));
    println!("{recipients} recipients taken after {:?}", begun.elapsed());
    for nth in 0..kills {
        // At each kill, some of the work is done and some is not.
        rig.kill_and_start();
        println!("killed with {} of {recipients} sent", rig.received().len());
        rig.until("it goes on after a death", (nth + 1) * recipients / (kills + 2)).await;
    }
    rig.until("everyone has it", recipients).await;
    println!("{recipients} recipients sent to after {:?}", begun.elapsed());

    // The same call again is the same broadcast. Another broadcast with its key is not accepted.
    assert_eq!(rig.order(&order).await.0, 202);
    let other = json!({ "key": "flood", "text": "All is well", "recipients": all });
    assert_eq!(rig.order(&other).await.0, 409);
    let begun = tokio::time::Instant::now();
    let done = loop {
        // History is written beside the send. So a row or two of the messages in flight at a death may be missing.
        if let Some(body) = rig.progress("/send/flood?states").await
            && body["fanned_out"] == recipients
            && body["states"]["sent"].as_u64().unwrap_or(0) + LOST * kills as u64 >= recipients as u64
        {
            break body;
        }
        assert!(begun.elapsed() < LIMIT, "its progress can be read");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    println!("states: {}", done["states"]);
    let all_of_them = rig.recipients("flood").await;
    let named: Vec<&String> = all_of_them.iter().map(|(recipient, ..)| recipient).collect();
    assert_eq!(named, all.iter().collect::<Vec<_>>());
    let possible = ["sent", "queued", "waiting"];
    assert!(all_of_them.iter().all(|(_, state, _)| possible.contains(&state.as_str())), "{all_of_them:?}");
    let lost = all_of_them.iter().filter(|(_, state, _)| state != "sent").count();
    let doubts = all_of_them.iter().map(|(.., doubts)| doubts).sum::<u64>();
    let received = rig.received();
    let doubles = received.values().sum::<usize>() - recipients;
    println!("{doubles} sent twice, {doubts} in doubt, {lost} with a row missing");
    assert_eq!(received.len(), recipients);
    // If the row is missing, its uncertain attempts may be missing too.
    assert!(doubles as u64 <= doubts + lost as u64, "{doubles} sent twice, {doubts} in doubt, {lost} lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn six_hundred_get_it_once_though_the_stack_is_killed_twice() {
    everyone_gets_it_once(600, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: tests/run"]
async fn ten_thousand_get_it_once_though_the_stack_is_killed_five_times() {
    everyone_gets_it_once(10_000, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_its_answer_and_its_first_job_it_is_found_by_the_sweep() {
    let mut rig = Rig::start().await;
    // The stack is killed at different moments of the call, before or after the answer. Then the caller repeats the
    // call, or does not.
    for nth in 0..6 {
        let order = json!({ "key": format!("k{nth}"), "text": "x", "recipients": [format!("k:{nth}")] });
        rig.order(&json!({ "key": "warm", "text": "x", "recipients": ["k:warm"] })).await;
        let url = rig.url("/send");
        let body = order.to_string();
        let call =
            async { post(&url, "application/json", &body).await.is_ok_and(|answer| answer.status == 202) };
        let limit = Duration::from_millis(3 * nth);
        let answered = tokio::time::timeout(limit, call).await.unwrap_or(false);
        rig.kill_and_start();
        if !answered {
            assert_eq!(rig.order(&order).await.0, 202);
        }
    }
    rig.until("everyone has it", 7).await;
}
