//! The checks of an existing `kannel.conf`. They find lines that lose or garble messages. Each finding has its line,
//! its effect, its reason, and the text to write instead.
//!
//! There is one file for each family of checks. Each [fault](Severity::Fault) is proved by a test with a real Kannel
//! (`tests/tests/kannel_check/`). A finding that no test can prove is [advice](Severity::Advice).

pub mod command;
mod core_group;
mod get_url;
mod line;
mod report;
mod reports;
mod secrets;
mod service;
pub(crate) mod settings;
mod smsbox;
mod user;

pub use super::finding::{Check, Finding, Severity};
pub use report::{json, list, text};

use threadless::backend::Engines;

use super::backends::Backends;
use super::file::{Conf, reading};

/// Returns every check, family by family.
///
/// ```
/// let checks = threadless_kannel::check::all();
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

/// Returns all findings in a configuration, in the order of its lines.
///
/// ```
/// use threadless_kannel::{check, file::Conf};
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
    // The sort is stable: findings on one line stay in the order of the families.
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    findings
}

/// Does the same, and also checks whether the configuration fits these settings (the text of a `settings.toml`).
///
/// # Errors
/// Fails if the settings are faulty. The error is one line.
pub fn with_settings(conf: &Conf, settings: &str, engines: &Engines) -> Result<Vec<Finding>, String> {
    let backends = Backends::read(settings, engines, &|_| None)?;
    let mut findings = check(conf, Folders::Ignored);
    findings.extend(settings::check(conf, &backends));
    Ok(findings)
}

/// The rule for folders that the configuration names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folders {
    /// This is Kannel's own machine: the check looks for the folders.
    Looked,
    /// This is another machine: the check ignores the folders.
    Ignored,
}

impl Folders {
    /// Returns whether the check looks for folders and this folder is missing.
    fn miss(self, folder: &str) -> bool {
        self == Self::Looked && !std::path::Path::new(folder).is_dir()
    }
}

#[cfg(test)]
mod tests;
