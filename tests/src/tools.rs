//! The programs beside this project that tests start: where `tests/run` put them, and what they get to see.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};

/// What a build needs of the environment. The rest stays out: what `cargo test` adds would have it build anew.
pub const KEPT: [&str; 9] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_TARGET_DIR",
    "RUSTFLAGS",
    "CARGO_NET_OFFLINE",
    "SSL_CERT_FILE",
];

/// The top folder of this checkout.
pub fn top() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map_or_else(|| tests.to_owned(), Path::to_owned)
}

/// Where this checkout is built.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top().join("target"), |target| top().join(target))
}

/// The program that a variable names.
///
/// # Errors
/// The variable is not set, or names no file: `tests/run` sees to both.
pub fn tool(variable: &str) -> Result<PathBuf> {
    let file = std::env::var_os(variable).with_context(|| format!("{variable} is not set: run tests/run"))?;
    let file = PathBuf::from(file);
    ensure!(file.is_absolute() && file.is_file(), "{variable}: no such program: {}", file.display());
    Ok(file)
}

/// A command in the top folder, with no more of the environment than [`KEPT`].
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(top()).env_clear().stdin(std::process::Stdio::null());
    command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
}

/// What a command prints, if it ends well.
///
/// # Errors
/// It does not; the error has what it printed.
pub fn printed(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().with_context(|| format!("{command:?}"))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    Ok(stdout.into_owned())
}
