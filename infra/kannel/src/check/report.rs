//! The output of the findings, for a terminal and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Finding, Severity};
use crate::file::Place;

/// Returns the findings for a terminal, grouped by line.
pub fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut last: Option<&Place> = None;
    for Finding { check, place, found, mend } in findings {
        if last.is_some() && last != Some(place) {
            text.push('\n');
        }
        last = Some(place);
        let kind = match check.severity {
            Severity::Fault => "fault",
            Severity::Advice => "advice",
        };
        let _ = writeln!(text, "{place}: {kind}: {found} [{}]", check.name);
        let _ = writeln!(text, "    effect: {}", check.effect);
        let _ = writeln!(text, "    reason: {}", check.reason);
        let _ = writeln!(text, "    write:  {mend}");
    }
    let count = |severity| findings.iter().filter(|finding| finding.check.severity == severity).count();
    let (faults, advice) = (count(Severity::Fault), count(Severity::Advice));
    if !findings.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "faults: {faults}, advice: {advice}");
    text
}

#[derive(Serialize)]
struct Row<'f> {
    file: &'f str,
    line: usize,
    severity: Severity,
    check: &'f str,
    found: &'f str,
    effect: &'f str,
    reason: &'f str,
    write: &'f str,
}

/// Returns the findings for programs: a JSON array with one object for each finding.
pub fn json(findings: &[Finding]) -> String {
    let row = |finding: &'_ Finding| -> serde_json::Value {
        let Finding { check, place, found, mend } = finding;
        let row = Row {
            file: &place.file,
            line: place.line,
            severity: check.severity,
            check: check.name,
            found,
            effect: check.effect,
            reason: check.reason,
            write: mend,
        };
        serde_json::to_value(row).unwrap_or_default()
    };
    format!("{:#}\n", findings.iter().map(row).collect::<serde_json::Value>())
}

/// Returns every check, one in each paragraph.
pub fn list() -> String {
    let mut text = String::new();
    for check in super::all() {
        let kind = if check.severity == Severity::Fault { "fault" } else { "advice" };
        let _ = writeln!(
            text,
            "{} ({kind})\n    effect: {}\n    reason: {}",
            check.name, check.effect, check.reason
        );
    }
    text
}
