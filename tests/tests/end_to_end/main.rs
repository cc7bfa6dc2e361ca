//! From the phone through Kannel, the functions, DynamoDB and SQS, and back to the phone.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod death;
mod duplicates;
mod exact;
mod faulty;
mod outage;
mod reports;
mod shipped;
mod volume;

use std::time::Duration;

use aws_credential_types::Credentials;
use tests::kannel::{Kannel, KannelOptions};
use tests::ports::free_port;
use threadless::Router;
use threadless::aws::{Access, http_client};
use threadless::store::dynamodb::DynamoStore;
use threadless_local::{Stack, StackOptions};

/// The time limit of steps that take seconds on an idle machine.
const LIMIT: Duration = Duration::from_secs(180);

/// The short code.
const CODE: &str = "1234";

/// The two modes in which a backend's messages are processed.
const MODES: [&str; 2] = ["inline", "queue"];

/// Returns the settings of a project with these backends, each with its mode and the URL to which it sends.
fn settings(backends: &[(&str, &str, &str)]) -> String {
    let project =
        "[project]\nname = \"Proof\"\ndefault_response = \"What?\"\nphase_timeout_seconds = 1\n".to_owned();
    let table = |(name, respond, sendsms): &(&str, &str, &str)| {
        format!(
            "[backends.{name}]\nengine = \"kannel\"\nrespond = \"{respond}\"\nsendsms_url = \"{sendsms}\"\n\
             timeout_seconds = 10\n"
        )
    };
    std::iter::once(project).chain(backends.iter().map(table)).collect()
}

/// Returns the settings for sending to a Kannel, with further keys.
fn sendsms(kannel: &Kannel, more: &str) -> String {
    let (user, password) = (kannel.username(), kannel.password());
    format!("{}?username={user}&password={password}&from={CODE}{more}", kannel.sendsms_url())
}

/// Starts a Kannel, and a stack with one backend `k` for it.
async fn kannel_and_stack(respond: &str) -> (Kannel, Stack) {
    let port = free_port().unwrap();
    let base = format!("http://127.0.0.1:{port}/backend/k/");
    let kannel = Kannel::start(KannelOptions::new(&base)).await.unwrap();
    let settings = settings(&[("k", respond, &sendsms(&kannel, ""))]);
    let stack = Stack::start(StackOptions { port, ..options(&settings) }).await.unwrap();
    (kannel, stack)
}

/// Makes a store on the table of a stack.
fn store(stack: &Stack) -> DynamoStore {
    let access = Access {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "test"),
        endpoint_url: Some(format!("http://{}", stack.dynamodb)),
    };
    DynamoStore::new(&access, http_client().unwrap(), "threadless")
}

/// Returns the apps of the project, and the one that counts.
fn apps(router: Router) -> Router {
    functions::apps(router.app(tests::apps::Counting))
}

fn options(settings: &str) -> StackOptions {
    tests::stack::with_apps(apps, settings)
}

/// Waits until a condition holds.
async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let begun = tokio::time::Instant::now();
    while !so().await {
        assert!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
