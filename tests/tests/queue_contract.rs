//! The contract of every queue, checked on each: the one in memory, and SQS over HTTP.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use tests::aws::sqs_client;
use threadless::aws::{Access, http_client};
use threadless::queue::sqs::SqsQueue;
use threadless::queue::{Job, MemoryQueue, Queue, QueueError, Ticket};
use threadless::testing::TestClock;
use threadless::{Clock as _, ConnectionId, Incoming, MessageId};
use threadless_local::sqs::{Served, Sqs};
use tokio::net::TcpListener;

/// A queue under test, its clock, and a function that takes out its jobs.
struct Subject {
    queue: Arc<dyn Queue>,
    clock: TestClock,
    out: Out,
}

enum Out {
    Memory(Arc<MemoryQueue>),
    Sqs { client: aws_sdk_sqs::Client, url: String, _served: Served },
}

const QUEUE: &str = "contract.fifo";

fn memory() -> Subject {
    let clock = TestClock::default();
    let queue = Arc::new(MemoryQueue::new(Arc::new(clock.clone())));
    Subject { queue: Arc::clone(&queue) as Arc<dyn Queue>, clock, out: Out::Memory(queue) }
}

async fn sqs() -> Subject {
    let clock = TestClock::default();
    let sqs = Sqs::open(None, false, Arc::new(clock.clone())).unwrap();
    let attributes = [("FifoQueue", "true"), ("DeduplicationScope", "messageGroup")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    sqs.ensure_queue(QUEUE, &BTreeMap::from(attributes)).unwrap();
    let served = threadless_local::sqs::serve(&sqs, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let endpoint = format!("http://{}", served.address());
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("test", "test", None, None, "test"),
        endpoint_url: Some(endpoint.clone()),
    };
    let url = served.queue_url(QUEUE);
    let queue = Arc::new(SqsQueue::new(&access, http_client().unwrap(), &url));
    let client = sqs_client(&endpoint).unwrap();
    Subject { queue, clock, out: Out::Sqs { client, url, _served: served } }
}

impl Subject {
    /// Takes out all jobs, for good.
    async fn take_all(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        match &self.out {
            Out::Memory(queue) => {
                while let Some(ticket) = queue.take() {
                    jobs.push(ticket.job);
                }
            }
            Out::Sqs { client, url, .. } => loop {
                let received =
                    client.receive_message().queue_url(url).max_number_of_messages(10).send().await;
                let messages = received.unwrap().messages.unwrap_or_default();
                if messages.is_empty() {
                    break;
                }
                for message in messages {
                    jobs.push(Job::from_json(message.body().unwrap()).unwrap());
                    let handle = message.receipt_handle().unwrap();
                    client.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
                }
            },
        }
        jobs
    }

    fn message(&self, from: &str, id: &str, text: &str) -> Incoming {
        let connection = ConnectionId::new("k".parse().unwrap(), from.parse().unwrap());
        let mut message = Incoming::new(MessageId::from(id), connection, text, self.clock.now());
        message.raw = Some(vec![0, 0xff]);
        message.details = BTreeMap::from([("smsc".to_owned(), "\u{ffff}\0".to_owned())]);
        message
    }

    async fn enqueue(&self, message: &Incoming) {
        self.queue.enqueue(Ticket::incoming(message.clone())).await.unwrap();
    }
}

fn ids(jobs: &[Job]) -> Vec<String> {
    jobs.iter()
        .map(|job| match job {
            Job::Incoming { message } => message.id.to_string(),
            Job::Notice { notice } => notice.id.to_string(),
            Job::Report { report } => report.id.to_string(),
            Job::Deliver { .. } => "deliver".to_owned(),
            Job::Broadcast { key } | Job::Part { key, .. } => key.to_string(),
            Job::Scheduled { name, .. } => name.clone(),
        })
        .collect()
}

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod in_memory { $(#[tokio::test] async fn $name() { super::$name(&super::memory()).await; })* }
        mod in_sqs { $(#[tokio::test] async fn $name() { super::$name(&super::sqs().await).await; })* }
    };
}

contract! {
    a_job_comes_out_as_it_went_in_whatever_its_characters,
    jobs_of_one_connection_come_out_in_order,
    the_same_message_is_taken_and_handed_out_once_for_five_minutes,
    many_jobs_at_once_come_out_like_one_after_the_other,
    a_delivery_is_asked_for_once_for_each_time_that_it_is_due,
}

async fn a_job_comes_out_as_it_went_in_whatever_its_characters(subject: &Subject) {
    let text: String = (0..0x3000).filter_map(char::from_u32).chain("\u{ffff}👩\u{200d}💻".chars()).collect();
    let message = subject.message("ሰላም", "m", &text);
    subject.enqueue(&message).await;
    assert_eq!(subject.take_all().await, [Job::Incoming { message: Box::new(message) }]);
}

async fn jobs_of_one_connection_come_out_in_order(subject: &Subject) {
    let names: Vec<String> = (0..25).map(|nth| format!("m{nth:02}")).collect();
    for name in &names {
        subject.enqueue(&subject.message("1", name, "x")).await;
        subject.enqueue(&subject.message("2", &format!("other {name}"), "x")).await;
    }
    let taken = ids(&subject.take_all().await);
    let of_one: Vec<String> = taken.iter().filter(|id| names.contains(id)).cloned().collect();
    assert_eq!((of_one, taken.len()), (names, 50));
}

async fn the_same_message_is_taken_and_handed_out_once_for_five_minutes(subject: &Subject) {
    let message = subject.message("1", "m", "x");
    for _ in 0..3 {
        subject.enqueue(&message).await;
        subject.clock.advance(Duration::from_secs(99));
    }
    assert_eq!(ids(&subject.take_all().await), ["m"]);
    subject.clock.advance(Duration::from_secs(3));
    subject.enqueue(&message).await;
    assert_eq!(ids(&subject.take_all().await), ["m"], "after that the store knows it");
}

async fn many_jobs_at_once_come_out_like_one_after_the_other(subject: &Subject) {
    // Some of the messages are too long for ten in one call.
    let message = |nth: usize| {
        let text = if nth.is_multiple_of(7) { "\u{1230}".repeat(10_000) } else { "x".to_owned() };
        subject.message(&(nth % 3).to_string(), &format!("m{nth:02}"), &text)
    };
    let tickets =
        |numbers: std::ops::Range<usize>| numbers.map(|nth| Ticket::incoming(message(nth))).collect();
    subject.queue.enqueue_all(Vec::new()).await.unwrap();
    subject.queue.enqueue_all(tickets(0..37)).await.unwrap();
    // The caller repeats the call, as after a death, with one more job.
    subject.queue.enqueue_all(tickets(0..38)).await.unwrap();
    let taken = ids(&subject.take_all().await);
    assert_eq!(taken.len(), 38);
    for group in 0..3 {
        let expected: Vec<String> = (group..38).step_by(3).map(|nth| format!("m{nth:02}")).collect();
        let theirs: Vec<String> = taken.iter().filter(|id| expected.contains(id)).cloned().collect();
        assert_eq!(theirs, expected, "group {group}");
    }
}

async fn a_delivery_is_asked_for_once_for_each_time_that_it_is_due(subject: &Subject) {
    let connection = subject.message("1", "m", "x").connection;
    let first = subject.clock.now();
    for since in [first, first, first + jiff::SignedDuration::from_secs(60)] {
        subject.queue.enqueue(Ticket::deliver(connection.clone(), since)).await.unwrap();
    }
    assert_eq!(ids(&subject.take_all().await), ["deliver", "deliver"]);
}

#[tokio::test]
async fn sqs_says_how_many_jobs_wait() {
    let subject = sqs().await;
    assert_eq!(subject.queue.waiting().await.unwrap(), Some(0));
    let tickets = (0..25)
        .map(|nth| Ticket::incoming(subject.message(&format!("{}", nth % 5), &format!("m{nth}"), "x")));
    subject.queue.enqueue_all(tickets.collect()).await.unwrap();
    assert_eq!(subject.queue.waiting().await.unwrap(), Some(25));
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_an_error_that_says_so() {
    let subject = sqs().await;
    let Out::Sqs { url, .. } = &subject.out else { unreachable!() };
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("test", "test", None, None, "test"),
        endpoint_url: Some(url.split("/0000").next().unwrap().to_owned()),
    };
    let queue = SqsQueue::new(&access, http_client().unwrap(), url.replace("contract", "none"));
    let problem = queue.enqueue(Ticket::incoming(subject.message("1", "m", "x"))).await.unwrap_err();
    assert!(matches!(&problem, QueueError::Refused(text) if text.contains("NonExistentQueue")), "{problem}");
}
