//! A program that runs beside a test, and ends with it.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The time limit of steps that take seconds on an idle machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(3);

/// The program. It is killed when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts the program. Its output goes to a file.
    pub(crate) fn start(program: &str, args: &[&str], env: &[(&str, &str)], printed: &Path) -> Self {
        let printed = File::create(printed).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", program]).args(args).envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(printed.try_clone().unwrap()).stderr(printed);
        Self(command.spawn().unwrap_or_else(|problem| panic!("{program}: {problem}; tests/run installs it")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let begun = tokio::time::Instant::now();
    while !so().await {
        assert!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
