//! A queue message that is no job becomes a dead letter, and comes back after its repair.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sqs::Client;
use jiff::Timestamp;
use tests::kannel::{Kannel, reassemble};
use threadless::queue::{Job, Ticket};
use threadless::{ConnectionId, Incoming, MessageId};

use crate::answers::BACKENDS;
use crate::stack::{Account, LIMIT, wait_for_messages};

/// Returns the ticket of a message for the shipped backend, as its endpoint would enqueue it.
fn ticket() -> Result<Ticket> {
    let connection = ConnectionId::new(BACKENDS[0].0.parse()?, "1112223339".parse()?);
    let id = MessageId::of_gateway(&connection, "repaired");
    let mut message = Incoming::new(id, connection, "echo repaired", Timestamp::now());
    message.recipient = Some("1234".to_owned());
    Ok(Ticket::incoming(message))
}

/// Enqueues a message that is no job, waits until it is a dead letter, repairs it there, and follows the page.
pub(crate) async fn come_back(account: &Account, kannel: &Kannel) -> Result<()> {
    let (sqs, outputs) = (account.sqs()?, account.outputs()?);
    let output = |name: &str| outputs.get(name).with_context(|| format!("no output {name}"));
    let (queue, dead) = (output("QueueUrl")?, output("DeadLetterQueueUrl")?);
    let ticket = ticket()?;
    let sound = ticket.job.to_json();
    let broken = sound.trim_end_matches('}');
    assert!(Job::from_json(broken).is_err());
    let (group, dedupe_id) = (&ticket.group, &ticket.dedupe_id);
    send(&sqs, queue, broken, group, dedupe_id).await?;
    wait_for_messages(&sqs, dead, 1).await?;

    let phone = kannel.smsc();
    let before = phone.mts().len();
    repair(&sqs, dead, broken, &sound, group).await?;
    // With its old deduplication id, the queue would drop the message as a repetition from some minutes ago.
    send(&sqs, queue, &sound, group, dedupe_id).await?;
    wait_for_messages(&sqs, queue, 0).await?;
    assert_eq!(phone.mts().len(), before, "a dedupe id is known for five minutes");

    let said = account.follow("Dead letters")?;
    let shown = format!("incoming, {} 111****339", BACKENDS[0].0);
    assert!(said.contains("would go back") && said.contains(&shown), "{said}");
    assert!(said.ends_with("1 brought back, 0 left in the dead letters.\n"), "{said}");
    let reply = &phone.wait_for_mts(before + 1, LIMIT).await?[before];
    assert_eq!(
        (reply.to.as_str(), reassemble(std::slice::from_ref(reply))?.as_str()),
        ("1112223339", "repaired")
    );
    wait_for_messages(&sqs, dead, 0).await
}

/// Repairs the dead letter by hand, as a person does: takes it out, and puts it back with the right content.
async fn repair(sqs: &Client, dead: &str, broken: &str, sound: &str, group: &str) -> Result<()> {
    let received = sqs.receive_message().queue_url(dead).send().await?.messages.unwrap_or_default();
    let [letter] = &received[..] else { anyhow::bail!("not one dead letter: {received:?}") };
    ensure!(letter.body() == Some(broken), "{letter:?}");
    send(sqs, dead, sound, group, "repaired").await?;
    let handle = letter.receipt_handle().context("no handle")?;
    sqs.delete_message().queue_url(dead).receipt_handle(handle).send().await?;
    Ok(())
}

async fn send(sqs: &Client, queue: &str, body: &str, group: &str, dedupe_id: &str) -> Result<()> {
    let send = sqs.send_message().queue_url(queue).message_body(body);
    send.message_group_id(group).message_deduplication_id(dedupe_id).send().await?;
    Ok(())
}
