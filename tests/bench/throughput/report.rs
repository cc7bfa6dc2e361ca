//! Figures, with ratios to the first subject.

use crate::load::{CONNECTIONS, Load, Sample};

/// The columns.
pub(crate) fn head() {
    println!(
        "{CONNECTIONS} connections; in brackets the ratio to the first of its load. The local stack's figures have its \
         DynamoDB and its SQS in them, both of which write to the disk.\n"
    );
    println!(
        "{:<30}{:<24}{:>20}{:>20}{:>20}{:>20}{:>20}",
        "load", "", "answers/s", "replies/s", "p50 ms", "p99 ms", "CPU ms/message"
    );
}

/// One load.
pub(crate) fn rows(load: &Load, rows: &[(&str, Sample)]) {
    let figures = |sample: &Sample| {
        [
            sample.answered_per_second,
            sample.replied_per_second,
            sample.median.as_secs_f64() * 1e3,
            sample.p99.as_secs_f64() * 1e3,
            sample.processor_per_message.as_secs_f64() * 1e3,
        ]
    };
    let Some((_, first)) = rows.first() else { return };
    let base = figures(first);
    for (at, (what, sample)) in rows.iter().enumerate() {
        let cell =
            |(value, base): (&f64, &f64)| format!("{:>18}", format!("{value:.2} ({:.2})", value / base));
        let cells: Vec<String> = figures(sample).iter().zip(&base).map(cell).collect();
        println!("{:<30}{what:<24}{}", if at == 0 { load.what } else { "" }, cells.concat());
    }
    println!();
}

/// What others were measured at, on another day: for orientation, not for ratios.
pub(crate) fn elsewhere() {
    println!(
        "Measured elsewhere (2 cores, quiet, gunicorn with 2 workers, echo handler, 8 connections, median of 3):\n"
    );
    println!("{:<54}{:>10}{:>10}{:>10}{:>16}", "", "req/s", "p50 ms", "p99 ms", "CPU ms/message");
    let table = [
        ("RapidSMS 2.2, SQLite, one sender", "622", "12.6", "16", "3.15"),
        ("RapidSMS 2.2, SQLite, new senders", "341", "22.7", "41", "3.92"),
        ("rapidsms-threadless-router 0.1.4, SQLite, one sender", "673", "11.7", "15", "2.90"),
        ("rapidsms-threadless-router 0.1.4, SQLite, new", "325", "24.2", "37", "3.25"),
        ("either, gateway 500 ms", "3.2", "> 2000", "", ""),
    ];
    for (what, requests, median, p99, processor) in table {
        println!("{what:<54}{requests:>10}{median:>10}{p99:>10}{processor:>16}");
    }
}
