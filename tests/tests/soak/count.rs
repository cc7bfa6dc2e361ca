//! Collects the observations, and reads the stack's table and queues.

use std::collections::BTreeSet;

use anyhow::Result;
use aws_credential_types::Credentials;
use jiff::Timestamp;
use tests::http::unescape;
use tests::proxy::Passed;
use tests::services::{items, waiting};
use threadless::aws::{Access, http_client};
use threadless::store::dynamodb::DynamoStore;
use threadless::store::{Connections as _, History as _};
use threadless::{ConnectionId, MessageId};

use crate::judge::{Asked, Evidence, Sent, Texted};

/// Makes a store on the table of a stack.
pub(crate) fn dynamodb_store(url: &str) -> DynamoStore {
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(url.to_owned()),
    };
    DynamoStore::new(&access, http_client().unwrap(), "threadless")
}

/// The observations of one backend from outside.
pub(crate) struct Seen<'a> {
    pub(crate) backend: &'a str,
    /// The `smsc` in the backend's `sendsms_url`.
    pub(crate) line: &'a str,
    /// The requests that passed in each direction, in and out.
    pub(crate) ways: [Vec<Passed>; 2],
    /// The messages that phones got: number and text.
    pub(crate) phones: Vec<(String, String)>,
    pub(crate) texted: Vec<Texted>,
}

/// Returns all observations of a backend, and the store's data about it.
pub(crate) async fn evidence(seen: Seen<'_>, store: &DynamoStore) -> Evidence {
    let Seen { backend, line, ways: [inward, outward], phones, texted } = seen;
    let connection = |number: &str| ConnectionId::new(backend.parse().unwrap(), number.parse().unwrap());
    let asked =
        inward.iter().filter(|passed| passed.target.contains(&format!("/{backend}/"))).map(|passed| {
            let number = passed.text("id").unwrap();
            Asked {
                id: MessageId::of_gateway(&connection(&number), &passed.text("mid").unwrap()),
                number,
                text: of_hex(&passed.text("hex").unwrap()),
                begun: passed.begun,
                taken: passed.answered.filter(|(_, status)| *status == 200).map(|(at, _)| at),
            }
        });
    let sent =
        outward.iter().filter(|passed| passed.text("smsc").as_deref() == Some(line)).map(|passed| Sent {
            number: passed.text("to").unwrap(),
            text: passed.text("text").unwrap(),
            begun: passed.begun,
            perhaps_taken: passed.answered.is_none_or(|(_, status)| status == 202),
        });
    let numbers: BTreeSet<&str> = texted.iter().map(|texted| texted.number.as_str()).collect();
    let (mut rows, mut counted) = (Vec::new(), Vec::new());
    for number in numbers {
        let connection = connection(number);
        rows.extend(store.history(&connection, Timestamp::now(), 100_000).await.unwrap());
        let loaded = store.load(&connection, &MessageId::random(), Timestamp::now()).await.unwrap();
        let count = loaded.record.session.get::<u32>("counting.count").unwrap();
        counted.extend(count.map(|count| (number.to_owned(), count)));
    }
    Evidence {
        asked: asked.collect(),
        sent: sent.collect(),
        rows,
        phones,
        counted: counted.into_iter().collect(),
        texted,
    }
}

/// Decodes hexadecimal UTF-8, in which texts in GSM-7 come.
fn of_hex(hex: &str) -> String {
    let pairs = hex.as_bytes().chunks(2);
    let percent: String = pairs.map(|pair| format!("%{}", String::from_utf8_lossy(pair))).collect();
    String::from_utf8(unescape(&percent)).unwrap()
}

/// Returns whether no outbox is due, now or later, and the queue of a stack on these ports is empty.
pub(crate) async fn at_rest([_, dynamodb, sqs]: [u16; 3]) -> Result<bool> {
    let queue = format!("http://127.0.0.1:{sqs}/000000000000/threadless.fifo");
    if waiting(&queue).await? > 0 {
        return Ok(false);
    }
    Ok(items(([127, 0, 0, 1], dynamodb).into()).await?.iter().all(|item| item["due_at"].is_null()))
}

/// Returns the leases, outboxes and dead letters that remain although all work is done.
pub(crate) async fn left_behind([_, dynamodb, sqs]: [u16; 3]) -> Vec<String> {
    let dead = waiting(&format!("http://127.0.0.1:{sqs}/000000000000/threadless-dead.fifo")).await.unwrap();
    let mut left: Vec<String> = (0..dead).map(|_| "a dead letter".to_owned()).collect();
    for item in items(([127, 0, 0, 1], dynamodb).into()).await.unwrap() {
        let outbox = item["outbox"]["L"].as_array().is_some_and(|entries| !entries.is_empty());
        if outbox || !item["lease_owner"].is_null() || !item["due_at"].is_null() {
            left.push(format!("left behind: {item}"));
        }
    }
    left
}
