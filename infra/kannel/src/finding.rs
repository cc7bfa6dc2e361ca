//! A finding: what the checks of a `kannel.conf` say of one place in it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the command line or an `include` names it.
    pub file: Arc<str>,
    /// The number of the line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Messages or reports are lost, garbled, sent twice or sent to the wrong place, or Kannel does not start. A test
    /// proves it.
    Fault,
    /// The finding is a judgement: the configuration may be intended.
    Advice,
}

/// One kind of problem that the checks look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The name of the check, such as `words-of-text`.
    pub name: &'static str,
    /// The severity of the problem.
    pub severity: Severity,
    /// The effect on messages.
    pub effect: &'static str,
    /// The reason.
    pub reason: &'static str,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check that found it.
    pub check: Check,
    /// The place of the problem. If something is missing, this is the place where it belongs.
    pub place: Place,
    /// The text that is there now.
    pub found: String,
    /// The text to write instead.
    pub mend: String,
}

impl Check {
    pub(super) const fn fault(name: &'static str, effect: &'static str, reason: &'static str) -> Self {
        Self { name, severity: Severity::Fault, effect, reason }
    }

    pub(super) const fn advice(name: &'static str, effect: &'static str, reason: &'static str) -> Self {
        Self { name, severity: Severity::Advice, effect, reason }
    }

    /// Makes a finding at a place.
    pub(super) fn at(self, place: &Place, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { check: self, place: place.clone(), found: found.into(), mend: mend.into() }
    }
}
