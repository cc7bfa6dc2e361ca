//! Tests in which the data folder goes missing, breaks, or is changed by others.

use std::fs::OpenOptions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use tempfile::TempDir;
use tests::http::get;
use tests::ports::free_port;
use tests::recorder::{Recorder, Reply};

use super::process::{LIMIT, Running, free_ports};
use super::{complaint, flags};

const FILES: [&str; 2] = ["dynamodb.sqlite", "sqs.sqlite"];

#[tokio::test]
async fn data_that_cannot_be_opened_is_one_line() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a folder")?;
    let mut places = vec![file];
    for name in ["dynamodb.sqlite", "sqs.sqlite"] {
        let place = folder.path().join(format!("with-bad-{name}"));
        std::fs::create_dir(&place)?;
        std::fs::write(place.join(name), "not a database, but long enough to be one. ".repeat(100))?;
        places.push(place);
    }
    for place in places {
        let mut args = free_ports()?;
        args.push(format!("--data={}", place.display()));
        let line = complaint(folder.path(), &args).await?;
        let expected = format!("threadless: the data in {} cannot be opened: ", place.display());
        assert!(line.starts_with(&expected) && line.len() > expected.len(), "{line}");
    }
    Ok(())
}

/// Starts a stack that takes one message and ends, so that its folder has all files.
async fn used(folder: &Path, flags: &[String], end: Signal) -> Result<PathBuf> {
    let mut stack = Running::start(folder, flags, &[]).await?;
    assert_eq!(get(&format!("{}?id=1112223333&text=echo+hello", stack.url()?)).await?.status, 200);
    stack.shown("→ 1112223333: hello\n").await?;
    stack.stop(end).await?;
    Ok(folder.join(".threadless"))
}

/// Starts the stack, which must refuse to start with one line that contains this text.
async fn refused(folder: &Path, flags: &[String], problem: &str) -> Result<()> {
    let line = complaint(folder, flags).await?;
    let expected = format!(
        "threadless: the data in .threadless cannot be opened: {problem}. Restore a copy of the whole folder, or move \
         .threadless away to start again without its data"
    );
    assert_eq!(line, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_lost_what_was_in_it_is_not_started_with() -> Result<()> {
    for end in [Signal::INT, Signal::KILL] {
        for file in FILES {
            let folder = TempDir::new()?;
            let flags = flags(folder.path(), free_port()?)?;
            let data = used(folder.path(), &flags, end).await?;
            let (file, copy) = (data.join(file), data.join("copy"));
            let name = file.file_name().context("no name")?.to_string_lossy().into_owned();
            std::fs::copy(&file, &copy)?;

            OpenOptions::new().write(true).open(&file)?.set_len(0)?;
            refused(folder.path(), &flags, &format!("{name} is empty, so its data is lost")).await?;
            assert_eq!(std::fs::metadata(&file)?.len(), 0, "it is as it was");
            std::fs::remove_file(&file)?;
            refused(folder.path(), &flags, &format!("{name} is missing")).await?;
            assert!(!file.exists(), "nothing was made in its place");

            std::fs::rename(&copy, &file)?;
            assert_eq!(Running::start(folder.path(), &flags, &[]).await?.stop(Signal::INT).await?.stderr, "");
            // The whole content is in the file now, and no log beside it can replace the part that is cut off.
            for bytes in [std::fs::metadata(&file)?.len() / 2, 100] {
                OpenOptions::new().write(true).open(&file)?.set_len(bytes)?;
                let line = complaint(folder.path(), &flags).await?;
                let expected =
                    format!("threadless: the data in .threadless cannot be opened: {name} is damaged");
                assert!(line.starts_with(&expected) && line.contains("move .threadless away"), "{line}");
            }
            // The advice in the message helps.
            std::fs::rename(&data, folder.path().join("away"))?;
            assert_eq!(Running::start(folder.path(), &flags, &[]).await?.stop(Signal::INT).await?.stderr, "");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_file_is_not_started_with() -> Result<()> {
    let folder = TempDir::new()?;
    let flags = flags(folder.path(), free_port()?)?;
    let data = used(folder.path(), &flags, Signal::KILL).await?;
    for file in FILES {
        std::fs::remove_file(data.join(file))?;
    }
    refused(folder.path(), &flags, "sqs.sqlite is missing, but its log is there").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_was_cut_short_is_begun_again() -> Result<()> {
    let folder = TempDir::new()?;
    let flags = flags(folder.path(), free_port()?)?;
    let data = used(folder.path(), &flags, Signal::INT).await?;
    // This is between the last two renames of the files.
    std::fs::rename(data.join("dynamodb.sqlite"), data.join("dynamodb.sqlite.new"))?;
    let stack = Running::start(folder.path(), &flags, &[]).await?;
    assert_eq!(get(&format!("{}?id=1112223333&text=echo+hello", stack.url()?)).await?.status, 200);
    assert_eq!(stack.stop(Signal::INT).await?.stderr, "");
    // This is in the middle of making the files.
    std::fs::remove_dir_all(&data)?;
    std::fs::create_dir(&data)?;
    std::fs::write(data.join("dynamodb.sqlite.new"), "half a")?;
    std::fs::write(data.join("sqs.sqlite.new"), "")?;
    assert_eq!(Running::start(folder.path(), &flags, &[]).await?.stop(Signal::INT).await?.stderr, "");
    Ok(())
}

/// A change to the files under a running stack, and the text that the stack then prints.
type Harm = (&'static str, fn(&Path) -> std::io::Result<()>, &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_that_would_be_written_to_what_is_gone() -> Result<()> {
    let harms: [Harm; 9] = [
        ("the folder", |data| std::fs::remove_dir_all(data), "sqs.sqlite was deleted or moved"),
        (
            "its name",
            |data| std::fs::rename(data, data.with_extension("x")),
            "sqs.sqlite was deleted or moved",
        ),
        (
            "the table",
            |data| std::fs::remove_file(data.join(FILES[0])),
            "dynamodb.sqlite was deleted or moved",
        ),
        ("the queues", |data| std::fs::remove_file(data.join(FILES[1])), "sqs.sqlite was deleted or moved"),
        (
            "a log",
            |data| std::fs::remove_file(data.join("sqs.sqlite-wal")),
            "sqs.sqlite-wal was deleted or moved",
        ),
        (
            "the other log",
            |data| std::fs::remove_file(data.join("dynamodb.sqlite-wal")),
            "dynamodb.sqlite-wal was deleted or moved",
        ),
        ("replaced", |data| replace(&data.join(FILES[0])), "dynamodb.sqlite was replaced by another file"),
        ("emptied", |data| std::fs::write(data.join(FILES[1]), ""), "sqs.sqlite became shorter"),
        (
            "emptied, the table",
            |data| std::fs::write(data.join(FILES[0]), ""),
            "dynamodb.sqlite became shorter",
        ),
    ];
    for respond in ["queue", "inline"] {
        for (what, harm, problem) in harms {
            let folder = TempDir::new()?;
            let flags = flags(folder.path(), free_port()?)?;
            let settings = folder.path().join("settings.toml");
            let text = std::fs::read_to_string(&settings)?;
            std::fs::write(&settings, text.replace("\"queue\"", &format!("\"{respond}\"")))?;
            let mut stack = Running::start(folder.path(), &flags, &[]).await?;
            let url = format!("{}?id=1112223333&text=echo+hello", stack.url()?);
            assert_eq!(get(&url).await?.status, 200);
            stack.shown("→ 1112223333: hello\n").await?;
            harm(&folder.path().join(".threadless"))?;
            for _ in 0..3 {
                let answer = get(&url).await?;
                assert_eq!(answer.status, 503, "{what}, {respond}");
                assert!(answer.body.contains(problem), "{what}: {}", answer.body);
                assert!(answer.body.contains(".threadless while the stack was running"), "{}", answer.body);
            }
            let ended = stack.stop(Signal::INT).await?;
            assert_eq!(ended.status.code(), Some(0), "{what}: {}", ended.stderr);
            assert_eq!(ended.stdout.matches("→").count(), 1, "{what}: {}", ended.stdout);
        }
    }
    Ok(())
}

fn replace(file: &Path) -> std::io::Result<()> {
    let copy = file.with_extension("copy");
    std::fs::copy(file, &copy)?;
    std::fs::rename(copy, file)
}

/// The user runs `mv`, and then `mv` back.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_comes_back_is_used_again() -> Result<()> {
    let folder = TempDir::new()?;
    let flags = flags(folder.path(), free_port()?)?;
    let mut stack = Running::start(folder.path(), &flags, &[]).await?;
    let (data, away) = (folder.path().join(".threadless"), folder.path().join("away"));
    let url = format!("{}?id=1112223333&text=echo+hello", stack.url()?);
    std::fs::rename(&data, &away)?;
    assert_eq!(get(&url).await?.status, 503);
    std::fs::rename(&away, &data)?;
    assert_eq!(get(&url).await?.status, 200);
    stack.shown("→ 1112223333: hello\n").await?;
    assert_eq!(stack.stop(Signal::INT).await?.status.code(), Some(0));
    Ok(())
}

/// Runs as another user than root, because root can write to read-only files.
#[tokio::test]
async fn a_folder_that_may_not_be_written_to_is_one_line() -> Result<()> {
    let folder = TempDir::new()?;
    let flags = flags(folder.path(), free_port()?)?;
    let data = used(folder.path(), &flags, Signal::INT).await?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o555))?;
    for entry in std::fs::read_dir(&data)? {
        std::fs::set_permissions(entry?.path(), std::fs::Permissions::from_mode(0o444))?;
    }
    let script = "exec setpriv --reuid=65534 --clear-groups \"$@\"";
    let Err(problem) = Running::start_by(script, folder.path(), &flags).await else {
        anyhow::bail!("it started");
    };
    let expected = "threadless: the data in .threadless cannot be opened: Permission denied (os error 13). Check that it \
                    is a folder and that this user may write to it, or name another folder with --data\n";
    assert!(problem.to_string().ends_with(expected), "{problem}");
    Ok(())
}

/// Returns how often a stack that takes one message after another flushes its files to the disk.
async fn flushes(messages: usize, more: &[&str]) -> Result<usize> {
    let folder = TempDir::new()?;
    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let mut flags = flags(folder.path(), gateway.address().port())?;
    flags.extend(more.iter().map(|flag| (*flag).to_owned()));
    // The process is the stack, and its tracer is a grandchild.
    let script = "exec strace -D -f -e trace=fsync,fdatasync -o flushes \"$@\"";
    let stack = Running::start_by(script, folder.path(), &flags).await?;
    let stack_id = stack.id()?.to_string();
    for number in 0..messages {
        let url = format!("{}?id=1{number:09}&mid={number}&text=echo+{number}", stack.url()?);
        assert_eq!(get(&url).await?.status, 200);
    }
    gateway.wait_for(messages, LIMIT).await?;
    stack.stop(Signal::INT).await?;
    let begun = std::time::Instant::now();
    let mut calls = String::new();
    // strace pads the id of a process to five columns, so a short id has more than one blank behind it.
    let has_exited = |calls: &str| {
        calls.lines().any(|line| {
            line.split_once(' ')
                .is_some_and(|(id, rest)| id == stack_id && rest.trim_start() == "+++ exited with 0 +++")
        })
    };
    while !has_exited(&calls) {
        anyhow::ensure!(begun.elapsed() < LIMIT, "the tracer did not end: {calls}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        calls = std::fs::read_to_string(folder.path().join("flushes"))?;
    }
    Ok(calls.lines().filter(|line| line.contains("sync(")).count())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs strace: tests/run"]
async fn a_durable_stack_waits_for_the_disk_at_every_message() -> Result<()> {
    // Starting and stopping take the same number of flushes for both.
    let (usual, usual_idle) = (flushes(20, &[]).await?, flushes(0, &[]).await?);
    let (durable, durable_idle) = (flushes(20, &["--durable"]).await?, flushes(0, &["--durable"]).await?);
    println!("flushes for 20 messages: {usual} (idle {usual_idle}); durable {durable} (idle {durable_idle})");
    assert!(usual < usual_idle + 20, "{usual} (idle {usual_idle})");
    // Each message flushes at least the job, the commit and the settlement.
    assert!(durable >= durable_idle + 3 * 20, "{durable} (idle {durable_idle})");
    Ok(())
}
