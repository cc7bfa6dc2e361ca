//! Ratios: what was measured, against what was measured beside it in the same run.

// A benchmark talks to the one who runs it.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use criterion::Criterion;

/// Where Criterion keeps what it measured.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/criterion")
}

/// A Criterion whose results [`report`] finds.
pub(crate) fn criterion() -> Criterion {
    Criterion::default().output_directory(&folder()).configure_from_args()
}

/// Prints, of each pair of benchmarks, how many times the second's time the first takes.
pub(crate) fn report(pairs: &[(&str, &str)]) {
    println!();
    for (one, other) in pairs {
        // Not there: the command line asked for others, or only whether it builds.
        if let (Some(first), Some(second)) = (median(one), median(other)) {
            println!("{one:<44} {:>8.2} times {other}", first / second);
        }
    }
}

/// The median of a benchmark, in nanoseconds.
fn median(name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(folder().join(name).join("new/estimates.json")).ok()?;
    serde_json::from_str::<serde_json::Value>(&text).ok()?["median"]["point_estimate"].as_f64()
}
