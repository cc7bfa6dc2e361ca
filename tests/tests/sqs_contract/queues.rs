//! Queues: making, changing, counting, emptying them.

use aws_sdk_sqs::types::QueueAttributeName;

use crate::subject::{Subject, refusal};

pub(crate) async fn counts_and_attributes_are_told(subject: &Subject) {
    let queue = subject.queue().await;
    for text in ["a", "b", "c"] {
        queue.send(text, text).await;
    }
    queue.receive(1).await;
    let call = queue.client.get_queue_attributes().queue_url(&queue.url);
    let told = call.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
    let told = |name: QueueAttributeName| told[&name].as_str();
    assert_eq!(told(QueueAttributeName::ApproximateNumberOfMessages), "2");
    assert_eq!(told(QueueAttributeName::ApproximateNumberOfMessagesNotVisible), "1");
    assert_eq!(told(QueueAttributeName::VisibilityTimeout), "30");
    assert_eq!(told(QueueAttributeName::FifoQueue), "true");
    assert!(told(QueueAttributeName::QueueArn).ends_with(":contract.fifo"));
    let found = queue.client.get_queue_url().queue_name("contract.fifo").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(queue.url.as_str()));
}

pub(crate) async fn a_queue_that_is_not_there_is_named_so(subject: &Subject) {
    let problem = subject.client.get_queue_url().queue_name("none.fifo").send().await.unwrap_err();
    assert!(problem.as_service_error().unwrap().is_queue_does_not_exist(), "{problem:?}");
    assert_eq!(refusal::<(), _, _>(Err(problem)).0, "AWS.SimpleQueueService.NonExistentQueue");
}

pub(crate) async fn a_queue_is_made_again_only_with_the_same_attributes(subject: &Subject) {
    let queue = subject.queue().await;
    assert_eq!(subject.queue().await.url, queue.url);
    let call = subject.client.create_queue().queue_name("contract.fifo");
    let call = call.attributes(QueueAttributeName::FifoQueue, "true");
    let other = call.attributes(QueueAttributeName::VisibilityTimeout, "31").send().await;
    assert_eq!(refusal(other).0, "QueueAlreadyExists");
}

pub(crate) async fn attributes_are_changed(subject: &Subject) {
    let queue = subject.queue().await;
    let set = |value: &str| {
        let call = queue.client.set_queue_attributes().queue_url(&queue.url);
        call.attributes(QueueAttributeName::VisibilityTimeout, value).send()
    };
    set("0").await.unwrap();
    queue.send("g", "a").await;
    assert_eq!(queue.bodies(1).await, ["a"]);
    assert_eq!(queue.bodies(1).await, ["a"], "it was never in flight");
    assert_eq!(refusal(set("43201").await).0, "InvalidAttributeValue");
    assert_eq!(queue.attribute(QueueAttributeName::VisibilityTimeout).await, "0");
}

pub(crate) async fn a_purged_queue_is_empty(subject: &Subject) {
    let queue = subject.queue().await;
    queue.send("g", "a").await;
    queue.send("h", "b").await;
    queue.receive(1).await;
    queue.client.purge_queue().queue_url(&queue.url).send().await.unwrap();
    for name in [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ] {
        assert_eq!(queue.attribute(name).await, "0");
    }
}

pub(crate) async fn queues_are_listed_by_how_their_names_begin(subject: &Subject) {
    let (source, dead) = subject.queue_with_dead_letters(3).await;
    let list = |prefix: &str| subject.client.list_queues().queue_name_prefix(prefix).send();
    assert_eq!(list("dea").await.unwrap().queue_urls(), [dead.url]);
    assert_eq!(list("sou").await.unwrap().queue_urls(), [source.url]);
    assert!(list("none").await.unwrap().queue_urls().is_empty());
}
