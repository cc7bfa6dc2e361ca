//! Every transcript in tests/transcripts/, each as several tests: on the bench and over HTTP with the local stack,
//! inline and queued. A file in this folder becomes a test. An empty folder is a failure.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use local::script::{OwnStack, default_backend, files};
use tempfile::TempDir;
use threadless::Router;
use threadless::project::{Respond, Settings};
use threadless::settings::Surroundings;
use threadless::testing::{Bench, Transcript};
use toml::{Table, Value};

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let files = match files(&[folder]) {
        Ok(files) => files,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials: Vec<Trial> = files.iter().flat_map(|file| trials(file)).collect();
    trials.push(Trial::test("an empty folder is a failure", || {
        let folder = TempDir::new()?;
        let problem = local::script::files(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(problem.ends_with("there is no *.txt in this folder"), "{problem}");
        Ok(())
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Returns the tests of one file.
fn trials(file: &Path) -> Vec<Trial> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let trial = |way: &str, respond: Respond, play: fn(PathBuf, Respond) -> Result<(), Failed>| {
        let file = file.to_owned();
        Trial::test(format!("{name}, {way}"), move || play(file, respond))
    };
    vec![
        trial("on the bench, inline", Respond::Inline, on_the_bench),
        trial("on the bench, queued", Respond::Queue, on_the_bench),
        trial("over HTTP, inline", Respond::Inline, over_http),
        trial("over HTTP, queued", Respond::Queue, over_http),
    ]
}

#[tokio::main]
async fn on_the_bench(file: PathBuf, respond: Respond) -> Result<(), Failed> {
    let transcript = Transcript::open(file)?;
    let settings = Settings::read(functions::SETTINGS, &functions::engines(), &Surroundings::local(&[]))?;
    let bench = Bench::with(functions::apps(Router::new()))
        .settings(settings)
        .default_backend(default_backend(functions::SETTINGS)?.as_str());
    let bench = if respond == Respond::Queue { bench.queued() } else { bench.inline() }.build();
    Ok(bench.play(&transcript).await?)
}

#[tokio::main]
async fn over_http(file: PathBuf, respond: Respond) -> Result<(), Failed> {
    let transcript = Transcript::open(file)?;
    let settings = responding(respond)?;
    let mut stack = OwnStack::start(&settings, functions::apps, &transcript, None).await?;
    let played = transcript.play(&mut stack).await;
    stack.stop().await;
    Ok(played?)
}

/// Returns the project's settings in which all backends respond in this mode.
fn responding(respond: Respond) -> Result<String, Failed> {
    let mut settings: Table = functions::SETTINGS.parse()?;
    let backends = settings.get_mut("backends").and_then(Value::as_table_mut);
    for (_, backend) in backends.into_iter().flatten() {
        let word = if respond == Respond::Queue { "queue" } else { "inline" };
        let backend = backend.as_table_mut().ok_or("a backend is a table")?;
        backend.insert("respond".to_owned(), word.into());
    }
    Ok(settings.to_string())
}
