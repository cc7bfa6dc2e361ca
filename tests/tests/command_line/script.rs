//! The command `script`: its output and its end, with a stack of its own and with a running stack.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use tempfile::TempDir;
use tests::ports::free_port;
use tests::recorder::Recorder;

use super::flags;
use super::process::{Ended, Running, run};

fn file(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let file = folder.join(name);
    std::fs::write(&file, text)?;
    Ok(file)
}

async fn script(folder: &Path, args: &[&str]) -> Result<Ended> {
    run(folder, &[&["script"], args].concat()).await
}

/// Returns the base URL of the stack, in the form that `--url` needs.
fn base(stack: &Running) -> Result<String> {
    let url = stack.url()?;
    Ok(url.split_once("/backend/").context("no backend")?.0.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn transcripts_that_come_true_are_a_line_each() -> Result<()> {
    let folder = TempDir::new()?;
    file(folder.path(), "b.txt", "1 > count a\n1 < 1 a\n1 > count b\n1 < 2 b\n")?;
    file(folder.path(), "a.txt", "# Nothing is left of one file in the next.\n1 > count a\n1 < 1 a\n")?;
    file(folder.path(), "notes.md", "no transcript")?;
    let ended = script(folder.path(), &["."]).await?;
    assert_eq!(ended.stdout, "ok    ./a.txt  1 in, 1 out\nok    ./b.txt  2 in, 2 out\n2 of 2 passed\n");
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(!folder.path().join(".threadless").exists(), "it keeps nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_true_ends_with_one_and_shows_the_place() -> Result<()> {
    let folder = TempDir::new()?;
    file(folder.path(), "bad.txt", "1 > ping\n1 < pang\n")?;
    file(folder.path(), "good.txt", "1@202611250700 > ping\n1 < pong\n@202611260700\n")?;
    let ended = script(folder.path(), &["bad.txt", "good.txt"]).await?;
    let expected = "FAIL  bad.txt\n\nbad.txt:2: another reply came\n    1 | 1 > ping\n→   2 | 1 < pang\n      | ^^^^^^^^\n";
    assert!(ended.stdout.starts_with(expected), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("ok    good.txt  1 in, 1 out\n1 of 2 passed\n"), "{}", ended.stdout);
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(1), ""));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_played_ends_with_two() -> Result<()> {
    let folder = TempDir::new()?;
    std::fs::create_dir(folder.path().join("empty"))?;
    file(folder.path(), "typo.txt", "1 ping\n")?;
    file(folder.path(), "unknown.txt", "[nobody] 1 > ping\n")?;
    file(folder.path(), "late.txt", "1@202611250700 > ping\n1 < pong\n")?;
    let nowhere = format!("--url=http://127.0.0.1:{}", free_port()?);
    let table: [(&[&str], &str); 5] = [
        (&["missing.txt"], "missing.txt: No such file or directory"),
        (&["empty"], "empty: there is no *.txt in this folder"),
        (&["typo.txt"], "typo.txt:1:1: this is neither `number > text` nor `number < text`"),
        (&["unknown.txt"], "the settings have no backend nobody"),
        (&["late.txt", &nowhere], "late.txt:1: the clock of the stack at --url cannot be moved"),
    ];
    for (args, problem) in table {
        let ended = script(folder.path(), args).await?;
        assert!(ended.stdout.contains(problem), "{args:?}: {}", ended.stdout);
        assert_eq!(ended.status.code(), Some(2), "{args:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_runs_is_asked_for_what_its_gateway_took() -> Result<()> {
    let folder = TempDir::new()?;
    let flags = flags(folder.path(), free_port()?)?;
    let settings = flags.iter().find(|flag| flag.starts_with("--settings")).context("no settings")?;
    let stack = Running::start(folder.path(), &flags, &[]).await?;
    let url = format!("--url={}", base(&stack)?);
    file(folder.path(), "good.txt", "1 > count ሰላም\n1 < 1 ሰላም\n2 > count b\\nc\n2 < 1 b\n| c\n")?;
    file(folder.path(), "again.txt", "1 > count x\n1 < 2 x\n")?;
    file(folder.path(), "missing.txt", "3 > count x\n3 < 1 x\n3 < 2 x\n")?;
    file(folder.path(), "unscripted.txt", "4 > count x\n")?;
    let play = |name: &'static str| {
        let (folder, args) =
            (folder.path(), [name, &url, settings, "--timeout=5", "--settle=3"].map(str::to_owned));
        async move { script(folder, &args.each_ref().map(String::as_str)).await }
    };
    for name in ["good.txt", "again.txt"] {
        let ended = play(name).await?;
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    }
    for (name, problem) in [
        ("missing.txt", "missing.txt:3: this reply did not come"),
        ("unscripted.txt", "unscripted.txt:1: a reply came that is not in the transcript"),
    ] {
        let ended = play(name).await?;
        assert!(ended.stdout.contains(problem), "{}", ended.stdout);
        assert_eq!(ended.status.code(), Some(1));
    }
    stack.stop(Signal::INT).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_the_gateway_script_is() -> Result<()> {
    let folder = TempDir::new()?;
    // Another server listens on this port when the stack starts, so the stack does not start.
    let mut gateway = Recorder::start().await?;
    let flags = flags(folder.path(), gateway.address().port())?;
    let settings = flags.iter().find(|flag| flag.starts_with("--settings")).context("no settings")?;
    let stack = Running::start(folder.path(), &flags, &[]).await?;
    let url = format!("--url={}", base(&stack)?);
    file(folder.path(), "good.txt", "1 > count a\n1 < 1 a\n")?;
    let ended = script(folder.path(), &["good.txt", &url, settings]).await?;
    assert!(
        ended.stdout.contains("a program that is not a stack of `cargo run` uses this port"),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.status.code(), Some(2));
    gateway.refuse().await;
    let ended = script(folder.path(), &["good.txt", &url, settings]).await?;
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    stack.stop(Signal::INT).await?;
    Ok(())
}

/// As with a deployed stack, the script cannot reach the gateway.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_tester_with_a_password_is_played_through() -> Result<()> {
    let folder = TempDir::new()?;
    let (gateway, secrets) = (free_port()?, [("PASSWORD", "correct horse battery"), ("TOKEN", "staple")]);
    let flags = flags(folder.path(), gateway)?;
    let settings = flags.iter().find_map(|flag| flag.strip_prefix("--settings=")).context("no settings")?;
    let mut text = std::fs::read_to_string(settings)?;
    text.push_str(
        "\n[backends.phones]\nengine = \"httptester\"\nrespond = \"queue\"\n\
         password = { secret = \"PASSWORD\" }\ntoken = { secret = \"TOKEN\" }\n",
    );
    std::fs::write(settings, text)?;
    let env = secrets.map(|(name, secret)| (name, secret.to_owned()));
    let stack = Running::start(folder.path(), &flags, &env).await?;
    file(folder.path(), "two.txt", "1 > count a\n1 < 1 a\n+2 > count b\n+2 < 1 b\n1 > count ሰ\n1 < 2 ሰ\n")?;
    let (url, settings) = (format!("--url={}", base(&stack)?), format!("--settings={settings}"));
    let args = ["two.txt", &url, &settings, "--backend=phones", "--settle=1"];
    let ended = script(folder.path(), &[&args[..], &["--token=staple", "--password=wrong"]].concat()).await?;
    assert!(ended.stdout.contains("does not accept the password"), "{}", ended.stdout);
    assert_eq!(ended.status.code(), Some(2));
    let right = ["--token=staple", "--password=correct horse battery"];
    let ended = script(folder.path(), &[&args[..], &right].concat()).await?;
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    stack.stop(Signal::INT).await?;
    Ok(())
}
