//! Tests of the behaviour of queues. They call the engine itself, with a clock that stands still.

mod dead_letters;
mod in_flight;
mod once;
mod order;
mod queues;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use threadless::testing::TestClock;

use super::attributes::Attributes;
use super::engine::{Counts, Engine, Queue};
use super::error::SqsError;
use super::message::NewMessage;
use super::receive::Received;
use super::schema;
use super::send::Sent;

const QUEUE: &str = "q.fifo";

/// An engine with one queue, and its clock.
struct Bench {
    engine: Engine,
    clock: TestClock,
}

fn attributes(given: &[(&str, &str)]) -> Attributes {
    let fifo = [("FifoQueue", "true")];
    fifo.iter().chain(given).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn message(group: &str, body: &str, dedupe_id: &str) -> NewMessage {
    NewMessage {
        body: body.to_owned(),
        group: Some(group.to_owned()),
        dedupe_id: Some(dedupe_id.to_owned()),
        ..NewMessage::default()
    }
}

fn bodies(messages: &[Received]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

impl Bench {
    /// Makes a queue with these attributes in addition to the defaults: a visibility time-out of 30 s, and
    /// deduplication for the whole queue.
    fn new(given: &[(&str, &str)]) -> Self {
        let connection = schema::prepare(Connection::open_in_memory().unwrap(), false).unwrap();
        let clock = TestClock::default();
        let engine = Engine::new(connection, Arc::new(clock.clone()));
        let mut bench = Self { engine, clock };
        bench.make(QUEUE, given);
        bench
    }

    /// Makes a queue whose messages become dead letters after `most` receives.
    fn with_dead_letters(most: u32) -> Self {
        let mut bench = Self::new(&[]);
        bench.make("dead.fifo", &[("MessageRetentionPeriod", "60")]);
        let policy = format!(
            r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":{most}}}"#
        );
        bench.set(&[("RedrivePolicy", &policy)]);
        bench
    }

    fn make(&mut self, name: &str, given: &[(&str, &str)]) {
        self.engine.create_queue(name, &attributes(given)).unwrap();
    }

    fn set(&mut self, given: &[(&str, &str)]) {
        self.engine.set_attributes(QUEUE, &attributes(given)).unwrap();
    }

    fn queue(&self, name: &str) -> Queue {
        self.engine.queue(name).unwrap()
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn send_as(&mut self, group: &str, body: &str, dedupe_id: &str) -> Sent {
        let queue = self.queue(QUEUE);
        self.engine.send(&queue, &message(group, body, dedupe_id)).unwrap()
    }

    /// Sends texts such as `g1`: the letter is the group.
    fn send(&mut self, texts: &[&str]) {
        for text in texts {
            self.send_as(&text[..1], text, text);
        }
    }

    fn receive_from(&mut self, name: &str, most: usize) -> Vec<Received> {
        let queue = self.queue(name);
        self.engine.receive(&queue, most, 30).unwrap()
    }

    fn receive(&mut self, most: usize) -> Vec<Received> {
        self.receive_from(QUEUE, most)
    }

    fn delete(&mut self, message: &Received) -> Result<(), SqsError> {
        let queue = self.queue(QUEUE);
        self.engine.delete(&queue, &message.receipt.to_string())
    }

    fn change_visibility(&mut self, message: &Received, seconds: i64) -> Result<(), SqsError> {
        let queue = self.queue(QUEUE);
        self.engine.change_visibility(&queue, &message.receipt.to_string(), seconds)
    }

    fn counts(&mut self, name: &str) -> Counts {
        let queue = self.queue(name);
        self.engine.counts(&queue).unwrap()
    }
}
