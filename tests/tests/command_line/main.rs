//! `cargo run` as a user runs it: its output, its end, its stored data, and its messages when it cannot start.

mod data;
mod ends;
mod outputs;
mod process;
mod script;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use process::{LIMIT, Running, free_ports, run};
use rustix::process::Signal;
use tempfile::TempDir;
use tests::http::get;
use tests::ports::free_port;
use tests::recorder::{Recorder, Reply};

/// Writes the shipped settings with another sendsms port.
fn shipped(folder: &Path, gateway: u16) -> Result<PathBuf> {
    let file = folder.join("settings.toml");
    std::fs::write(&file, functions::SETTINGS.replace(":13013/", &format!(":{gateway}/")))?;
    Ok(file)
}

/// Returns flags for a stack that can start: free ports, the shipped settings, and the shortest tick.
fn flags(folder: &Path, gateway: u16) -> Result<Vec<String>> {
    let mut flags = free_ports()?;
    flags.push(format!("--settings={}", shipped(folder, gateway)?.display()));
    flags.push("--tick-seconds=1".to_owned());
    Ok(flags)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_and_what_it_prints_works_when_pasted() -> Result<()> {
    let folder = TempDir::new()?;
    let gateway = free_port()?;
    let flags = flags(folder.path(), gateway)?;
    let mut stack = Running::start(folder.path(), &flags, &[]).await?;
    let text = stack.shown("get-url").await?;
    let port = flags[0].trim_start_matches("--port=");
    let url = format!("http://127.0.0.1:{port}/backend/my-kannel-backend/");
    assert_eq!(stack.url()?, url);
    assert!(
        text.starts_with("Threadless is running. Its data is in .threadless. Press Ctrl-C to stop it.\n"),
        "{text}"
    );
    let open = format!("\nOpen http://127.0.0.1:{port}/httptester/ in a browser and write to your apps.\n");
    assert!(text.contains(&open), "{text}");
    let page = get(&format!("http://127.0.0.1:{port}/httptester/message_tester/1/")).await?;
    assert!(page.status == 200 && page.body.contains("Message tester"), "{}", page.body);
    let pretended =
        format!("No gateway listens on port {gateway}: replies of my-kannel-backend are printed here.");
    assert!(text.contains(&pretended), "{text}");

    let curl = text.lines().find_map(|line| line.trim().strip_prefix("curl '")).context("no curl line")?;
    let answer = get(curl.strip_suffix('\'').context("no quotes")?).await?;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    stack.shown("→ 1112223333: hello\n").await?;

    let line =
        text.lines().find_map(|line| line.trim().strip_prefix("get-url = \"")).context("no get-url")?;
    let answer = get(&filled_in(line.strip_suffix('"').context("no quotes")?)).await?;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    stack.shown("→ +251911223344: ሰላም\n").await?;

    let ended = stack.stop(Signal::INT).await?;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert_eq!(ended.stderr, "");
    assert!(
        ended.stdout.ends_with("\nStopped. All accepted messages are stored in .threadless.\n"),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.stdout.matches('→').count(), 2, "{}", ended.stdout);
    Ok(())
}

/// A message that comes twice makes conditions in the store fail. That is no error.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_fault_is_not_logged() -> Result<()> {
    let folder = TempDir::new()?;
    let flags = flags(folder.path(), free_port()?)?;
    let settings = flags.iter().find_map(|flag| flag.strip_prefix("--settings=")).context("no settings")?;
    let text = std::fs::read_to_string(settings)?.replace("respond = \"queue\"", "respond = \"inline\"");
    std::fs::write(settings, text)?;
    let mut stack = Running::start(folder.path(), &flags, &[]).await?;
    let url = format!("{}?id=1112223333&text=echo+hello&mid=the-same&ts=1795519533", stack.url()?);
    for _ in 0..3 {
        assert_eq!(get(&url).await?.status, 200);
    }
    stack.shown("→ 1112223333: hello\n").await?;
    let ended = stack.stop(Signal::INT).await?;
    assert_eq!((ended.stderr.as_str(), ended.stdout.matches('→').count()), ("", 1), "{}", ended.stdout);
    Ok(())
}

/// Returns a get-url with the values that Kannel would fill in.
fn filled_in(get_url: &str) -> String {
    let codes = [
        ("%p", "%2B251911223344"),
        ("%P", "1234"),
        ("%e", "006500630068006F00201230120B121D"),
        ("%C", "UTF-16BE"),
        ("%c", "2"),
        ("%u", ""),
        ("%I", "7cb6e7e1-f828-5d19-9549-10363171f969"),
        ("%i", "usb0-modem"),
        ("%o", ""),
        ("%T", "1795519533"),
    ];
    let values =
        |text: String, (code, value): &(&str, &str)| text.replace(&format!("={code}"), &format!("={value}"));
    codes.iter().fold(get_url.to_owned(), values)
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_variables_do_what_flags_do() -> Result<()> {
    let folder = TempDir::new()?;
    let ports = [free_port()?, free_port()?, free_port()?].map(|port| port.to_string());
    let data = folder.path().join("elsewhere/data");
    let settings = shipped(folder.path(), free_port()?)?;
    let env = [
        ("THREADLESS_PORT", ports[0].clone()),
        ("THREADLESS_DYNAMODB_PORT", ports[1].clone()),
        ("THREADLESS_SQS_PORT", ports[2].clone()),
        ("THREADLESS_DATA", data.display().to_string()),
        ("THREADLESS_SETTINGS_FILE", settings.display().to_string()),
        ("THREADLESS_TICK_SECONDS", "60".to_owned()),
        ("THREADLESS_LOG", "info".to_owned()),
    ];
    let mut stack = Running::start(folder.path(), &[] as &[&str], &env).await?;
    let text = stack.shown("get-url").await?;
    for port in &ports {
        assert!(text.contains(&format!("http://127.0.0.1:{port}")), "{port}: {text}");
    }
    let answer = get(&format!("{}?id=1112223333&text=echo+hello", stack.url()?)).await?;
    assert_eq!(answer.status, 200);
    stack.shown("→ 1112223333: hello\n").await?;
    let ended = stack.stop(Signal::TERM).await?;
    assert_eq!(ended.status.code(), Some(0), "SIGTERM ends it too: {}", ended.stderr);
    assert!(ended.stderr.contains("INFO"), "the log is on standard error: {:?}", ended.stderr);
    assert!(!ended.stderr.contains("hello") && !ended.stderr.contains("1112223333"), "{}", ended.stderr);
    assert!(data.join("dynamodb.sqlite").exists() && data.join("sqs.sqlite").exists());
    assert!(!folder.path().join(".threadless").exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_sigkill_and_is_delivered_after_the_restart() -> Result<()> {
    let folder = TempDir::new()?;
    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Reply::status(503).into());
    let flags = flags(folder.path(), gateway.address().port())?;
    let stack = Running::start(folder.path(), &flags, &[]).await?;
    let url = stack.url()?;
    for number in 0..5 {
        assert_eq!(
            get(&format!("{url}?id=100000000{number}&text=echo+kept&mid={number}")).await?.status,
            200
        );
    }
    gateway.wait_for(1, LIMIT).await?;
    let killed = stack.stop(Signal::KILL).await?;
    assert_eq!(killed.status.code(), None, "it had no time to say good-bye");

    let before = gateway.requests().len();
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let stack = Running::start(folder.path(), &flags, &[]).await?;
    // The gateway sends the same message once more, as if it had seen the connection break.
    assert_eq!(get(&format!("{url}?id=1000000000&text=echo+kept&mid=0")).await?.status, 200);
    gateway.wait_for(before + 5, LIMIT).await?;
    let ended = stack.stop(Signal::INT).await?;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);

    let requests = gateway.requests().split_off(before);
    let mut sent: Vec<_> = requests.iter().map(|sent| (sent.text("to"), sent.text("text"))).collect();
    sent.sort();
    let expected = (0..5).map(|number| (Some(format!("100000000{number}")), Some("kept".to_owned())));
    assert_eq!(sent, expected.collect::<Vec<_>>());
    Ok(())
}

/// Runs the program with one fault, and returns its one line of output.
async fn complaint(folder: &Path, args: &[String]) -> Result<String> {
    let ended = run(folder, args).await?;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let line = ended.stderr.strip_suffix('\n').context("not a line")?;
    assert!(!line.contains('\n'), "more than one line: {line}");
    Ok(line.to_owned())
}

#[tokio::test]
async fn a_port_in_use_is_one_line() -> Result<()> {
    let folder = TempDir::new()?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    for (at, (flag, what)) in [("port", "the functions"), ("dynamodb-port", "DynamoDB"), ("sqs-port", "SQS")]
        .into_iter()
        .enumerate()
    {
        let mut args = free_ports()?;
        args[at] = format!("--{flag}={port}");
        let line = complaint(folder.path(), &args).await?;
        let expected = format!("threadless: cannot listen on port {port} for {what}: Address already in use");
        assert!(line.starts_with(&expected), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn bad_settings_are_one_line_with_every_fault() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("bad.toml");
    let mut args = free_ports()?;
    args.push(format!("--settings={}", file.display()));
    let table = [
        (
            "[project]\n[backends.k]\nengine = \"kannel\"\nsendsms_url = \"ftp://x/\"\nrespnd = \"queue\"",
            vec!["project.name", "backends.k.respnd", "backends.k.sendsms_url"],
        ),
        (
            "[project]\nname = \"x\"\n[backends.k]\nengine = \"pigeon\"",
            vec!["\"pigeon\"", "known are http, httptester, kannel"],
        ),
        ("[project]\nname = \"x\"\n\n[backends", vec!["line 4"]),
        ("", vec!["project"]),
    ];
    for (text, named) in table {
        std::fs::write(&file, text)?;
        let line = complaint(folder.path(), &args).await?;
        let expected = format!("threadless: {}: the settings have ", file.display());
        assert!(line.starts_with(&expected), "{line}");
        for name in named {
            assert!(line.contains(name), "{name}: {line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn settings_that_cannot_be_read_are_one_line() -> Result<()> {
    let folder = TempDir::new()?;
    let latin = folder.path().join("latin1.toml");
    std::fs::write(&latin, b"[project]\nname = \"caf\xe9\"\n")?;
    let missing = (folder.path().join("missing.toml"), "No such file or directory");
    for (file, problem) in [missing, (folder.path().to_owned(), "Is a directory")] {
        let mut args = free_ports()?;
        args.push(format!("--settings={}", file.display()));
        let line = complaint(folder.path(), &args).await?;
        let expected = format!("threadless: the settings in {} cannot be read: {problem}", file.display());
        assert!(line.starts_with(&expected), "{line}");
    }
    let mut args = free_ports()?;
    args.push(format!("--settings={}", latin.display()));
    let line = complaint(folder.path(), &args).await?;
    let problem =
        "the settings have a fault: project.name (line 2): is not UTF-8: save the settings as UTF-8";
    assert_eq!(line.trim_end(), format!("threadless: {}: {problem}", latin.display()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_do_not_share_their_data() -> Result<()> {
    let folder = TempDir::new()?;
    let first = Running::start(folder.path(), &flags(folder.path(), free_port()?)?, &[]).await?;
    let line = complaint(folder.path(), &flags(folder.path(), free_port()?)?).await?;
    assert_eq!(line, "threadless: the data in .threadless cannot be opened: another stack uses it");
    assert_eq!(first.stop(Signal::INT).await?.status.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn help_lists_the_flags_with_their_environment_variables() -> Result<()> {
    let folder = TempDir::new()?;
    let ended = run(folder.path(), &["--help"]).await?;
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    let table = [
        ("--port <PORT>", "[env: THREADLESS_PORT=]", "[default: 8000]"),
        ("--dynamodb-port <PORT>", "[env: THREADLESS_DYNAMODB_PORT=]", "[default: 8001]"),
        ("--sqs-port <PORT>", "[env: THREADLESS_SQS_PORT=]", "[default: 8002]"),
        ("--allow-host <HOST>", "[env: THREADLESS_ALLOW_HOST=]", "localhost, 127.0.0.1 and `[::1]`"),
        ("--data <DIR>", "[env: THREADLESS_DATA=]", "[default: .threadless]"),
        ("--durable", "[env: THREADLESS_DURABLE=]", "a power cut"),
        ("--settings <FILE>", "[env: THREADLESS_SETTINGS_FILE=]", "functions/settings.toml"),
        ("--tick-seconds <SECONDS>", "[env: THREADLESS_TICK_SECONDS=]", "[default: 5]"),
        ("--log <LEVEL>", "[env: THREADLESS_LOG=]", "[default: warn]"),
    ];
    // Each flag with its description, up to the next flag.
    let flags: Vec<&str> = ended.stdout.split("\n      --").collect();
    for (flag, variable, more) in table {
        let said = flags.iter().find(|said| said.starts_with(flag.trim_start_matches("--")));
        let said = said.with_context(|| format!("no {flag}: {}", ended.stdout))?;
        assert!(said.contains(variable) && said.contains(more), "{flag}: {said}");
    }
    assert_eq!(flags.len(), table.len() + 1, "a flag that is not listed here: {}", ended.stdout);
    assert!(std::fs::read_dir(folder.path())?.next().is_none(), "and nothing was made");
    Ok(())
}

#[tokio::test]
async fn flags_that_cannot_be_read_are_a_usage_error() -> Result<()> {
    let folder = TempDir::new()?;
    for flag in ["--allow-host=http://a.example", "--port=99999", "--tick-seconds=0", "--nonsense", "--log"] {
        let ended = run(folder.path(), &[flag]).await?;
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{flag}");
        let name = flag.split('=').next().unwrap_or_default();
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(name), "{}", ended.stderr);
    }
    Ok(())
}
