//! The compiled functions under AWS's own runtime interface emulator, from the cold start to the end.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tests::http::exchange;
use tests::ports::free_port;
use tests::recorder::{Recorder, Reply};
use tests::tools::{bare, tool, top};
use threadless_local::Stack;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::checkout::turn;
use crate::stack::LIMIT;

/// The emulator with one function. Both end when this is dropped.
struct Lambda {
    child: Child,
    port: u16,
    log: NamedTempFile,
}

impl Lambda {
    async fn start(bootstrap: PathBuf, variables: &[(&str, &str)]) -> Result<Self> {
        Self::start_with(bootstrap, |command| _ = command.envs(variables.iter().copied())).await
    }

    async fn start_with(bootstrap: PathBuf, prepare: impl FnOnce(&mut Command)) -> Result<Self> {
        let (port, log) = (free_port()?, NamedTempFile::new()?);
        let mut command = Command::from(bare(tool("AWS_LAMBDA_RIE")?));
        command.arg("--runtime-interface-emulator-address").arg(format!("127.0.0.1:{port}"));
        // SAM puts the program into a folder with the name of the function, `KannelFunction`.
        let folder = bootstrap.parent().and_then(Path::file_name).context("no folder")?.to_string_lossy();
        let name = folder.strip_suffix("Function").context("no name of a function")?.to_lowercase();
        command.env("THREADLESS_FUNCTION", name);
        command.arg("--runtime-api-address").arg(format!("127.0.0.1:{}", free_port()?)).arg(bootstrap);
        command.env("AWS_LAMBDA_FUNCTION_TIMEOUT", "60").env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("THREADLESS_TABLE", "threadless");
        command.env("THREADLESS_QUEUE_URL", "http://127.0.0.1:1/000000000000/threadless.fifo");
        prepare(&mut command);
        // Both outputs share one file and one position, so neither overwrites the other.
        let file = log.reopen()?;
        command.stdout(Stdio::from(file.try_clone()?)).stderr(Stdio::from(file));
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let mut lambda = Self { child, port, log };
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = lambda.child.try_wait()? {
                bail!("the emulator ended with {status}: {}", lambda.said());
            }
            ensure!(begun.elapsed() < LIMIT, "the emulator does not listen: {}", lambda.said());
            sleep(Duration::from_millis(20)).await;
        }
        Ok(lambda)
    }

    async fn invoke(&self, event: &str) -> Result<String> {
        let address = ("127.0.0.1", self.port);
        let request = format!(
            "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
            event.len()
        );
        Ok(exchange(address, request.as_bytes()).await.with_context(|| self.said())?.answer.body)
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// Returns the log lines of the function itself. The emulator's own lines are no JSON.
    fn logged(&self) -> Vec<Value> {
        self.said().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn group(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        if let Some(group) = self.group() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn sample(name: &str) -> Result<String> {
    Ok(std::fs::read_to_string(Path::new(&top()).join("events").join(name))?)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SAM, cargo-lambda and the runtime interface emulator: tests/run"]
async fn a_compiled_function_starts_cold_answers_fails_and_ends() -> Result<()> {
    let checkout = turn().await?;
    let bootstrap = checkout.bootstrap("KannelFunction");
    let stack = Stack::start(tests::stack::ephemeral("[project]\nname = \"Test\"\n")).await?;
    let sqs = stack.queue_url.split("/0").next().context("no SQS")?.to_owned();
    let dynamodb = format!("http://{}", stack.dynamodb);
    // The functions were built with the shipped settings. On this machine these settings need no secret.
    let variables = [
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.as_str()),
        ("AWS_ENDPOINT_URL_SQS", &sqs),
        ("THREADLESS_QUEUE_URL", &stack.dead_letters_url),
    ];
    let mut lambda = Lambda::start(bootstrap, &variables).await?;

    let answer: Value = serde_json::from_str(&lambda.invoke(&sample("kannel-gsm7.json")?).await?)?;
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("")), "{}", lambda.said());
    let answer: Value = serde_json::from_str(&lambda.invoke(&sample("kannel-malformed.json")?).await?)?;
    assert_eq!(answer["statusCode"], 400, "the same environment answers again: {}", lambda.said());

    let failed: Value = serde_json::from_str(&lambda.invoke("null").await?)?;
    let error = failed["errorMessage"].as_str().context("no error")?;
    assert!(error.starts_with("the event cannot be read: "), "{failed}");
    let answer: Value = serde_json::from_str(&lambda.invoke(&sample("kannel-gsm7.json")?).await?)?;
    assert_eq!(answer["statusCode"], 200, "an error ends nothing: {}", lambda.said());
    let said = lambda.said();
    assert_eq!(said.matches("INIT RTDONE(status: success)").count(), 1, "one cold start for all: {said}");
    assert_eq!(said.matches("INIT REPORT(durationMs: ").count(), 1, "{said}");

    let group = lambda.group().context("it has ended")?;
    kill_process(group, Signal::TERM)?;
    tokio::time::timeout(LIMIT, lambda.child.wait()).await.context("SIGTERM does not end it")??;
    let begun = Instant::now();
    while test_kill_process_group(group).is_ok() {
        ensure!(begun.elapsed() < LIMIT, "the function outlives the emulator: {}", lambda.said());
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SAM, cargo-lambda and the runtime interface emulator: tests/run"]
async fn settings_that_do_not_fit_end_the_cold_start_with_one_line() -> Result<()> {
    let checkout = turn().await?;
    let lambda = Lambda::start(checkout.bootstrap("ResponderFunction"), &[]).await?;
    assert_eq!(lambda.invoke(&sample("responder-batch.json")?).await?, "", "{}", lambda.said());
    assert!(lambda.said().contains("Runtime exited with error: exit status 1"), "{}", lambda.said());
    let logged = lambda.logged();
    let [line] = &logged[..] else { bail!("not one line: {}", lambda.said()) };
    assert_eq!((&line["outcome"], &line["function"]), (&json!("not_started"), &json!("responder")));
    let error = line["error"].as_str().context("no error")?;
    assert!(error.starts_with("the settings have 2 faults: "), "{error}");
    assert!(
        error.contains("KANNEL_TOKEN is neither") && error.contains("KANNEL_PASSWORD is neither"),
        "{error}"
    );
    let settings = OsStr::from_bytes(b"[project]\nname = \"Caf\xe9\"");
    let bootstrap = checkout.bootstrap("ResponderFunction");
    let lambda =
        Lambda::start_with(bootstrap, |command| _ = command.env("THREADLESS_SETTINGS", settings)).await?;
    lambda.invoke(&sample("responder-batch.json")?).await?;
    assert_eq!(lambda.logged()[0]["error"], "THREADLESS_SETTINGS is not UTF-8", "{}", lambda.said());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SAM, cargo-lambda and the runtime interface emulator: tests/run"]
async fn the_check_function_starts_all_the_same_and_says_what_is_wrong() -> Result<()> {
    let formation = Recorder::start().await?;
    formation.otherwise(|_| Reply::text("").into());
    let checkout = turn().await?;
    let lambda = Lambda::start(checkout.bootstrap("CheckFunction"), &[]).await?;
    let ask = |kind: &str| -> Result<String> {
        let mut event: Value = serde_json::from_str(&sample("check-create.json")?)?;
        event["RequestType"] = kind.into();
        event["ResponseURL"] = formation.url("/answer?signature=1").into();
        Ok(event.to_string())
    };
    for (kind, status) in [("Create", "FAILED"), ("Update", "FAILED"), ("Delete", "SUCCESS")] {
        let result = lambda.invoke(&ask(kind)?).await?;
        assert_eq!(result, format!(r#"{{"status":"{status}"}}"#), "{kind}: {}", lambda.said());
        let told = formation.requests().pop().context("nothing was told")?;
        assert_eq!((told.method.as_str(), told.target.as_str()), ("PUT", "/answer?signature=1"), "{kind}");
        let told: Value = serde_json::from_slice(&told.body)?;
        assert_eq!(
            (&told["Status"], &told["RequestId"]),
            (&json!(status), &json!("8f2c1a52-0c1e-4f4e-9b3a-6c1d2e3f4a5b"))
        );
        let reason = told["Reason"].as_str().context("no reason")?;
        assert_eq!(reason.contains("KANNEL_TOKEN is neither"), status == "FAILED", "{kind}: {reason}");
    }
    Ok(())
}
