//! Cold start, answer and memory of the functions as they are deployed, beside the smallest function that answers at
//! all. The machine's mood is in both; look at the ratios.
//!
//! ```sh
//! cargo bench -p tests --bench functions
//! ```

// A benchmark talks to the one who runs it.
#![allow(clippy::print_stdout)]

mod runtime_api;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use runtime_api::RuntimeApi;
use tests::recorder::{Recorder, Reply};
use threadless_local::{Stack, StackOptions};

/// How often each function is started.
const STARTS: usize = 15;

/// How many invocations follow the first one of a start.
const WARM: usize = 40;

/// Something to measure.
struct Subject {
    what: &'static str,
    binary: PathBuf,
    /// The environment variables beyond those that every function has.
    settings: String,
    /// The event; `%n` is another number each time.
    event: String,
    /// What its result must hold.
    answer: &'static str,
}

/// What a start and its invocations took.
struct Sample {
    init: Duration,
    first: Duration,
    warm: Duration,
    memory_kb: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let folder = build()?;
    let gateway = Recorder::start().await?;
    gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
    let stack = Stack::start(StackOptions {
        tick: Duration::from_secs(3600),
        ..tests::stack::ephemeral("[project]\nname = \"Bench\"\n")
    })
    .await?;

    let subjects = subjects(&folder, &gateway);
    let mut samples: Vec<Vec<Sample>> = subjects.iter().map(|_| Vec::new()).collect();
    for start in 0..STARTS {
        // One after the other, so that a slow moment of the machine meets all of them.
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            let sample = measure(subject, &stack, start).await;
            samples.push(sample.with_context(|| subject.what.to_owned())?);
        }
    }
    report(&subjects, &samples)
}

/// Builds what is deployed, and the function beside it.
fn build() -> Result<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for arguments in [
        ["-p", "functions", "--bins", "--locked", "--quiet"].as_slice(),
        &["-p", "threadless", "--features", "lambda", "--example", "empty_function", "--locked", "--quiet"],
    ] {
        println!("cargo build --release {}", arguments.join(" "));
        let status =
            Command::new(&cargo).current_dir(&top).args(["build", "--release"]).args(arguments).status()?;
        ensure!(status.success(), "cargo build: {status}");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top.join("target"), PathBuf::from);
    Ok(target.join("release"))
}

fn subjects(folder: &Path, gateway: &Recorder) -> Vec<Subject> {
    let settings = |respond: &str| {
        format!(
            "[project]\nname = \"Bench\"\n[backends.k]\nengine = \"kannel\"\nrespond = \"{respond}\"\n\
             replies_per_hour = 0\nsendsms_url = \"{}\"\n",
            gateway.url("/cgi-bin/sendsms")
        )
    };
    let event = kannel_event();
    let kannel = |what, respond| Subject {
        what,
        binary: folder.join("kannel"),
        settings: settings(respond),
        event: event.clone(),
        answer: "\"statusCode\":200",
    };
    vec![
        Subject {
            what: "empty lambda_http function",
            binary: folder.join("examples/empty_function"),
            settings: String::new(),
            event: event.clone(),
            answer: "\"statusCode\":200",
        },
        kannel("kannel, a message queued", "queue"),
        kannel("kannel, a message answered inline", "inline"),
        Subject {
            what: "tick, nothing due",
            binary: folder.join("tick"),
            settings: settings("queue"),
            event: "{}".to_owned(),
            answer: "\"due\":0",
        },
    ]
}

/// A message as an HTTP API hands it over.
fn kannel_event() -> String {
    let (path, query) =
        ("/backend/k/", "id=2519112233%n&hex=6563686f2068656c6c6f&charset=UTF-8&coding=0&mid=m%n");
    serde_json::json!({
        "version": "2.0",
        "routeKey": "ANY /backend/{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "host": "api.example", "user-agent": "Kannel/1.4.5" },
        "requestContext": {
            "accountId": "000000000000", "apiId": "api", "domainName": "api.example", "domainPrefix": "api",
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                "userAgent": "Kannel/1.4.5"
            },
            "requestId": "1", "routeKey": "ANY /backend/{proxy+}", "stage": "$default",
            "time": "24/Nov/2026:15:00:00 +0000", "timeEpoch": 1_795_532_400_000_u64
        },
        "isBase64Encoded": false
    })
    .to_string()
}

/// A function that is ended with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn measure(subject: &Subject, stack: &Stack, start: usize) -> Result<Sample> {
    let mut api = RuntimeApi::start().await?;
    let mut command = Command::new(&subject.binary);
    command.env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    command.envs([
        ("AWS_LAMBDA_RUNTIME_API", api.address.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", "measured".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "measured".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "measured".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", stack.dynamodb)),
        ("AWS_ENDPOINT_URL_SQS", stack.queue_url.split("/0").next().unwrap_or_default().to_owned()),
        ("THREADLESS_TABLE", "threadless".to_owned()),
        // The one that nobody works off: what would be done there is not what is measured here.
        ("THREADLESS_QUEUE_URL", stack.dead_letters_url.clone()),
        ("THREADLESS_SETTINGS", subject.settings.clone()),
    ]);
    let begun = Instant::now();
    let function = Running(command.spawn().with_context(|| subject.binary.display().to_string())?);
    let init = api.asked().await? - begun;
    let mut took = Vec::new();
    for nth in 0..=WARM {
        let event = subject.event.replace("%n", &format!("{start:02}{nth:03}"));
        let (time, result) = api.invoke(event).await?;
        let result = String::from_utf8_lossy(&result);
        ensure!(result.contains(subject.answer), "{result}");
        took.push(time);
    }
    let first = took.remove(0);
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.0.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let memory_kb = peak.and_then(|line| line.trim().split(' ').next()?.parse().ok()).context("no VmHWM")?;
    Ok(Sample { init, first, warm: median(took), memory_kb })
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

fn report(subjects: &[Subject], samples: &[Vec<Sample>]) -> Result<()> {
    #[allow(clippy::cast_precision_loss)] // A few megabytes.
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let ms = |of: fn(&Sample) -> Duration, samples: &[Sample]| {
        median(samples.iter().map(of).collect()).as_secs_f64() * 1e3
    };
    println!(
        "\nMedians of {STARTS} starts with {WARM} further invocations each; in brackets the ratio to the first.\n"
    );
    println!(
        "{:<36}{:>16}{:>16}{:>16}{:>16}{:>16}",
        "", "init ms", "first ms", "warm ms", "memory MB", "binary MB"
    );
    let mut base: Option<[f64; 5]> = None;
    for (subject, samples) in subjects.iter().zip(samples) {
        let row = [
            ms(|sample| sample.init, samples),
            ms(|sample| sample.first, samples),
            ms(|sample| sample.warm, samples),
            megabytes(median(samples.iter().map(|sample| sample.memory_kb).collect()) * 1024),
            megabytes(std::fs::metadata(&subject.binary)?.len()),
        ];
        let base = base.get_or_insert(row);
        let cell =
            |(value, base): (&f64, &mut f64)| format!("{:>16}", format!("{value:.2} ({:.1})", value / *base));
        let cells: Vec<String> = row.iter().zip(base).map(cell).collect();
        println!("{:<36}{}", subject.what, cells.concat());
    }
    Ok(())
}
