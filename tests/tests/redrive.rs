//! `cargo run -- redrive`, with the queues of a local stack.

use std::collections::BTreeMap;
use std::process::Output;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::Client;
use jiff::Timestamp;
use tests::aws::sqs_client;
use threadless::queue::{Job, Ticket};
use threadless::{ConnectionId, Incoming, MessageId, SystemClock};
use threadless_local::sqs::{Served, Sqs};
use tokio::net::TcpListener;
use tokio::process::Command;

const QUEUE: &str = "jobs.fifo";
const DEAD: &str = "dead.fifo";

/// Two empty queues.
struct Queues {
    client: Client,
    served: Served,
}

impl Queues {
    async fn open() -> Result<Self> {
        let sqs = Sqs::open(None, false, Arc::new(SystemClock))?;
        let fifo = BTreeMap::from([("FifoQueue".to_owned(), "true".to_owned())]);
        sqs.ensure_queue(QUEUE, &fifo)?;
        sqs.ensure_queue(DEAD, &fifo)?;
        let served = threadless_local::sqs::serve(&sqs, TcpListener::bind("127.0.0.1:0").await?)?;
        Ok(Self { client: sqs_client(&format!("http://{}", served.address()))?, served })
    }

    async fn send(&self, queue: &str, body: &str, group: &str, dedupe_id: &str) -> Result<()> {
        let send = self.client.send_message().queue_url(self.served.queue_url(queue)).message_body(body);
        send.message_group_id(group).message_deduplication_id(dedupe_id).send().await?;
        Ok(())
    }

    /// Takes out all messages, for good.
    async fn take_all(&self, queue: &str) -> Result<Vec<String>> {
        let (url, mut bodies) = (self.served.queue_url(queue), Vec::new());
        loop {
            let received =
                self.client.receive_message().queue_url(&url).max_number_of_messages(10).send().await?;
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(bodies);
            }
            for message in messages {
                bodies.push(message.body().context("no body")?.to_owned());
                let handle = message.receipt_handle().context("no handle")?;
                self.client.delete_message().queue_url(&url).receipt_handle(handle).send().await?;
            }
        }
    }

    async fn redrive(&self, more: &[&str]) -> Result<Output> {
        let mut command = command();
        command
            .args(["--from", &self.served.queue_url(DEAD), "--to", &self.served.queue_url(QUEUE)])
            .args(more);
        command.env("AWS_ENDPOINT_URL", format!("http://{}", self.served.address()));
        command.envs([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
        ]);
        Ok(command.output().await?)
    }
}

/// A job of a later program, perhaps of the deployed function.
const LATER: &str = r#"{"v":1,"type":"postcard"}"#;

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command.env_clear().arg("redrive").kill_on_drop(true);
    command
}

fn ticket(from: &str, id: &str) -> Result<Ticket> {
    let connection = ConnectionId::new("k".parse()?, from.parse()?);
    Ok(Ticket::incoming(Incoming::new(MessageId::from(id), connection, "hush", Timestamp::UNIX_EPOCH)))
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_come_back_in_order_although_the_queue_had_them_a_minute_ago_and_what_is_none_stays()
-> Result<()> {
    let queues = Queues::open().await?;
    let tickets = [ticket("1112223333", "a")?, ticket("1112223333", "b")?, ticket("1112223334", "c")?];
    let bodies: Vec<String> = tickets.iter().map(|ticket| ticket.job.to_json()).collect();
    for (ticket, body) in tickets.iter().zip(&bodies) {
        queues.send(QUEUE, body, &ticket.group, &ticket.dedupe_id).await?;
        queues.send(DEAD, body, &ticket.group, &ticket.dedupe_id).await?;
    }
    assert_eq!(queues.take_all(QUEUE).await?.len(), 3, "failed, and dead since");
    queues.send(DEAD, "no job", &tickets[0].group, "none").await?;
    queues.send(DEAD, LATER, "later", "later").await?;

    let dry = queues.redrive(&["--dry-run"]).await?;
    let said = String::from_utf8(dry.stdout)?;
    assert!(
        dry.status.success() && said.ends_with("0 brought back, 5 left in the dead letters.\n"),
        "{said}"
    );
    assert_eq!(said.matches("would go back ").count(), 4, "{said}");

    let done = queues.redrive(&[]).await?;
    let said = String::from_utf8(done.stdout)?;
    assert_eq!(done.status.code(), Some(1), "something is left: {said}");
    assert!(said.contains(" incoming, k 111****333\n") && said.contains(" not a job: "), "{said}");
    assert!(!said.contains("1112223333") && !said.contains("hush"), "neither numbers nor texts: {said}");
    assert!(said.ends_with("4 brought back, 1 left in the dead letters.\n"), "{said}");
    let back = queues.take_all(QUEUE).await?;
    let of_one: Vec<&String> = back.iter().filter(|body| bodies[..2].contains(body)).collect();
    assert_eq!(of_one, [&bodies[0], &bodies[1]], "in order");
    let later: Vec<&String> = back.iter().filter(|body| Job::from_json(body).is_err()).collect();
    assert_eq!((back.len(), later), (4, vec![&LATER.to_owned()]));
    assert_eq!(queues.take_all(DEAD).await?, ["no job"], "in sight again");

    let done = queues.redrive(&[]).await?;
    assert_eq!(done.stdout, b"0 brought back, 0 left in the dead letters.\n");
    assert!(done.status.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hinders_it_is_one_line() -> Result<()> {
    let queues = Queues::open().await?;
    let mut nobody = command();
    nobody.args(["--from", "http://127.0.0.1:9/0/d.fifo", "--to", "http://127.0.0.1:9/0/q.fifo"]);
    let mut nowhere = command();
    let (from, to) = (queues.served.queue_url("none.fifo"), queues.served.queue_url(QUEUE));
    nowhere
        .args(["--from", &from, "--to", &to])
        .env("AWS_ENDPOINT_URL", format!("http://{}", queues.served.address()));
    nowhere.envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
    for (mut command, expected) in [(nobody, "AWS_REGION is not set"), (nowhere, "ReceiveMessage: ")] {
        let output = command.output().await?;
        let said = String::from_utf8(output.stderr)?;
        assert!(said.starts_with("threadless: ") && said.contains(expected), "{said}");
        assert_eq!((said.lines().count(), output.status.code()), (1, Some(2)), "{said}");
    }
    Ok(())
}
