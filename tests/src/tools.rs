//! The external programs that tests start: the place where `tests/run` put them, and the environment that they see.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};

/// The environment variables that a build needs. The others are left out, because those of `cargo test` would cause a
/// new build.
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

/// Returns the top folder of this checkout.
pub fn top() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map_or_else(|| tests.to_owned(), Path::to_owned)
}

/// Returns the folder in which this checkout is built.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top().join("target"), |target| top().join(target))
}

/// Returns the program that a variable names.
///
/// # Errors
/// The variable is not set, or names no file. `tests/run` sets it and installs the program.
pub fn tool(variable: &str) -> Result<PathBuf> {
    let file = std::env::var_os(variable).with_context(|| format!("{variable} is not set: run tests/run"))?;
    let file = PathBuf::from(file);
    ensure!(file.is_absolute() && file.is_file(), "{variable}: no such program: {}", file.display());
    Ok(file)
}

/// Returns a command in the top folder that sees only [`KEPT`] of the environment.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(top()).env_clear().stdin(std::process::Stdio::null());
    command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
}

/// Returns the output of a command that succeeds.
///
/// # Errors
/// The command fails. The error contains its output.
pub fn printed(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().with_context(|| format!("{command:?}"))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    Ok(stdout.into_owned())
}
