//! Tests in which nobody takes the program's output: a full disk, a closed pipe, a pipe that nobody reads.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use tempfile::TempDir;
use tests::http::get;
use tests::ports::free_port;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::flags;
use super::process::{Silent, command, run_with};

fn full() -> Result<Stdio> {
    Ok(OpenOptions::new().write(true).open("/dev/full")?.into())
}

/// Sends one message, gets one page, and ends the stack by Ctrl-C.
async fn works_and_ends(stack: Silent) -> Result<()> {
    let url = stack.url("/backend/my-kannel-backend/?id=1112223333&text=echo+hello");
    let answer = get(&url).await?;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(get(&stack.url("/httptester/message_tester/1/")).await?.status, 200);
    assert_eq!(get(&stack.url("/backend/none/")).await?.status, 404);
    assert_eq!(stack.stop(Signal::INT).await?.code(), Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_behind_the_outputs_stops_nothing() -> Result<()> {
    let folder = TempDir::new()?;
    let mut flags = flags(folder.path(), free_port()?)?;
    flags.push("--log=debug".to_owned());
    for (out, error) in [(true, false), (false, true), (true, true)] {
        let stdio = |is_full: bool| if is_full { full() } else { Ok(Stdio::null()) };
        let stack = Silent::start(folder.path(), &flags, stdio(out)?, stdio(error)?).await?;
        works_and_ends(stack).await.with_context(|| format!("stdout {out}, stderr {error}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_that_was_closed_stops_nothing() -> Result<()> {
    let folder = TempDir::new()?;
    let mut flags = flags(folder.path(), free_port()?)?;
    flags.push("--log=debug".to_owned());
    let mut stack = Silent::start(folder.path(), &flags, Stdio::piped(), Stdio::piped()).await?;
    // This is `cargo run | head -1`.
    let out = stack.child.stdout.take().context("no stdout")?;
    let line = BufReader::new(out).lines().next_line().await?.unwrap_or_default();
    assert_eq!(line, "Threadless is running. Its data is in .threadless. Press Ctrl-C to stop it.");
    drop(stack.child.stderr.take());
    works_and_ends(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_stands_still_holds_up_nothing() -> Result<()> {
    let folder = TempDir::new()?;
    let mut flags = flags(folder.path(), free_port()?)?;
    flags.push("--log=debug".to_owned());
    // Nobody reads the pipe, which holds no more than 64 KB.
    let stack = Silent::start(folder.path(), &flags, Stdio::piped(), Stdio::piped()).await?;
    let text = "a".repeat(8_000);
    for number in 0..40 {
        let url = format!("/backend/my-kannel-backend/?id=1{number:09}&text=echo+{text}");
        assert_eq!(get(&stack.url(&url)).await?.status, 200, "message {number}");
    }
    works_and_ends(stack).await
}

#[tokio::test]
async fn what_hinders_it_is_in_the_exit_status_where_nobody_reads_it() -> Result<()> {
    let folder = TempDir::new()?;
    let bad = [format!("--settings={}", folder.path().join("missing").display())];
    let status = run_with(folder.path(), &bad, Stdio::null(), full()?).await?.status;
    assert_eq!(status.code(), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_command_whose_output_is_lost_fails_and_one_whose_reader_has_enough_does_not() -> Result<()> {
    let folder = TempDir::new()?;
    for args in [&["kannel-conf"][..], &["kannel-conf", "--show-secrets"]] {
        let ended = run_with(folder.path(), args, full()?, Stdio::piped()).await?;
        let problem = "threadless: cannot write to standard output: No space left on device (os error 28)\n";
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(2), problem), "{args:?}");
    }
    let mut child = command(folder.path(), &["kannel-conf"]).spawn()?;
    drop(child.stdout.take());
    let output = child.wait_with_output().await?;
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert!(is_empty(folder.path())?, "and nothing was made");
    Ok(())
}

fn is_empty(folder: &Path) -> Result<bool> {
    Ok(std::fs::read_dir(folder)?.next().is_none())
}
