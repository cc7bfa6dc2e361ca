//! Requests a second, time to the answer and processor time of the local stack, beside the least that could answer:
//! a hyper server that sends the echo to the gateway and keeps nothing. The machine's mood is in all of them; look at
//! the ratios.
//!
//! ```sh
//! cargo bench -p tests --bench throughput
//! cargo bench -p tests --bench throughput -- --peers VENV    # RapidSMS beside it
//! ```
//!
//! `VENV` is made by `python3 -m venv VENV && VENV/bin/pip install rapidsms==2.2.0 gunicorn`.

// A benchmark talks to the one who runs it.
#![allow(clippy::print_stdout)]

mod echo;
mod gateway;
mod load;
mod rapidsms;
mod report;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use gateway::Gateway;
use load::{Load, Senders};
use subject::Subject;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    // `cargo test --benches` only wants to know that it builds.
    if arguments.iter().any(|argument| argument == "--test") {
        return Ok(());
    }
    if let (Some(port), Some(gateway)) = (after("--echo"), after("--gateway")) {
        return echo::serve(port.parse()?, gateway).await;
    }
    let loads = [
        Load { what: "one sender", senders: Senders::Same, messages: 400, gateway: Duration::ZERO },
        Load { what: "new senders", senders: Senders::New, messages: 1200, gateway: Duration::ZERO },
        Load {
            what: "new senders, gateway 500 ms",
            senders: Senders::New,
            messages: 64,
            gateway: Duration::from_millis(500),
        },
    ];
    let gateway = Gateway::start().await?;
    let mut subjects = vec![Subject::echo(&gateway)?, Subject::stack(&gateway, "inline").await?];
    subjects.push(Subject::stack(&gateway, "queue").await?);
    if let Some(venv) = after("--peers") {
        subjects.push(rapidsms::start(&PathBuf::from(venv), &gateway)?);
    }
    for subject in &mut subjects {
        subject.wait_until_up().await?;
        // What is done once only is done before.
        let first = Load { what: "", senders: Senders::New, messages: 40, gateway: Duration::ZERO };
        load::run(subject, &gateway, &first).await?;
    }
    report::head();
    for load in &loads {
        let mut rows = Vec::new();
        for subject in &mut subjects {
            rows.push((subject.what, load::run(subject, &gateway, load).await?));
        }
        report::rows(load, &rows);
    }
    report::elsewhere();
    Ok(())
}
