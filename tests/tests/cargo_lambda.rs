//! `cargo lambda watch` and `cargo lambda invoke` beside a local stack, as a developer runs them: from the top folder,
//! with the variables of `events/local.env`, with the commands of `docs/settings.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tests::ports::free_port;
use tests::recorder::{Recorder, Reply};
use tests::tools::{bare, tool, top};
use threadless_local::Stack;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A time limit that is long enough to compile everything on a slow machine.
const COMPILED: Duration = Duration::from_mins(20);

/// The time limit of an invocation after compilation.
const INVOKED: Duration = Duration::from_mins(3);

/// The page with the commands.
const PAGE: &str = include_str!("../../docs/settings.md");

/// Returns the arguments of the commands of the page that begin with these words.
fn typed(words: &str) -> Result<Vec<Vec<&'static str>>> {
    let (_, section) = PAGE.split_once("## Run single Lambda functions locally").context("no section")?;
    let block =
        section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).context("no block")?;
    for line in block.lines() {
        let known = ["cargo lambda watch ", "cargo lambda invoke "];
        ensure!(known.iter().any(|known| line.starts_with(known)), "nothing types {line}");
    }
    let lines: Vec<_> = block.lines().filter(|line| line.starts_with(words)).collect();
    ensure!(!lines.is_empty(), "the page has no {words}");
    Ok(lines.into_iter().map(|line| line.split_whitespace().skip(1).collect()).collect())
}

/// Returns arguments of the page for another port.
fn at_port(args: &[&str], port: u16) -> Result<Vec<String>> {
    ensure!(args.contains(&"9000"), "the page has another port: {args:?}");
    let at = |arg: &&str| if *arg == "9000" { port.to_string() } else { (*arg).to_owned() };
    Ok(args.iter().map(at).collect())
}

/// Returns a command in the top folder. Its child processes are in its group, and end with it.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::from(bare(program));
    command.process_group(0).kill_on_drop(true);
    command
}

async fn output(mut command: Command, limit: Duration) -> Result<String> {
    let output = timeout(limit, command.output()).await.with_context(|| format!("{command:?} goes on"))??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    Ok(text(&output.stdout))
}

/// A running `cargo lambda watch`.
struct Watch {
    program: PathBuf,
    port: u16,
    child: Child,
    log: NamedTempFile,
}

impl Watch {
    async fn start(program: PathBuf, env_file: &Path, settings: &str) -> Result<Self> {
        let (port, log) = (free_port()?, NamedTempFile::new()?);
        let mut watch = command(&program);
        let typed = typed("cargo lambda watch")?;
        ensure!(typed.len() == 1 && typed[0].contains(&"events/local.env"), "{typed:?}");
        // The ports in this file differ, because other stacks may run on this machine.
        let file = env_file.display().to_string();
        let args = at_port(&typed[0], port)?;
        watch.args(args.into_iter().map(|arg| if arg == "events/local.env" { file.clone() } else { arg }));
        // The sources do not change while the test runs.
        watch.arg("--ignore-changes");
        watch.env("THREADLESS_SETTINGS", settings);
        watch.stdout(log.reopen()?).stderr(log.reopen()?);
        let mut watch = Self { program, port, child: watch.spawn()?, log };
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = watch.child.try_wait()? {
                bail!("cargo lambda watch ended with {status}: {}", watch.said());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(watch)
    }

    /// Types the command of the page that invokes this function.
    async fn invoke(&self, function: &str) -> Result<Value> {
        let known = typed("cargo lambda invoke")?.len();
        ensure!(known == 2, "the page invokes {known} functions, and this test knows two");
        let typed = typed(&format!("cargo lambda invoke {function} "))?;
        self.run(at_port(&typed[0], self.port)?).await
    }

    /// Invokes a function like the first command of the page, with another function and another event.
    async fn invoke_with(&self, function: &str, event: &str) -> Result<Value> {
        let mut args = at_port(&typed("cargo lambda invoke kannel ")?[0], self.port)?;
        for arg in &mut args {
            match arg.as_str() {
                "kannel" => function.clone_into(arg),
                "events/kannel-amharic.json" => *arg = format!("events/{event}"),
                _ => {}
            }
        }
        ensure!(args.iter().any(|arg| arg.ends_with(event)), "the page has another event: {args:?}");
        self.run(args).await
    }

    async fn run(&self, args: Vec<String>) -> Result<Value> {
        let mut invoke = command(&self.program);
        invoke.args(args);
        let result = output(invoke, INVOKED).await.with_context(|| self.said())?;
        serde_json::from_str(&result).with_context(|| format!("{result:?}: {}", self.said()))
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let group = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Returns `events/local.env` with the ports of this stack.
fn local_env(stack: &Stack) -> Result<NamedTempFile> {
    let sqs = stack.queue_url.split('/').nth(2).context("no host")?;
    let given = std::fs::read_to_string(top().join("events/local.env"))?;
    let text = given.replace("127.0.0.1:8001", &stack.dynamodb.to_string()).replace("127.0.0.1:8002", sqs);
    ensure!(
        text.contains(&stack.queue_url),
        "events/local.env has other ports than the local stack: {given}"
    );
    let file = NamedTempFile::new()?;
    std::fs::write(file.path(), text)?;
    Ok(file)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs cargo-lambda: tests/run"]
async fn functions_answer_under_cargo_lambda() -> Result<()> {
    let program = tool("CARGO_LAMBDA")?;
    let mut build = command("cargo");
    build.args(["build", "--bin", "kannel", "--bin", "responder", "--bin", "tick"]);
    output(build, COMPILED).await?;

    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let settings = functions::SETTINGS
        .replace("http://127.0.0.1:13013/cgi-bin/sendsms", &gateway.url("/cgi-bin/sendsms"));
    let stack = Stack::start(tests::stack::ephemeral(&settings)).await?;
    let env_file = local_env(&stack)?;
    let watch = Watch::start(program, env_file.path(), &settings).await?;

    // The message goes on the stack's queue. The stack's own responder answers it from there.
    let answer = watch.invoke("kannel").await?;
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("")), "{answer}");
    gateway.wait_for(1, INVOKED).await?;
    let amharic: Vec<u8> = "ሰላም ለዓለም".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(gateway.requests()[0].param("text"), Some(amharic));
    let answer = watch.invoke_with("kannel", "kannel-gsm7.json").await?;
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("")), "{answer}");
    gateway.wait_for(2, INVOKED).await?;
    assert_eq!(gateway.requests()[1].text("text").as_deref(), Some("hello"));
    let answer = watch.invoke_with("kannel", "kannel-malformed.json").await?;
    assert_eq!(answer["statusCode"], 400, "{answer}");

    let result = watch.invoke("responder").await?;
    let poisonous = "49519d9f-3e88-539c-89f3-7c4cdbbbfbb8";
    assert_eq!(result, json!({ "batchItemFailures": [{ "itemIdentifier": poisonous }] }), "{}", watch.said());
    let requests = gateway.requests();
    let theirs = requests.iter().skip(1).filter(|sent| sent.text("to").as_deref() == Some("1112223333"));
    let texts: Vec<String> = theirs.filter_map(|sent| sent.text("text")).collect();
    assert_eq!(texts, ["hello", "one", "two"]);

    assert_eq!(watch.invoke_with("tick", "tick.json").await?, json!({ "due": 0, "enqueued": 0, "jobs": 0 }));
    Ok(())
}
