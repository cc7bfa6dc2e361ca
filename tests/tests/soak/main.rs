//! Real processes under repeated faults: a real Kannel and the stack are killed and frozen in the middle of traffic,
//! the disk is full, the clock is set back. Everything is counted, and the counts are compared with the promises of
//! `core/ARCHITECTURE.md`. `tests/RELIABILITY.md` has the figures of the last long run.
//!
//! `SOAK_SECONDS` is the time for which faults occur (45 by default, 600 for a full run). `SOAK_SEED` repeats a
//! schedule of faults.

// These lints do not matter in tests.
#![allow(clippy::format_collect, clippy::doc_markdown)]
// The helpers of tests may fail like the tests themselves, and these print their figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod chance;
mod clock;
mod count;
mod frozen;
mod full;
mod gateway;
mod judge;
mod killed;
mod plan;
mod reliability;
mod site;

use std::time::Duration;

/// The program that is killed and frozen.
const STACK: &str = env!("CARGO_BIN_EXE_stack");

/// The program of one environment of a Lambda function.
const ENVIRONMENT: &str = env!("CARGO_BIN_EXE_environment");

/// The time limit of steps that take a minute or two on an idle machine.
const LIMIT: Duration = Duration::from_secs(600);

/// The length of a lease on an outbox: 15 seconds more than the send time-out of the settings here, which is 2 seconds.
const LEASE: Duration = Duration::from_secs(17);

/// The two modes in which a backend's messages are processed.
const MODES: [&str; 2] = ["inline", "queue"];

/// Waits until a condition holds.
async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let begun = tokio::time::Instant::now();
    while !so().await {
        assert!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
