//! The end of the program: the first signal lets running work finish, the second one does not.

use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::Signal;
use tempfile::TempDir;
use tests::apps::BLOCKING;
use tests::http::get;
use tests::ports::free_port;
use tests::recorder::{Answer, Recorder, Reply};

use super::flags;
use super::process::{LIMIT, Running};

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_terminal_ends_it_in_order() -> Result<()> {
    let folder = TempDir::new()?;
    let stack = Running::start(folder.path(), &flags(folder.path(), free_port()?)?, &[]).await?;
    let ended = stack.stop(Signal::HUP).await?;
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(
        ended.stdout.ends_with("\nStopped. All accepted messages are stored in .threadless.\n"),
        "{}",
        ended.stdout
    );
    Ok(())
}

/// The user runs `nohup cargo run &`.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_may_outlive_its_terminal_does() -> Result<()> {
    let folder = TempDir::new()?;
    let flags = flags(folder.path(), free_port()?)?;
    let stack = Running::start_by("trap '' HUP; exec \"$@\"", folder.path(), &flags).await?;
    let url = format!("{}?id=1112223333&text=echo+hello", stack.url()?);
    stack.send(Signal::HUP)?;
    for _ in 0..20 {
        assert_eq!(get(&url).await?.status, 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stack.stop(Signal::INT).await?.status.code(), Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_ends_it_at_once_and_nothing_is_lost() -> Result<()> {
    let folder = TempDir::new()?;
    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Answer::Hang);
    let flags = flags(folder.path(), gateway.address().port())?;
    let mut stack = Running::start(folder.path(), &flags, &[]).await?;
    let url = format!("{}?id=1112223333&text=echo+kept&mid=1", stack.url()?);
    assert_eq!(get(&url).await?.status, 200);
    gateway.wait_for(1, LIMIT).await?;
    // The function `responder` waits for the gateway, and after the first signal the program waits for this function.
    let ended = loop {
        stack.send(Signal::INT)?;
        if let Some(ended) = stack.ended_within(Duration::from_millis(200)).await? {
            break ended;
        }
    };
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(130), ""));
    assert!(ended.stdout.contains("\nStopped at once. "), "{}", ended.stdout);

    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let stack = Running::start(folder.path(), &flags, &[]).await?;
    let sent = gateway.wait_for(2, LIMIT).await?;
    assert_eq!(sent[1].text("text").as_deref(), Some("kept"));
    assert_eq!(stack.stop(Signal::INT).await?.status.code(), Some(0));
    Ok(())
}

/// An app that never returns its thread would keep a runtime from ending for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_blocks_its_thread_does_not_hold_up_the_end() -> Result<()> {
    let folder = TempDir::new()?;
    let stack = Running::start(folder.path(), &flags(folder.path(), free_port()?)?, &[]).await?;
    let url = format!("{}?id=1112223333&text=block", stack.url()?);
    assert_eq!(get(&url).await?.status, 200);
    let begun = Instant::now();
    while !folder.path().join(BLOCKING).exists() {
        anyhow::ensure!(begun.elapsed() < LIMIT, "the app is not called");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = stack.stop(Signal::INT).await?;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    Ok(())
}
