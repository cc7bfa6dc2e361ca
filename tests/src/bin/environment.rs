//! One environment of a Lambda function, as a program that tests can freeze. It reads one event from each line and
//! writes one result on each line. Its arguments are the function, the URLs of DynamoDB and SQS, the queue's URL, and
//! the file with the settings.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_credential_types::Credentials;
use threadless::aws::Access;
use threadless::lambda::{self, Environment};
use threadless::metrics::NoMeter;
use threadless::settings::Place;
use threadless::{Deadline, SystemClock};

/// The time-out, as the template has it.
const TIMEOUT: Duration = Duration::from_secs(29);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "{problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name| arguments.next().with_context(|| format!("the argument {name} is missing"));
    let name = argument("FUNCTION")?;
    let function =
        functions::PROJECT.function(&name).with_context(|| format!("there is no function {name}"))?;
    let environment = Environment {
        table: "threadless".to_owned(),
        dynamodb_url: Some(argument("DYNAMODB")?),
        sqs_url: Some(argument("SQS")?),
        queue_url: argument("QUEUE")?,
        settings: None,
        secrets: None,
        log: "warn".to_owned(),
        stack: "tests".to_owned(),
        access: Access {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("local", "local", None, None, "test"),
            endpoint_url: None,
        },
        place: Place::Local,
        clock: Arc::new(SystemClock),
    };
    let settings = std::fs::read_to_string(argument("SETTINGS")?)?;
    let mut host = environment.host(&settings, &functions::engines(), tests::apps::proving)?;
    // The standard output is for results.
    host.meter = Arc::new(NoMeter);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for event in std::io::stdin().lock().lines() {
        let result = runtime.block_on(lambda::invoke(function, &host, &event?, Deadline::within(TIMEOUT)))?;
        writeln!(std::io::stdout(), "{result}")?;
    }
    Ok(())
}
