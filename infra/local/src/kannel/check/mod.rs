//! What an existing `kannel.conf` loses or garbles: one value for each thing found, with its line, what it costs, why,
//! and what to write instead.
//!
//! One file for each family of checks. What is called a [fault](Severity::Fault) is shown to be one by a test with a
//! real Kannel (`tests/tests/kannel_check/`); what a test cannot show is [advice](Severity::Advice).

pub(crate) mod command;
mod core_group;
mod get_url;
mod line;
pub(super) mod reading;
mod report;
mod reports;
mod secrets;
mod service;
pub(crate) mod settings;
mod smsbox;
mod user;

use serde::Serialize;

pub use report::{json, list, text};

use super::backends::Backends;
use super::file::{Conf, Place};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Messages or reports are lost, garbled, doubled or go astray, or Kannel does not start. A test shows it.
    Fault,
    /// A judgement: it may be wanted.
    Advice,
}

/// One kind of thing that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is called: `words-of-text`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What becomes of messages.
    pub effect: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind.
    pub check: Check,
    /// Where it stands, or where what is missing belongs.
    pub place: Place,
    /// What stands there.
    pub found: String,
    /// What to write instead.
    pub mend: String,
}

impl Check {
    const fn fault(name: &'static str, effect: &'static str, reason: &'static str) -> Self {
        Self { name, severity: Severity::Fault, effect, reason }
    }

    const fn advice(name: &'static str, effect: &'static str, reason: &'static str) -> Self {
        Self { name, severity: Severity::Advice, effect, reason }
    }

    /// Found at a place.
    pub(super) fn at(self, place: &Place, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { check: self, place: place.clone(), found: found.into(), mend: mend.into() }
    }
}

/// Every check there is, family by family.
///
/// ```
/// let checks = local::kannel::check::all();
/// assert!(checks.iter().any(|check| check.name == "words-of-text"));
/// ```
pub fn all() -> Vec<Check> {
    let families: [&[Check]; 10] = [
        reading::ALL,
        core_group::ALL,
        line::ALL,
        smsbox::ALL,
        user::ALL,
        secrets::ALL,
        service::ALL,
        get_url::ALL,
        reports::ALL,
        settings::ALL,
    ];
    families.concat()
}

/// Everything that is found in a configuration, in the order of its lines.
///
/// ```
/// use local::kannel::{check, file::Conf};
/// let conf = b"group = sms-service\nkeyword = default\nmax-messages = 0\n\
///              get-url = \"http://127.0.0.1:8443/backend/clinic/?id=%p&text=%a&charset=%C&mid=%I\"\n";
/// let found = check::check(&Conf::parse("kannel.conf", conf), check::Folders::Ignored);
/// let words = found.iter().find(|finding| finding.check.name == "words-of-text").unwrap();
/// assert_eq!(words.place.to_string(), "kannel.conf:4");
/// ```
pub fn check(conf: &Conf, folders: Folders) -> Vec<Finding> {
    let mut findings = conf.findings.clone();
    findings.extend(core_group::check(conf, folders));
    findings.extend(line::check(conf));
    findings.extend(smsbox::check(conf));
    findings.extend(user::check(conf));
    findings.extend(secrets::check(conf));
    findings.extend(service::check(conf));
    findings.extend(get_url::check(conf));
    findings.extend(reports::check(conf, folders));
    // Stable: what stands on one line stays in the order of the families.
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    findings
}

/// The same, and whether the configuration fits these settings (the text of a `settings.toml`).
///
/// # Errors
/// The settings are faulty: one line.
pub fn with_settings(conf: &Conf, settings: &str) -> Result<Vec<Finding>, String> {
    let backends = Backends::read(settings, &|_| None)?;
    let mut findings = check(conf, Folders::Ignored);
    findings.extend(settings::check(conf, &backends));
    Ok(findings)
}

/// Whether folders that the configuration names are looked for on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folders {
    /// This is Kannel's own machine.
    Looked,
    /// It is another one.
    Ignored,
}

impl Folders {
    /// Whether a folder is missing here.
    fn miss(self, folder: &str) -> bool {
        self == Self::Looked && !std::path::Path::new(folder).is_dir()
    }
}

#[cfg(test)]
mod tests;
