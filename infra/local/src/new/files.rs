//! The files of a new project. Most of them are files of this repository: `infra/local/new/` has links to them.

use super::options::Framework;

/// One file.
pub(super) struct File {
    /// Its path in the project.
    pub(super) path: &'static str,
    text: &'static str,
}

macro_rules! other {
    ($($path:literal: $from:literal),* $(,)?) => {
        [$(File { path: $path, text: include_str!(concat!("../../new/", $from)) }),*]
    };
}

macro_rules! same {
    ($($path:literal),* $(,)?) => { other![$($path: $path),*] };
}

/// The files that differ from those of this repository, or have no counterpart in it.
const OWN: [File; 7] = other![
    ".github/workflows/ci.yml": "ci.yml",
    ".gitignore": "gitignore",
    "Cargo.toml": "Cargo.toml.in",
    "README.md": "README.md",
    "functions/Cargo.toml": "functions/Cargo.toml.in",
    "functions/local/Cargo.toml": "functions/local/Cargo.toml.in",
    "tests/transcripts.rs": "tests/transcripts.rs",
];

/// The files that are the same as in this repository, but for the name of the project.
const SAME: [File; 24] = same![
    "events/kannel-gsm7.json",
    "events/kannel-report-delivered.json",
    "events/local.env",
    "events/responder-batch.json",
    "events/tick.json",
    "functions/local/src/main.rs",
    "functions/locale/sw.po",
    "functions/settings.toml",
    "functions/src/apps.rs",
    "functions/src/apps/birth.rs",
    "functions/src/apps/reminder.rs",
    "functions/src/apps/report.rs",
    "functions/src/bin/check.rs",
    "functions/src/bin/http.rs",
    "functions/src/bin/httptester.rs",
    "functions/src/bin/kannel.rs",
    "functions/src/bin/responder.rs",
    "functions/src/bin/send.rs",
    "functions/src/bin/tick.rs",
    "functions/src/lib.rs",
    "functions/src/main.rs",
    "samconfig.toml",
    "template.yaml",
    "tests/transcripts/health-reports.txt",
];

/// All files.
pub(super) fn all() -> impl Iterator<Item = &'static File> {
    OWN.iter().chain(&SAME)
}

impl File {
    /// Returns the text with the names of the project filled in.
    pub(super) fn filled(&self, name: &str, stack: &str, framework: &Framework) -> String {
        match self.path {
            "Cargo.toml" => self.text.replace("@framework@", &framework.line()),
            "README.md" => self.text.replace("@name@", name),
            "functions/settings.toml" => {
                let line = format!("name = {}", toml::Value::from(name));
                self.text.replacen("name = \"Threadless\"", &line, 1)
            }
            // Replies show the name of the project.
            "tests/transcripts/health-reports.txt" => self.text.replace("Threadless", name),
            "samconfig.toml" => self
                .text
                .replace("\"threadless", &format!("\"{stack}"))
                .replace("=threadless-", &format!("={stack}-")),
            _ => self.text.to_owned(),
        }
    }
}
