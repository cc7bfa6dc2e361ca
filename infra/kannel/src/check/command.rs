//! `cargo run -- kannel-check`: reads, checks and prints, and reports the result in its exit status.

use std::path::PathBuf;

use clap::Args;

use super::{Finding, Folders, Severity, check, json, list, settings, text};
use crate::Outcome;
use crate::backends::{Backends, SettingsFile};
use crate::file::Conf;

/// The options of `kannel-check`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 no faults, 1 faults (with --strict: advice too), 2 the file could not be checked.\n\
                        With --settings FILE, the command also compares the accounts, lines and URLs with these settings."
)]
pub struct CheckOptions {
    /// The configuration; included files are read too
    #[arg(value_name = "FILE", required_unless_present = "list")]
    pub file: Option<PathBuf>,

    /// Check whether the folders in the file exist; use this on Kannel's own machine
    #[arg(long)]
    pub here: bool,

    /// Treat advice like faults
    #[arg(long)]
    pub strict: bool,

    /// Print a JSON array instead of text
    #[arg(long)]
    pub json: bool,

    /// Print all checks, and end
    #[arg(long)]
    pub list: bool,
}

/// Runs the checks. The error is one line.
pub fn run(options: &CheckOptions, settings_file: Option<&SettingsFile<'_>>) -> Result<Outcome, String> {
    let Some(file) = options.file.as_ref().filter(|_| !options.list) else {
        return Ok(Outcome { text: list(), status: 0 });
    };
    let conf = Conf::read(file).map_err(|problem| problem.to_string())?;
    let folders = if options.here { Folders::Looked } else { Folders::Ignored };
    let mut findings = check(&conf, folders);
    if let Some(settings_file) = settings_file {
        findings.extend(settings::check(&conf, &Backends::load(settings_file)?));
        findings.sort_by(|a, b| a.place.cmp(&b.place));
    }
    let counts = |finding: &Finding| options.strict || finding.check.severity == Severity::Fault;
    let status = u8::from(findings.iter().any(counts));
    Ok(Outcome { text: if options.json { json(&findings) } else { text(&findings) }, status })
}
