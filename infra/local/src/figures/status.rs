//! `cargo run -- status`: the state of the running stack, as a table by backend. It reads the page of metrics.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

/// The stack whose state is shown.
#[derive(Clone, Debug, Args)]
pub struct StatusOptions {
    /// The URL of a stack; if it is not given, the stack on this machine at --port
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// The longest time for the answer of the stack.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most columns of the table.
const COLUMNS: usize = 7;

/// Returns the table of the stack at this URL, or on this machine at `port`.
///
/// # Errors
/// No stack answers there.
pub(crate) fn run(options: &StatusOptions, port: u16) -> Result<String, String> {
    let base = options.url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
    let url = format!("{}/metrics", base.trim_end_matches('/'));
    let runtime = tokio::runtime::Runtime::new().map_err(|problem| problem.to_string())?;
    let text = runtime
        .block_on(fetch(&url))
        .map_err(|problem| format!("no stack answers at {url}: {problem}; start it with: cargo run"))?;
    Ok(table(&text))
}

async fn fetch(url: &str) -> Result<String, reqwest::Error> {
    // This fails only if a provider is installed already, and that provider is good enough.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    client.get(url).send().await?.error_for_status()?.text().await
}

/// Returns the table for a page of metrics.
fn table(page: &str) -> String {
    let mut backends: BTreeMap<String, BTreeMap<&str, &str>> = BTreeMap::new();
    let (mut dead_letters, mut app_errors) = ("0", 0_u64);
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((metric, value)) = line.rsplit_once(' ') else { continue };
        let (metric, labels) = metric.split_once('{').unwrap_or((metric, ""));
        match metric {
            "threadless_dead_letters" => dead_letters = value,
            "threadless_app_errors_total" => app_errors += value.parse().unwrap_or(0),
            _ => {
                let backend = labels.strip_prefix("backend=\"").and_then(|rest| rest.strip_suffix("\"}"));
                if let Some(backend) = backend.filter(|backend| !backend.contains('"')) {
                    backends.entry(backend.to_owned()).or_default().insert(metric, value);
                }
            }
        }
    }
    let mut rows: Vec<[String; COLUMNS]> = vec![
        ["backend", "last in", "last sent", "waiting", "oldest", "failed 1 h", "circuit"].map(str::to_owned),
    ];
    for (backend, values) in backends {
        let value = |metric: &str| values.get(metric).copied().unwrap_or("0");
        let time = |metric: &str| values.get(metric).map_or_else(|| "never".to_owned(), |at| shown(at));
        rows.push([
            backend.clone(),
            time("threadless_last_received_timestamp_seconds"),
            time("threadless_last_sent_timestamp_seconds"),
            value("threadless_waiting_conversations").to_owned(),
            format!("{} s", value("threadless_oldest_waiting_seconds")),
            value("threadless_failed_last_hour").to_owned(),
            if value("threadless_circuit_open") == "1" { "open" } else { "closed" }.to_owned(),
        ]);
    }
    let widths: Vec<usize> =
        (0..COLUMNS).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    let _ = writeln!(text, "\ndead letters: {dead_letters}\napp errors since the start: {app_errors}");
    text
}

fn shown(seconds: &str) -> String {
    let at = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| seconds.to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use threadless::metrics::{AppPhase, Event, Figures, Meter as _, Tally, Timing};

    use super::super::{Page, Totals, page};
    use super::*;

    #[test]
    fn the_table_shows_what_the_invocations_reported() {
        let (totals, start) = (Totals::default(), Timestamp::from_second(1_795_836_000).unwrap());
        let at = |seconds: i64| start + SignedDuration::from_secs(seconds);
        let take = |at: Timestamp, change: fn(&mut Figures)| {
            let mut tally = Tally::default();
            change(tally.backends.entry("clinic".to_owned()).or_default());
            totals.take(&tally, at);
        };
        take(at(0), |figures| {
            figures.counts.extend([(Event::Received, 2), (Event::Failed, 3)]);
            figures.timings.insert(Timing::Gateway, vec![250, 1000]);
        });
        take(at(3000), |figures| figures.counts.extend([(Event::Sent, 1), (Event::Failed, 1)]));
        take(at(3590), |figures| figures.oldest = Some(400));
        take(at(3600), |figures| {
            (figures.waiting, figures.oldest, figures.overdue) = (Some(2), Some(7), Some(7));
        });
        let mut tally = Tally::default();
        let mut app = AppPhase::default();
        (app.app, app.phase) = ("say \"hi\"".to_owned(), "handle");
        tally.app_errors.insert(app, 5);
        totals.take(&tally, at(3600));
        let shown = |seconds: i64| {
            let backends = vec![("clinic".to_owned(), true), ("quiet".to_owned(), false)];
            page(&Page { sums: totals.now(), backends, dead_letters: 4, now: at(seconds) })
        };
        let text = shown(3601);
        for line in [
            r#"threadless_messages_total{backend="clinic",event="received"} 2"#,
            r#"threadless_messages_total{backend="quiet",event="opted_out"} 0"#,
            r#"threadless_time_seconds_sum{backend="clinic",time="gateway_time"} 1.250"#,
            r#"threadless_time_seconds_count{backend="clinic",time="gateway_time"} 2"#,
            r#"threadless_overdue_seconds{backend="clinic"} 7"#,
            r#"threadless_app_errors_total{app="say \"hi\"",phase="handle"} 5"#,
            "threadless_dead_letters 4",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}: {text}");
        }
        assert_eq!(
            table(&text),
            "backend  last in               last sent             waiting  oldest  failed 1 h  circuit\n\
             clinic   2026-11-28T03:20:00Z  2026-11-28T04:10:00Z  2        400 s   1           open\n\
             quiet    never                 never                 0        0 s     0           closed\n\
             \n\
             dead letters: 4\n\
             app errors since the start: 5\n"
        );
        take(at(3660), |figures| (figures.waiting, figures.oldest) = (Some(0), Some(0)));
        assert!(shown(3661).contains("threadless_oldest_waiting_seconds{backend=\"clinic\"} 0"));
    }
}
