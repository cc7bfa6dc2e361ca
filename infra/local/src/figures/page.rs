//! The page `/metrics` in the text format of Prometheus.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{Display, Write as _};

use jiff::Timestamp;
use threadless::metrics::{Event, Timing};

use super::totals::{Sum, Sums};

/// A gauge of each backend: its name, its description, and its value if there is one.
type Gauge = (&'static str, &'static str, fn(&Sum, bool, Timestamp) -> Option<String>);

/// The content of the page.
pub(crate) struct Page {
    pub(crate) sums: Sums,
    /// The configured backends, each with whether its circuit breaker is open.
    pub(crate) backends: Vec<(String, bool)>,
    pub(crate) dead_letters: u64,
    pub(crate) now: Timestamp,
}

/// Returns the text of the page.
pub(crate) fn page(page: &Page) -> String {
    let Page { sums, backends, dead_letters, now } = page;
    let mut all: Vec<(&str, Sum, bool)> = Vec::new();
    for (name, open) in backends {
        all.push((name, sums.backends.get(name).cloned().unwrap_or_default(), *open));
    }
    for (name, sum) in &sums.backends {
        if !backends.iter().any(|(known, _)| known == name) {
            all.push((name, sum.clone(), false));
        }
    }
    let mut text = String::new();
    head(
        &mut text,
        "threadless_messages_total",
        "counter",
        "What happened to messages since the start of the stack",
    );
    for (name, sum, _) in &all {
        for event in Event::ALL {
            let labels = format!("backend=\"{}\",event=\"{}\"", escaped(name), snake(event.name()));
            let number = sum.counts.get(&event).copied().unwrap_or_default();
            line(&mut text, "threadless_messages_total", &labels, number);
        }
    }
    head(
        &mut text,
        "threadless_time_seconds",
        "summary",
        "Time in the queue, of the handling, and of the gateway",
    );
    for (name, sum, _) in &all {
        for timing in Timing::ALL {
            let labels = format!("backend=\"{}\",time=\"{}\"", escaped(name), snake(timing.name()));
            let (count, total) = sum.times.get(&timing).copied().unwrap_or_default();
            let seconds = format!("{}.{:03}", total / 1000, total % 1000);
            line(&mut text, "threadless_time_seconds_sum", &labels, seconds);
            line(&mut text, "threadless_time_seconds_count", &labels, count);
        }
    }
    let gauges: [Gauge; 7] = [
        ("threadless_waiting_conversations", "Conversations with messages that still go out", |sum, _, _| {
            Some(sum.waiting.to_string())
        }),
        ("threadless_oldest_waiting_seconds", "The largest known age of a waiting message", |sum, _, now| {
            Some(sum.oldest(now).to_string())
        }),
        ("threadless_overdue_seconds", "The longest time since which a message is due", |sum, _, _| {
            Some(sum.overdue.to_string())
        }),
        ("threadless_last_received_timestamp_seconds", "The time of the last message in", |sum, _, _| {
            Some(sum.last_received?.as_second().to_string())
        }),
        ("threadless_last_sent_timestamp_seconds", "The time of the last message out", |sum, _, _| {
            Some(sum.last_sent?.as_second().to_string())
        }),
        ("threadless_failed_last_hour", "Messages that failed in the last hour", |sum, _, now| {
            Some(sum.failed_lately(now).to_string())
        }),
        ("threadless_circuit_open", "Whether the circuit breaker of the gateway is open", |_, open, _| {
            Some(u8::from(open).to_string())
        }),
    ];
    for (metric, help, value) in gauges {
        head(&mut text, metric, "gauge", help);
        for (name, sum, open) in &all {
            if let Some(value) = value(sum, *open, *now) {
                line(&mut text, metric, &format!("backend=\"{}\"", escaped(name)), value);
            }
        }
    }
    head(
        &mut text,
        "threadless_app_errors_total",
        "counter",
        "Failures of apps since the start of the stack",
    );
    for (failed, number) in &sums.app_errors {
        let labels = format!("app=\"{}\",phase=\"{}\"", escaped(&failed.app), failed.phase);
        line(&mut text, "threadless_app_errors_total", &labels, *number);
    }
    head(&mut text, "threadless_dead_letters", "gauge", "Jobs in the dead-letter queue");
    let _ = writeln!(text, "threadless_dead_letters {dead_letters}");
    text
}

fn head(text: &mut String, metric: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
}

fn line(text: &mut String, metric: &str, labels: &str, value: impl Display) {
    let _ = writeln!(text, "{metric}{{{labels}}} {value}");
}

/// Returns a label as the format wants it.
fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Returns `OptedOut` as `opted_out`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
