//! The checkout of a person who deploys it, and a shell in it. The commands are typed as `infra/README.md` has them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::ops::Deref;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use tests::tools::{bare, printed, target, tool, top};
use tokio::sync::{Mutex, MutexGuard};

/// Files that a deployer does not get, or that differ in the view.
const LEFT_OUT: [&str; 6] = [".git", ".tools", ".aws-sam", ".threadless", "target", "samconfig.toml"];

/// A view of this checkout with its own `.aws-sam`. SAM built its functions for this machine's processor. Only the
/// processor differs from the shipped configuration.
pub(crate) struct Checkout {
    folder: PathBuf,
    programs: PathBuf,
    /// The lock for which other test processes wait.
    _claim: File,
}

/// The view for the one test whose turn it is. Some tests build the functions again.
pub(crate) struct Turn {
    checkout: &'static Checkout,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Turn {
    type Target = Checkout;

    fn deref(&self) -> &Checkout {
        self.checkout
    }
}

/// Waits for a turn. The first turn builds the functions.
///
/// # Errors
/// A tool is missing, or `sam build` fails.
pub(crate) async fn turn() -> Result<Turn> {
    static TURN: Mutex<()> = Mutex::const_new(());
    static BUILT: OnceLock<Result<Checkout, String>> = OnceLock::new();
    let turn = TURN.lock().await;
    let built = BUILT.get_or_init(|| Checkout::build().map_err(|problem| format!("{problem:#}")));
    let checkout = built.as_ref().map_err(|problem| anyhow!("{problem}"))?;
    Ok(Turn { checkout, _turn: turn })
}

impl Checkout {
    fn build() -> Result<Self> {
        let deployed = target().join("deployed");
        let (folder, programs) = (deployed.join("checkout"), deployed.join("programs"));
        fs::create_dir_all(&folder)?;
        fs::create_dir_all(&programs)?;
        let claim = File::create(deployed.join("lock"))?;
        claim.lock()?;
        for entry in fs::read_dir(top())? {
            let entry = entry?;
            let (from, at) = (entry.path(), folder.join(entry.file_name()));
            if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            // SAM looks for files beside the template. If the template is a link, SAM follows the link first.
            if from.is_dir() { link(&from, &at)? } else { copy(&from, &at)? }
        }
        fs::write(folder.join("samconfig.toml"), samconfig()?)?;
        let checkout = Self { folder, programs, _claim: claim };
        checkout.install_programs()?;
        checkout.run("sam build", &BTreeMap::new())?;
        Ok(checkout)
    }

    /// Installs the programs that the commands find on their path.
    fn install_programs(&self) -> Result<()> {
        link(&tool("SAM")?, &self.programs.join("sam"))?;
        // For SQS, this version of the tool asks the real AWS, whatever the environment says.
        let aws =
            format!("exec '{}' --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"", tool("AWS_CLI")?.display());
        self.script("aws", &aws)?;
        // The program that `cargo run` starts is already built. It has the apps of the tests, which make no difference
        // here.
        let cargo = which("cargo")?;
        let run =
            format!("if [ \"$1\" = run ]; then shift 2; exec '{}' \"$@\"; fi", env!("CARGO_BIN_EXE_stack"));
        // The page builds functions for another processor. Here they are built for this machine's processor.
        let here = "for word; do shift; [ \"$word\" = --arm64 ] || set -- \"$@\" \"$word\"; done";
        self.script("cargo", &format!("{run}\n{here}\nexec '{}' \"$@\"", cargo.display()))
    }

    fn script(&self, name: &str, text: &str) -> Result<()> {
        let file = self.programs.join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// Types a command with some variables set, and returns its output.
    ///
    /// # Errors
    /// The command fails. The error contains its output.
    pub(crate) fn run(&self, line: &str, variables: &BTreeMap<String, String>) -> Result<String> {
        printed(&mut self.shell(line, variables)?)
    }

    /// Returns a shell that is about to run a command.
    pub(crate) fn shell(&self, line: &str, variables: &BTreeMap<String, String>) -> Result<Command> {
        let mut shell = bare("bash");
        shell.current_dir(&self.folder).args(["-euo", "pipefail", "-c", line]);
        let mut path = OsString::from(&self.programs);
        path.push(":");
        // The linker of cargo-lambda is in the same folder.
        path.push(tool("CARGO_LAMBDA")?.parent().context("no folder")?);
        path.push(":");
        path.push(std::env::var_os("PATH").context("no PATH")?);
        shell.env("PATH", path).env("CARGO_TARGET_DIR", target().join("deployed/target"));
        shell.env("SAM_CLI_TELEMETRY", "0").env("AWS_PAGER", "");
        // The test checks that the program builds and runs. It needs no optimisation for size and speed.
        shell.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        shell.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_INCREMENTAL", "0");
        shell.envs(variables);
        Ok(shell)
    }

    /// Returns the program of a function, by its name in the template: `KannelFunction`.
    pub(crate) fn bootstrap(&self, function: &str) -> PathBuf {
        self.folder.join(".aws-sam/build").join(function).join("bootstrap")
    }
}

/// Returns the shipped file, changed for this machine's processor.
fn samconfig() -> Result<String> {
    let shipped = fs::read_to_string(top().join("samconfig.toml"))?;
    let (build, first) = ("[default.build.parameters]\n", "parameter_overrides = [\n");
    ensure!(shipped.contains(build) && shipped.contains(first), "samconfig.toml looks different: {shipped}");
    Ok(shipped
        .replace(first, &format!("{first}    \"Architecture={}\",\n", processor()))
        .replace(build, &format!("{build}parameter_overrides = [\"Architecture={}\"]\n", processor())))
}

/// Returns Lambda's name for this machine's processor.
pub(crate) fn processor() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

fn which(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").context("no PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    found.with_context(|| format!("{program} is not on the path"))
}

fn link(to: &Path, at: &Path) -> Result<()> {
    remove(at)?;
    symlink(to, at).with_context(|| at.display().to_string())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    fs::copy(from, to).with_context(|| to.display().to_string())?;
    Ok(())
}

/// Removes the files of an earlier run.
fn remove(at: &Path) -> Result<()> {
    if at.symlink_metadata().is_ok() {
        fs::remove_file(at).with_context(|| at.display().to_string())
    } else {
        Ok(())
    }
}
