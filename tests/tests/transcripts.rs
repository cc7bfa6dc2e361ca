//! Every transcript in tests/transcripts/, each as several tests: on the bench and over HTTP with the local stack,
//! inline and queued. A file in this folder becomes a test.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tempfile::TempDir;
use tests::stack::PROJECT;
use threadless_local::transcripts::trials;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut all = match trials(PROJECT, &folder) {
        Ok(trials) => trials,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let count = all.len();
    all.push(Trial::test("each file of this folder is four tests", move || {
        let files = std::fs::read_dir(folder)?.count();
        assert!(files >= 6, "{files}");
        assert_eq!(count, 4 * files);
        Ok(())
    }));
    all.push(Trial::test("a folder without a transcript has no tests, a missing folder is an error", || {
        let folder = TempDir::new()?;
        std::fs::write(folder.path().join("README"), "1 > hi\n")?;
        assert_eq!(trials(PROJECT, folder.path())?.len(), 0);
        let missing = folder.path().join("missing");
        let problem = trials(PROJECT, &missing).err();
        assert_eq!(problem, Some(format!("{}: No such file or directory (os error 2)", missing.display())));
        Ok(())
    }));
    all.push(Trial::test("to play a folder without a transcript is an error", || {
        let folder = TempDir::new()?;
        let problem = threadless_local::script::files(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(problem.ends_with("there is no *.txt in this folder"), "{problem}");
        Ok(())
    }));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}
