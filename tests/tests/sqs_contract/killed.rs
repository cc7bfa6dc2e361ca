//! A test of our SQS only, since it is about the data on disk: SIGKILL in the middle of sending.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::future::join_all;
use tests::aws::sqs_client;
use tests::ports::free_port;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::subject::{Queue, attribute};

/// The number of answers before the kill.
const ENOUGH: usize = 150;

/// The number of senders that send at the same time, each into its own group.
const SENDERS: usize = 8;

/// Starts the stack and waits until its SQS takes connections.
async fn start(data: &Path, sqs_port: u16) -> Child {
    let port = |name: &str, port: u16| format!("--{name}={port}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command.env_clear().current_dir(data).arg("--data").arg(data.join("kept")).kill_on_drop(true);
    command.args([port("port", free_port().unwrap()), port("dynamodb-port", free_port().unwrap())]);
    command.arg(port("sqs-port", sqs_port)).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let up = async {
        while TcpStream::connect(("127.0.0.1", sqs_port)).await.is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "it ended");
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_mins(1), up).await.expect("it is not up");
    child
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    let mut stack = start(data.path(), port).await;
    let client = sqs_client(&format!("http://127.0.0.1:{port}")).unwrap();
    let made = client.create_queue().queue_name("kept.fifo");
    let made = made.attributes(QueueAttributeName::FifoQueue, "true").send().await.unwrap();
    let queue = Queue { client: &client, url: made.queue_url.unwrap() };

    let answered = AtomicUsize::new(0);
    let send = |group: usize| {
        let (queue, answered) = (&queue, &answered);
        async move {
            let mut taken = Vec::new();
            for nth in 0.. {
                let call = queue.client.send_message().queue_url(&queue.url).message_body(format!("{nth}"));
                let call = call.message_deduplication_id(format!("{group}-{nth}"));
                match call.message_group_id(group.to_string()).send().await {
                    Ok(_) => taken.push(nth),
                    Err(_) => break,
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
            taken
        }
    };
    let senders = join_all((0..SENDERS).map(send));
    let (taken, ()) = tokio::join!(senders, async {
        while answered.load(Ordering::Relaxed) < ENOUGH {
            sleep(Duration::from_millis(1)).await;
        }
        stack.kill().await.unwrap();
    });

    let _stack = start(data.path(), port).await;
    let mut found = BTreeMap::<String, Vec<i32>>::new();
    loop {
        let messages = queue.receive(10).await;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let group = attribute(&message, &aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId);
            found.entry(group.to_owned()).or_default().push(message.body().unwrap().parse().unwrap());
            queue.delete(&message).await;
        }
    }
    for (group, taken) in taken.iter().enumerate() {
        // The message whose answer was lost by the kill may be there or not. No other message may be missing or extra.
        let found = &found[&group.to_string()];
        assert!(found.starts_with(taken), "group {group}: {taken:?} answered, {found:?} kept");
        assert!(found.len() <= taken.len() + 1, "group {group}: {taken:?} answered, {found:?} kept");
    }
}
