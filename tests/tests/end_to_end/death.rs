//! Tests in which the stack is killed again and again while messages come in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_credential_types::Credentials;
use tests::kannel::{Kannel, KannelOptions, Routing, Service, messages};
use tests::ports::free_port;
use tests::stack_process::StackProcess;
use threadless::ConnectionId;
use threadless::aws::{Access, http_client};
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{Direction, History as _};

use super::{CODE, sendsms, settings, until};

/// The program to kill.
const STACK: &str = env!("CARGO_BIN_EXE_stack");

const SENDERS: usize = 50;
const EACH: usize = 5;
const KILLS: usize = 8;

/// Returns the distinct replies so far, by number and by the backend's line.
fn replies(kannel: &Kannel, line: &str) -> BTreeMap<String, Vec<String>> {
    let mut by_sender: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in messages(&kannel.line(line).unwrap().mts()).unwrap() {
        by_sender.entry(message.to).or_default().push(message.text);
    }
    by_sender
}

fn distinct(by_sender: &BTreeMap<String, Vec<String>>) -> usize {
    by_sender.values().map(|texts| texts.iter().collect::<BTreeSet<_>>().len()).sum()
}

async fn doubts(store: &DynamoStore, backend: &str) -> usize {
    let mut doubts = 0;
    for sender in 0..SENDERS {
        let connection =
            ConnectionId::new(backend.parse().unwrap(), format!("9{sender:05}").parse().unwrap());
        let rows = store.history(&connection, jiff::Timestamp::now(), 1000).await.unwrap();
        let outgoing = rows.iter().filter(|row| row.direction == Direction::Out);
        doubts += outgoing.map(|row| row.uncertain as usize).sum::<usize>();
    }
    doubts
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn killed_at_random_it_answers_every_message_as_if_each_was_handled_once() {
    let ports = [free_port().unwrap(), free_port().unwrap(), free_port().unwrap()];
    let base = |backend: &str| format!("http://127.0.0.1:{}/backend/{backend}/", ports[0]);
    let mut kannel_options =
        KannelOptions::with(Service { line: Some("A".to_owned()), ..Service::new(&base("inlined")) });
    kannel_options.lines.push("B".to_owned());
    // A reply that names a line goes through that line.
    kannel_options.routing = Routing::Named;
    kannel_options.services.push(Service { line: Some("B".to_owned()), ..Service::new(&base("queued")) });
    let kannel = Kannel::start(kannel_options).await.unwrap();

    let data = tempfile::tempdir().unwrap();
    let text = settings(&[
        ("inlined", "inline", &sendsms(&kannel, "&smsc=A")),
        ("queued", "queue", &sendsms(&kannel, "&smsc=B")),
    ]);
    // The lease of a sender that died ends after this time-out plus 15 seconds.
    let text = text.replace("timeout_seconds = 10", "timeout_seconds = 2");
    std::fs::write(data.path().join("settings.toml"), text).unwrap();
    let mut process = StackProcess::start(STACK, data.path(), ports).unwrap();

    let killing = async {
        for nth in 0..KILLS {
            // The kill comes at a random point, because nothing here waits for a certain state.
            let pause = 150 + u64::from(uuid::Uuid::new_v4().as_fields().1) % 900;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            process.kill().unwrap();
            println!("killed for the {nth}th time after {pause} ms");
            process = StackProcess::start(STACK, data.path(), ports).unwrap();
        }
    };
    let texting = async {
        for nth in 0..EACH {
            for line in ["A", "B"] {
                let phone = kannel.line(line).unwrap();
                let all = (0..SENDERS).map(|sender| async move {
                    phone.text(&format!("9{sender:05}"), CODE, &format!("count m{nth}")).await
                });
                futures_util::future::try_join_all(all).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
    };
    tokio::join!(killing, texting);

    let expected = SENDERS * EACH;
    until("every message is answered", || async {
        ["A", "B"].iter().all(|line| distinct(&replies(&kannel, line)) >= expected)
    })
    .await;
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://127.0.0.1:{}", process.ports[1])),
    };
    let store = DynamoStore::new(&access, http_client().unwrap(), "threadless");
    for (line, backend) in [("A", "inlined"), ("B", "queued")] {
        let by_sender = replies(&kannel, line);
        assert_eq!((by_sender.len(), distinct(&by_sender)), (SENDERS, expected), "{backend}");
        for (number, texts) in &by_sender {
            let distinct: BTreeSet<&str> = texts.iter().map(String::as_str).collect();
            let numbers: Vec<&str> = distinct.iter().map(|text| text.split(' ').next().unwrap()).collect();
            let said: BTreeSet<&str> = distinct.iter().map(|text| text.split(' ').nth(1).unwrap()).collect();
            assert_eq!((numbers, said.len()), (vec!["1", "2", "3", "4", "5"], EACH), "{number}: {texts:?}");
        }
        let doubles = by_sender.values().map(Vec::len).sum::<usize>() - expected;
        let doubts = doubts(&store, backend).await;
        println!("{backend}: {expected} messages, {doubles} sent twice, {doubts} in doubt");
        assert!(doubles <= doubts, "{backend}: {doubles} sent twice, {doubts} in doubt");
    }
}
