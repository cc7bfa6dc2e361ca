//! Hostile input. Every input from outside is read without a panic, without a hang and without an answer of the kind
//! 5xx. Each fault is reported with the name of its field.
//!
//! The tests try each kind of input with the files in `corpus/<kind>/`, with random changes of these files, and with
//! random bytes: 200 of each kind, or the number in `HOSTILE_CASES`. An input that once caused trouble belongs in the
//! corpus.

// Some lints do not matter in tests.
#![allow(clippy::format_collect, clippy::needless_for_each)]
// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[cfg(feature = "lambda")]
mod events;
mod inputs;
mod parsers;
mod requests;
mod size;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use threadless::backend::{Engines, Fetched, Transport, TransportError};
use threadless::project::Settings;
use threadless::queue::MemoryQueue;
use threadless::settings::Surroundings;
use threadless::store::MemoryStore;
use threadless::testing::TestClock;
use threadless::{Deadline, Ports, Project, Router, apps};

/// Backends of each kind, with and without a credential.
const SETTINGS: &str = r#"
[project]
name = "Hostile"
default_response = "What?"

[backends.k]
engine = "kannel"
sendsms_url = "http://127.0.0.1:1/"

[backends.guarded]
engine = "kannel"
sendsms_url = "http://127.0.0.1:1/"
token = "t0ken"
delivery_report_url = "http://127.0.0.1:8000"

[backends.h]
engine = "http"
outgoing_url = "http://127.0.0.1:1/"
outgoing_method = "json"

[backends.signed]
engine = "http"
outgoing_url = "http://127.0.0.1:1/"
outgoing_method = "form"
signature_secret = "s3cret"
delivery_reports = true

[backends.t]
engine = "httptester"
"#;

/// A gateway that takes every message.
struct Taking;

#[async_trait]
impl Transport for Taking {
    async fn fetch(&self, _: Request<Bytes>, _: Duration) -> Result<Fetched, TransportError> {
        Ok(Fetched::new(202, Bytes::from_static(b"0: Accepted for delivery")))
    }
}

/// Returns a new project without any data.
fn project() -> Arc<Project> {
    let settings = Settings::read(SETTINGS, &Engines::standard(), &Surroundings::local(&[])).unwrap();
    let clock = Arc::new(TestClock::default());
    let ports = Ports::new(
        Arc::new(MemoryStore::new()),
        Arc::new(MemoryQueue::new(clock.clone())),
        Arc::new(Taking),
        clock,
    );
    Arc::new(Project::new(settings, Router::new().app(apps::Echo).app(apps::DefaultReply), ports))
}

/// Returns a deadline that is long enough for every input.
fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(29))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
