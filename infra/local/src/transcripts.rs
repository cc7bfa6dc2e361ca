//! The transcripts of a project as tests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use threadless::Router;
use threadless::project::{Respond, Settings};
use threadless::settings::Surroundings;
use threadless::testing::{Bench, Transcript};
use toml::{Table, Value};

use crate::project::LocalProject;
use crate::script::{OwnStack, default_backend, in_folder};

/// Returns the tests of every transcript in a folder. A transcript is a file `*.txt`, in the form that
/// [`threadless::testing::Transcript`] describes.
///
/// Each transcript is four tests. Two play it on the bench, a project in memory; two play it over HTTP with a local
/// stack. In each place, one test has `respond = "inline"` in the settings and the other has `respond = "queue"`.
///
/// A folder without a transcript has no tests.
///
/// # Errors
/// The folder or a file in it cannot be read. The error is one line.
pub fn trials(project: LocalProject, folder: &Path) -> Result<Vec<Trial>, String> {
    let files = in_folder(folder).map_err(|problem| problem.to_string())?;
    Ok(files.iter().flat_map(|file| of_file(project, file)).collect())
}

/// Runs the tests of every transcript in a folder. It is the main function of a test without the usual harness:
///
/// ```toml
/// [[test]]
/// name = "transcripts"
/// harness = false
/// ```
///
/// The arguments are those of any Rust test: `cargo test --test transcripts hours` plays the files with `hours` in
/// their name. [`trials`] describes the tests.
pub fn main(project: LocalProject, folder: &Path) -> ExitCode {
    match trials(project, folder) {
        Ok(trials) => libtest_mimic::run(&Arguments::from_args(), trials).exit_code(),
        Err(problem) => {
            crate::output::complain(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Returns the tests of one file.
fn of_file(project: LocalProject, file: &Path) -> Vec<Trial> {
    type Play = fn(LocalProject, PathBuf, Respond) -> Result<(), Failed>;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let trial = |place: &str, respond: Respond, play: Play| {
        let file = file.to_owned();
        Trial::test(format!("{name}, {place}"), move || play(project, file, respond))
    };
    vec![
        trial("on the bench, inline", Respond::Inline, on_the_bench),
        trial("on the bench, queued", Respond::Queue, on_the_bench),
        trial("over HTTP, inline", Respond::Inline, over_http),
        trial("over HTTP, queued", Respond::Queue, over_http),
    ]
}

fn on_the_bench(project: LocalProject, file: PathBuf, respond: Respond) -> Result<(), Failed> {
    let transcript = Transcript::open(file)?;
    let LocalProject { code, .. } = project;
    let settings = Settings::read(code.settings, &(code.engines)(), &Surroundings::local(&[]))?;
    let bench = Bench::with((code.apps)(Router::new()))
        .settings(settings)
        .default_backend(default_backend(code.settings)?.as_str());
    let bench = if respond == Respond::Queue { bench.queued() } else { bench.inline() }.build();
    tokio::runtime::Runtime::new()?.block_on(async { Ok(bench.play(&transcript).await?) })
}

fn over_http(project: LocalProject, file: PathBuf, respond: Respond) -> Result<(), Failed> {
    let transcript = Transcript::open(file)?;
    let settings = responding(project.code.settings, respond)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut stack = OwnStack::start(project, &settings, &transcript, None).await?;
        let played = transcript.play(&mut stack).await;
        stack.stop().await;
        Ok(played?)
    })
}

/// Returns the settings in which all backends respond in this mode.
fn responding(settings: &str, respond: Respond) -> Result<String, Failed> {
    let mut settings: Table = settings.parse()?;
    let backends = settings.get_mut("backends").and_then(Value::as_table_mut);
    for (_, backend) in backends.into_iter().flatten() {
        let word = if respond == Respond::Queue { "queue" } else { "inline" };
        let backend = backend.as_table_mut().ok_or("a backend is a table")?;
        backend.insert("respond".to_owned(), word.into());
    }
    Ok(settings.to_string())
}
