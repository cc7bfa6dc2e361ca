//! `cargo run -- redrive`: brings jobs back from the dead-letter queue, after the cause of their failure was fixed.
//!
//! A FIFO queue drops a message whose deduplication id it has seen in the last five minutes. A job that is brought back
//! twice in that time must not be dropped, so this command gives each job a new deduplication id. It sends each job
//! before it deletes the dead letter. If the process dies in between, the job exists twice. The second job has no
//! effect as long as the message is known.

use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use clap::Args;
use serde::Deserialize as _;
use serde_json::Value;
use threadless::ConnectionId;
use threadless::aws::Access;
use threadless::queue::Job;
use uuid::Uuid;

use crate::client::sqs_client;

/// The queues of the redrive.
#[derive(Clone, Debug, Args)]
pub struct RedriveOptions {
    /// The dead-letter queue: the output `DeadLetterQueueUrl` of the stack
    #[arg(long, env = "THREADLESS_DEAD_LETTERS_URL", value_name = "URL")]
    pub from: String,

    /// The queue: the output `QueueUrl` of the stack
    #[arg(long, env = "THREADLESS_QUEUE_URL", value_name = "URL")]
    pub to: String,

    /// Only report what would be brought back
    #[arg(long)]
    pub dry_run: bool,
}

/// The result of a redrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Redriven {
    /// The number of jobs that went back to the queue.
    pub(crate) back: usize,
    /// The number of messages that stayed in the dead-letter queue, because they are not jobs or because this was a dry
    /// run.
    pub(crate) left: usize,
}

/// The most messages of one receive call. `OURS` is their visibility time-out in seconds.
const BATCH: i32 = 10;
const OURS: i32 = 60;

/// The number of seconds to wait for an empty queue. SQS may still have a message.
const WAIT: i32 = 2;

/// Reads the credentials and the region from `AWS_REGION`, `AWS_ACCESS_KEY_ID` and so on, as `aws configure
/// export-credentials` gives them.
fn access() -> Result<Access, String> {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let need = |name: &str| {
        var(name).ok_or_else(|| {
            format!("{name} is not set; run: eval \"$(aws configure export-credentials --format env)\"")
        })
    };
    let region = var("AWS_REGION").or_else(|| var("AWS_DEFAULT_REGION"));
    Ok(Access {
        region: region.ok_or("AWS_REGION is not set; run for example: export AWS_REGION=eu-west-1")?,
        credentials: Credentials::new(
            need("AWS_ACCESS_KEY_ID")?,
            need("AWS_SECRET_ACCESS_KEY")?,
            var("AWS_SESSION_TOKEN"),
            None,
            "environment",
        ),
        endpoint_url: var("AWS_ENDPOINT_URL_SQS").or_else(|| var("AWS_ENDPOINT_URL")),
    })
}

/// Brings back every job that this program can read, in order for each conversation, and reports each job in one line.
/// The exit status is 1 if some messages are left behind.
///
/// # Errors
/// Fails if a variable is missing or SQS refuses a call. All jobs that were not brought back by then are still in the
/// dead-letter queue.
pub(crate) fn run(options: &RedriveOptions, mut say: impl FnMut(String)) -> Result<u8, String> {
    let client = sqs_client(&access()?).map_err(|problem| problem.to_string())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|problem| problem.to_string())?;
    let Redriven { back, left } = runtime.block_on(redrive(&client, options, &mut say))?;
    say(format!("{back} brought back, {left} left in the dead letters."));
    Ok(u8::from(left > 0 && !options.dry_run))
}

async fn redrive(
    client: &Client,
    options: &RedriveOptions,
    say: &mut impl FnMut(String),
) -> Result<Redriven, String> {
    let (mut done, mut left) = (Redriven::default(), Vec::new());
    let ended = loop {
        match batch(client, options).await {
            Ok(messages) if messages.is_empty() => break Ok(()),
            Ok(messages) => {
                if let Err(problem) = work_off(client, options, messages, &mut left, &mut done, say).await {
                    break Err(problem);
                }
            }
            Err(problem) => break Err(problem),
        }
    };
    // Until now these messages were invisible, so that the loop could end.
    for handle in left {
        let visible = client.change_message_visibility().queue_url(&options.from).receipt_handle(handle);
        let _ = visible.visibility_timeout(0).send().await;
    }
    ended.map(|()| done)
}

async fn batch(client: &Client, options: &RedriveOptions) -> Result<Vec<Message>, String> {
    let call = client.receive_message().queue_url(&options.from).max_number_of_messages(BATCH);
    let call = call.visibility_timeout(OURS).wait_time_seconds(WAIT);
    let call = call.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
    let received = call.send().await.map_err(|error| refused("ReceiveMessage", &error))?;
    Ok(received.messages.unwrap_or_default())
}

async fn work_off(
    client: &Client,
    options: &RedriveOptions,
    messages: Vec<Message>,
    left: &mut Vec<String>,
    done: &mut Redriven,
    say: &mut impl FnMut(String),
) -> Result<(), String> {
    for message in messages {
        let id = message.message_id().unwrap_or_default();
        let handle = message.receipt_handle().unwrap_or_default();
        let body = message.body().unwrap_or_default();
        // This program may be older than the deployed function. A job that only a later program can read goes back too.
        let job = match Job::from_json(body) {
            Err(problem) if !problem.is_transient() => Err(problem),
            _ => Ok(()),
        };
        if let (Ok(()), false) = (&job, options.dry_run) {
            let group =
                message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
            let send = client.send_message().queue_url(&options.to).message_body(body);
            let send = send.set_message_group_id(group.cloned());
            let send = send.message_deduplication_id(Uuid::new_v4().simple().to_string());
            send.send().await.map_err(|error| refused("SendMessage", &error))?;
            let delete = client.delete_message().queue_url(&options.from).receipt_handle(handle);
            delete.send().await.map_err(|error| refused("DeleteMessage", &error))?;
            done.back += 1;
        } else {
            left.push(handle.to_owned());
            done.left += 1;
        }
        say(match job {
            Ok(()) => {
                format!("{} {id} {}", if options.dry_run { "would go back" } else { "back" }, shown(body))
            }
            Err(problem) => format!("left {id} {problem}"),
        });
    }
    Ok(())
}

/// Describes a job for a terminal: its type and, if it is about one connection, the backend and the masked number. It
/// shows neither the full number nor the text.
fn shown(body: &str) -> String {
    let job = serde_json::from_str::<Value>(body).unwrap_or_default();
    let kind = job["type"].as_str().unwrap_or("job");
    let about = [&job, &job["message"], &job["notice"], &job["report"]];
    let about = about.into_iter().find_map(|part| ConnectionId::deserialize(&part["connection"]).ok());
    match about {
        Some(about) => format!("{kind}, {} {}", about.backend, about.identity.masked()),
        None => kind.to_owned(),
    }
}

fn refused(operation: &str, error: &(impl std::error::Error + 'static)) -> String {
    format!("{operation}: {}", DisplayErrorContext(error))
}
