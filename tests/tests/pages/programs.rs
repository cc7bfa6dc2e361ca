//! A shell in which `cargo run` starts the program that is already built.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tests::tools::{bare, top};

/// The files of the checkout that the commands of the pages read.
const SHOWN: [&str; 6] = ["Cargo.toml", "events", "functions", "infra", "template.yaml", "tests"];

/// A folder that looks like this checkout, and the program `cargo` of its shell. Files that commands write stay in this
/// folder.
pub(crate) struct Programs {
    folder: TempDir,
    programs: TempDir,
}

impl Programs {
    /// Makes the folder.
    ///
    /// # Errors
    /// The disk is full.
    pub(crate) fn new() -> Result<Self> {
        let (folder, programs) = (TempDir::new()?, TempDir::new()?);
        for name in SHOWN {
            symlink(top().join(name), folder.path().join(name))?;
        }
        let cargo = programs.path().join("cargo");
        // The page writes `cargo run`, or `cargo run -- …`.
        let run = format!(
            "#!/bin/sh\n[ \"$1\" = run ] || exit 99\nshift\n[ $# = 0 ] || shift\nexec '{}' \"$@\"\n",
            env!("CARGO_BIN_EXE_stack")
        );
        fs::write(&cargo, run)?;
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder, programs })
    }

    /// Returns the folder in which the shell works.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a shell that is about to run these lines.
    ///
    /// # Errors
    /// There is no `PATH`.
    pub(crate) fn shell(&self, lines: &str) -> Result<Command> {
        let mut path = OsString::from(self.programs.path());
        path.push(":");
        path.push(std::env::var_os("PATH").context("no PATH")?);
        let mut shell = bare("bash");
        shell.args(["-euo", "pipefail", "-c", lines]).env("PATH", path).current_dir(self.folder());
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(shell)
    }
}
