//! The SQS under test, and a queue in it.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use tests::aws::sqs_client;
use tests::ministack::Ministack;
use threadless::testing::TestClock;
use threadless::{Clock, SystemClock};
use threadless_local::sqs::{Served, Sqs};
use tokio::net::TcpListener;

/// An SQS under test, and the values that must outlive it.
pub(crate) struct Subject {
    pub(crate) client: Client,
    _server: Server,
}

#[allow(dead_code)]
enum Server {
    Ours(Served),
    Ministack(Ministack),
}

pub(crate) async fn ours() -> Subject {
    with_clock(Arc::new(SystemClock)).await
}

/// Starts our SQS with a clock that stands still.
pub(crate) async fn ours_in_still_time() -> (Subject, TestClock) {
    let clock = TestClock::default();
    (with_clock(Arc::new(clock.clone())).await, clock)
}

async fn with_clock(clock: Arc<dyn Clock>) -> Subject {
    let sqs = Sqs::open(None, false, clock).unwrap();
    let served = threadless_local::sqs::serve(&sqs, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let client = sqs_client(&format!("http://{}", served.address())).unwrap();
    Subject { client, _server: Server::Ours(served) }
}

pub(crate) async fn ministack() -> Subject {
    let ministack = tokio::task::spawn_blocking(Ministack::start).await.unwrap().unwrap();
    Subject { client: sqs_client(&ministack.endpoint()).unwrap(), _server: Server::Ministack(ministack) }
}

/// One queue of a subject, with short functions for the steps of the tests.
pub(crate) struct Queue<'a> {
    pub(crate) client: &'a Client,
    pub(crate) url: String,
}

impl Subject {
    /// Makes a queue with the project's own settings: deduplication ids by group, and 30 seconds of visibility
    /// time-out.
    pub(crate) async fn queue(&self) -> Queue<'_> {
        self.queue_with("contract.fifo", &[]).await
    }

    pub(crate) async fn queue_with(&self, name: &str, more: &[(QueueAttributeName, &str)]) -> Queue<'_> {
        let mut attributes = HashMap::from([
            (QueueAttributeName::FifoQueue, "true".to_owned()),
            (QueueAttributeName::VisibilityTimeout, "30".to_owned()),
            (QueueAttributeName::DeduplicationScope, "messageGroup".to_owned()),
            (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId".to_owned()),
        ]);
        attributes.extend(more.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
        let made = self
            .client
            .create_queue()
            .queue_name(name)
            .set_attributes(Some(attributes))
            .send()
            .await
            .unwrap();
        Queue { client: &self.client, url: made.queue_url.unwrap() }
    }

    /// Makes a queue whose messages become dead letters after this number of receives. Returns both queues.
    pub(crate) async fn queue_with_dead_letters(&self, most: u32) -> (Queue<'_>, Queue<'_>) {
        let dead = self.queue_with("dead.fifo", &[]).await;
        let arn = dead.attribute(QueueAttributeName::QueueArn).await;
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{most}}}"#);
        let redrive = [(QueueAttributeName::RedrivePolicy, policy.as_str())];
        (self.queue_with("source.fifo", &redrive).await, dead)
    }
}

impl Queue<'_> {
    /// Sends a text, which is its own deduplication id. Returns its message id and sequence number.
    pub(crate) async fn send(&self, group: &str, text: &str) -> (String, String) {
        self.send_as(group, text, text).await
    }

    pub(crate) async fn send_as(&self, group: &str, text: &str, dedupe_id: &str) -> (String, String) {
        let call = self.client.send_message().queue_url(&self.url).message_body(text);
        let sent = call.message_group_id(group).message_deduplication_id(dedupe_id).send().await.unwrap();
        (sent.message_id.unwrap(), sent.sequence_number.unwrap())
    }

    pub(crate) async fn receive(&self, most: i32) -> Vec<Message> {
        self.receive_for(most, None, 0).await
    }

    pub(crate) async fn receive_for(&self, most: i32, visibility: Option<i32>, wait: i32) -> Vec<Message> {
        let call = self.client.receive_message().queue_url(&self.url).max_number_of_messages(most);
        let call = call.set_visibility_timeout(visibility).wait_time_seconds(wait);
        let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
        call.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default()
    }

    pub(crate) async fn bodies(&self, most: i32) -> Vec<String> {
        bodies(&self.receive(most).await)
    }

    pub(crate) async fn delete(&self, message: &Message) {
        let handle = message.receipt_handle().unwrap();
        self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await.unwrap();
    }

    pub(crate) async fn attribute(&self, name: QueueAttributeName) -> String {
        let call = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        call.send().await.unwrap().attributes.unwrap().remove(&name).unwrap()
    }

    pub(crate) async fn change_visibility(&self, message: &Message, seconds: i32) {
        let call = self.client.change_message_visibility().queue_url(&self.url).visibility_timeout(seconds);
        call.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    }
}

pub(crate) fn bodies(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.body().unwrap().to_owned()).collect()
}

pub(crate) fn attribute<'m>(message: &'m Message, name: &MessageSystemAttributeName) -> &'m str {
    message.attributes().and_then(|all| all.get(name)).map_or("", String::as_str)
}

/// Returns the code and the text with which a call was refused.
pub(crate) fn refusal<T, E, R>(answer: Result<T, SdkError<E, R>>) -> (String, String)
where
    E: ProvideErrorMetadata,
{
    let problem = answer.err().expect("it was not refused");
    let error = problem.as_service_error().expect("there was no answer");
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}
