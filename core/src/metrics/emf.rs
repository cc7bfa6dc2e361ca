//! The embedded metric format of CloudWatch: a line of the log from which CloudWatch makes metrics.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Meter;
use super::figures::{AppPhase, Figures, Tally};

/// The namespace of the metrics.
pub const NAMESPACE: &str = "Threadless";

/// The ten metrics of each backend. The other figures are fields of the line, which cost nothing.
const OF_BACKEND: [&str; 10] = [
    "Received",
    "Sent",
    "Failed",
    "Deferred",
    "Uncertain",
    "Delivered",
    "Waiting",
    "OldestWaiting",
    "HandlingTime",
    "GatewayTime",
];

/// The metrics of the whole stack that come from the figures of backends. The alarms use them.
const OF_STACK: [&str; 5] = ["Failed", "Deferred", "Uncertain", "OldestWaiting", "Overdue"];

/// The most values of one metric in a line.
const VALUES: usize = 100;

/// The longest value of a dimension, in bytes.
const LONGEST_DIMENSION: usize = 250;

/// A [`Meter`] that writes the figures of an invocation as lines of the log.
pub struct EmfLines<W> {
    stack: String,
    writer: Mutex<W>,
}

impl<W: Write + Send> EmfLines<W> {
    /// Creates a meter. `stack` is the value of the dimension `Stack` of each metric.
    pub fn new(stack: impl Into<String>, writer: W) -> Self {
        Self { stack: stack.into(), writer: Mutex::new(writer) }
    }
}

impl<W: Write + Send> Meter for EmfLines<W> {
    fn take(&self, tally: &Tally, at: Timestamp) {
        if tally.is_empty() {
            return;
        }
        let lines = emf_lines(&self.stack, tally, at);
        let mut writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The figures are worth less than the work of the invocation, so a failed write stops nothing.
        let _ = writer.write_all(lines.as_bytes()).and_then(|()| writer.flush());
    }
}

/// Returns the lines for the figures of an invocation: one for each backend, and one for each app and phase that failed.
/// Each line ends with a line feed.
pub fn emf_lines(stack: &str, tally: &Tally, at: Timestamp) -> String {
    let mut lines = String::new();
    for (backend, figures) in &tally.backends {
        for nth in 0..parts(figures) {
            lines.push_str(&of_backend(stack, backend, figures, nth, at).to_string());
            lines.push('\n');
        }
    }
    for (failed, number) in &tally.app_errors {
        lines.push_str(&of_app(stack, failed, *number, at).to_string());
        lines.push('\n');
    }
    lines
}

/// Returns the number of lines for the figures of a backend.
fn parts(figures: &Figures) -> usize {
    let most = figures.timings.values().map(Vec::len).max().unwrap_or_default();
    most.div_ceil(VALUES).max(1)
}

/// Returns the line for a backend. If there are more values than a line may have, the lines after the first have the
/// rest.
fn of_backend(stack: &str, backend: &str, figures: &Figures, nth: usize, at: Timestamp) -> Value {
    let mut fields: Vec<(&str, &str, Value)> = Vec::new();
    if nth == 0 {
        let counts = figures.counts.iter().map(|(event, number)| (event.name(), "Count", json!(number)));
        fields.extend(counts);
        let levels = [
            ("Waiting", "Count", figures.waiting),
            ("OldestWaiting", "Seconds", figures.oldest),
            ("Overdue", "Seconds", figures.overdue),
        ];
        fields.extend(levels.into_iter().filter_map(|(name, unit, level)| Some((name, unit, json!(level?)))));
    }
    for (timing, values) in &figures.timings {
        if let Some(values) = values.chunks(VALUES).nth(nth) {
            fields.push((timing.name(), "Milliseconds", json!(values)));
        }
    }
    let metrics = |of: &[&str]| -> Vec<Value> {
        let metrics = fields.iter().filter(|(name, ..)| of.contains(name));
        metrics.map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect()
    };
    let groups =
        [(json!([["Stack", "Backend"]]), metrics(&OF_BACKEND)), (json!([["Stack"]]), metrics(&OF_STACK))];
    let mut line = line(stack, groups.into(), at);
    line.insert("Backend".to_owned(), json!(dimension(backend)));
    line.extend(fields.into_iter().map(|(name, _, value)| (name.to_owned(), value)));
    Value::Object(line)
}

fn of_app(stack: &str, failed: &AppPhase, number: u64, at: Timestamp) -> Value {
    let metrics = vec![json!({ "Name": "AppErrors", "Unit": "Count" })];
    let mut line = line(stack, vec![(json!([["Stack", "App", "Phase"], ["Stack"]]), metrics)], at);
    line.insert("App".to_owned(), json!(dimension(&failed.app)));
    line.insert("Phase".to_owned(), json!(failed.phase));
    line.insert("AppErrors".to_owned(), json!(number));
    Value::Object(line)
}

/// Returns the beginning of a line: the fields that every line of the log has, and the description of the metrics.
fn line(stack: &str, groups: Vec<(Value, Vec<Value>)>, at: Timestamp) -> Map<String, Value> {
    let groups = groups.into_iter().filter(|(_, metrics)| !metrics.is_empty());
    let groups = groups.map(|(dimensions, metrics)| {
        json!({ "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics })
    });
    let groups: Vec<Value> = groups.collect();
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), json!(at.to_string()));
    line.insert("level".to_owned(), json!("INFO"));
    line.insert("message".to_owned(), json!("metrics"));
    if !groups.is_empty() {
        let about = json!({ "Timestamp": at.as_millisecond(), "CloudWatchMetrics": groups });
        line.insert("_aws".to_owned(), about);
    }
    line.insert("Stack".to_owned(), json!(dimension(stack)));
    line
}

/// Returns a text as CloudWatch takes it for the value of a dimension: printable ASCII, not empty and not too long.
fn dimension(text: &str) -> String {
    let legal = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let text: String =
        text.trim().trim_start_matches(':').chars().map(legal).take(LONGEST_DIMENSION).collect();
    if text.is_empty() { "?".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Event, Timing};

    fn at() -> Timestamp {
        "2026-11-28T03:20:00Z".parse().unwrap()
    }

    fn lines(tally: &Tally) -> Vec<Value> {
        emf_lines("clinic-prod", tally, at())
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_describes_its_metrics_and_has_their_values() {
        let mut figures = Figures::default();
        figures.counts.extend([(Event::Received, 2), (Event::Handled, 2), (Event::Uncertain, 1)]);
        figures.timings.insert(Timing::Handling, vec![7, 9]);
        figures.timings.insert(Timing::Queue, vec![3]);
        figures.oldest = Some(61);
        let mut tally = Tally::default();
        tally.backends.insert("k".to_owned(), figures);
        tally.app_errors.insert(AppPhase { app: "Echo".to_owned(), phase: "handle" }, 3);
        let count = |name: &str| json!({ "Name": name, "Unit": "Count" });
        let oldest = json!({ "Name": "OldestWaiting", "Unit": "Seconds" });
        let handling = json!({ "Name": "HandlingTime", "Unit": "Milliseconds" });
        let of_backend = json!({
            "timestamp": "2026-11-28T03:20:00Z", "level": "INFO", "message": "metrics",
            "_aws": { "Timestamp": 1_795_836_000_000_i64, "CloudWatchMetrics": [
                { "Namespace": "Threadless", "Dimensions": [["Stack", "Backend"]],
                  "Metrics": [count("Received"), count("Uncertain"), oldest, handling] },
                { "Namespace": "Threadless", "Dimensions": [["Stack"]], "Metrics": [count("Uncertain"), oldest] },
            ] },
            "Stack": "clinic-prod", "Backend": "k", "Received": 2, "Handled": 2, "Uncertain": 1,
            "OldestWaiting": 61, "HandlingTime": [7, 9], "QueueTime": [3],
        });
        let of_app = json!({
            "timestamp": "2026-11-28T03:20:00Z", "level": "INFO", "message": "metrics",
            "_aws": { "Timestamp": 1_795_836_000_000_i64, "CloudWatchMetrics": [
                { "Namespace": "Threadless", "Dimensions": [["Stack", "App", "Phase"], ["Stack"]],
                  "Metrics": [count("AppErrors")] },
            ] },
            "Stack": "clinic-prod", "App": "Echo", "Phase": "handle", "AppErrors": 3,
        });
        assert_eq!(lines(&tally), [of_backend, of_app]);
    }

    #[test]
    fn a_backend_has_at_most_ten_metrics_whatever_happens() {
        let mut figures =
            Figures { waiting: Some(1), oldest: Some(2), overdue: Some(3), ..Figures::default() };
        figures.counts.extend(Event::ALL.map(|event| (event, 1)));
        figures.timings.extend(Timing::ALL.map(|timing| (timing, vec![1])));
        let mut tally = Tally::default();
        tally.backends.insert("k".to_owned(), figures);
        let line = lines(&tally).remove(0);
        let groups = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let names = |group: &Value| -> Vec<String> {
            let metrics = group["Metrics"].as_array().unwrap();
            metrics.iter().map(|metric| metric["Name"].as_str().unwrap().to_owned()).collect()
        };
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        assert_eq!(sorted(names(&groups[0])), sorted(OF_BACKEND.map(str::to_owned).into()));
        assert_eq!(sorted(names(&groups[1])), sorted(OF_STACK.map(str::to_owned).into()));
    }

    #[test]
    fn many_durations_take_several_lines_and_none_is_lost() {
        let mut figures = Figures::default();
        figures.counts.insert(Event::Sent, 250);
        figures.timings.insert(Timing::Gateway, (0..250).collect());
        let mut tally = Tally::default();
        tally.backends.insert("k".to_owned(), figures);
        let lines = lines(&tally);
        let values = lines.iter().flat_map(|line| line["GatewayTime"].as_array().unwrap());
        assert_eq!(
            values.map(|value| value.as_u64().unwrap()).collect::<Vec<_>>(),
            (0..250).collect::<Vec<_>>()
        );
        let sent: Vec<_> = lines.iter().map(|line| line["Sent"].as_u64()).collect();
        assert_eq!(sent, [Some(250), None, None]);
    }

    #[test]
    fn a_dimension_is_printable_ascii() {
        let table = [("Echo", "Echo"), ("", "?"), (" :x", "x"), ("hélp\n", "h?lp"), ("stock in", "stock in")];
        for (text, expected) in table {
            assert_eq!(dimension(text), expected, "{text:?}");
        }
        assert_eq!(dimension(&"x".repeat(2000)).len(), LONGEST_DIMENSION);
    }
}
