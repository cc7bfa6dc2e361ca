//! The first hour of a person with `README.md`.

use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use threadless::Router;
use threadless::project::Settings;
use threadless::settings::Surroundings;
use threadless::testing::{Bench, Transcript};
use threadless_local::script::{OwnStack, default_backend};

use super::covered::held_by;
use super::page::read;
use super::programs::Programs;
use super::{apps, stack::Running};

/// Starts the stack as the page says, and sends the page's messages to it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl: tests/run"]
async fn the_first_hour_goes_as_the_page_says() -> Result<()> {
    let programs = Programs::new()?;
    let mut running = None;
    for block in held_by("readme", "the_first_hour_goes_as_the_page_says") {
        if block.text == "cargo run\n" {
            let mut stack = Running::start(&programs).await?;
            stack.shown("Open http://").await?;
            let open = stack.there("curl -fsSL http://127.0.0.1:8000/httptester/");
            let shown = programs.shell(&open)?.output()?;
            ensure!(String::from_utf8_lossy(&shown.stdout).contains("</html>"), "{shown:?}");
            running = Some(stack);
            continue;
        }
        let stack = running.as_mut().context("the page does not start the stack first")?;
        let Output { status, stdout, stderr } = programs.shell(&stack.there(&block.text))?.output()?;
        ensure!(status.success(), "{}\n{}", block.text, String::from_utf8_lossy(&stderr));
        if block.text.contains("echo+hello") {
            assert_eq!(String::from_utf8(stdout)?, "", "the answer has an empty body");
            stack.shown("\n→ 1112223333: hello\n").await?;
        } else {
            ensure!(block.text.contains("/send"), "nothing is known of the result of {}", block.text);
            let answers = serde_json::Deserializer::from_slice(&stdout).into_iter::<Value>();
            let answers = answers.collect::<Result<Vec<Value>, _>>()?;
            assert_eq!(answers.len(), 2, "{answers:?}");
            for answer in &answers {
                assert_eq!(answer["total"], json!(2), "{answer}");
            }
            assert!(answers[1]["states"].is_object(), "{answers:?}");
            for number in ["1112223333", "1112224444"] {
                stack.shown(&format!("\n→ {number}: The river rises. Go to high ground.\n")).await?;
            }
        }
    }
    Ok(())
}

/// The new project is beside the checkout. `tests/tests/new_project.rs` builds and tests such a project.
#[test]
fn the_page_makes_a_project() -> Result<()> {
    let programs = Programs::new()?;
    for block in held_by("readme", "the_page_makes_a_project") {
        let Output { status, stdout, stderr } = programs.shell(&block.text)?.output()?;
        ensure!(status.success(), "{}\n{}", block.text, String::from_utf8_lossy(&stderr));
        let project = programs.folder().parent().context("no folder")?.join("clinic");
        let readme = std::fs::read_to_string(project.join("README.md"));
        std::fs::remove_dir_all(&project)?;
        assert!(readme?.starts_with("# Clinic\n"), "{}", String::from_utf8_lossy(&stdout));
    }
    Ok(())
}

/// Makes the changes of the page in `functions/src/apps.rs`: the names, the line before `DefaultReply`, and the test.
fn changed(mut source: String, blocks: &[String]) -> String {
    let [names, line, test] = blocks else { panic!("three blocks of Rust: {blocks:?}") };
    let test: String = test.lines().map(|line| format!("    {line}\n")).collect();
    let last = line.lines().last().unwrap().to_owned() + "\n";
    // A person who follows the page has made some of the changes already.
    for (before, after) in [(names.replace(", keyword", ""), names.clone()), (last, line.clone())] {
        if !source.contains(&after) {
            assert_eq!(
                source.matches(&before).count(),
                1,
                "functions/src/apps.rs, as README.md changes it: {before}"
            );
            source = source.replace(&before, &after);
        }
    }
    if !source.contains(&test) {
        let whole = source.strip_suffix("}\n").unwrap();
        source = format!("{whole}\n{test}}}\n");
    }
    source
}

/// `apps.rs` of this folder is `functions/src/apps.rs` with the changes of the page. Only paths differ. So the page's
/// code is compiled, and its test runs.
#[test]
fn the_app_is_that_of_the_page() {
    let blocks = held_by("readme", "the_app_is_that_of_the_page");
    assert!(blocks.iter().all(|block| block.language == "rust"), "{blocks:?}");
    let blocks: Vec<String> = blocks.into_iter().map(|block| block.text).collect();
    let mut expected = String::new();
    for line in changed(read("functions/src/apps.rs"), &blocks).lines() {
        if let Some(module) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            expected += &format!("#[path = \"../../../functions/src/apps/{module}.rs\"]\n");
        }
        expected += &line.replace("include_str!(\"../", "include_str!(\"../../../functions/");
        expected.push('\n');
    }
    let compiled = read("tests/tests/pages/apps.rs");
    let same = compiled.lines().zip(expected.lines()).take_while(|(one, other)| one == other).count();
    let (one, other) = (compiled.lines().nth(same), expected.lines().nth(same));
    assert_eq!(one, other, "tests/tests/pages/apps.rs, line {}: make it this text:\n{expected}", same + 1);
}

/// Plays the transcript as `cargo test -p tests --test transcripts hours` does: on the bench and over HTTP, inline and
/// queued.
#[tokio::test(flavor = "multi_thread")]
async fn the_phone_shows_what_the_page_says() -> Result<()> {
    for block in held_by("readme", "the_phone_shows_what_the_page_says") {
        let transcript = Transcript::named("README.md", &block.text)?;
        ensure!(transcript.count().0 > 2, "{}", block.text);
        for respond in ["inline", "queue"] {
            let settings =
                functions::SETTINGS.replace("respond = \"queue\"", &format!("respond = {respond:?}"));
            let read = Settings::read(&settings, &functions::engines(), &Surroundings::local(&[]))?;
            let bench = Bench::with(apps::apps(Router::new())).settings(read);
            let bench = bench.default_backend(default_backend(&settings)?.as_str());
            let bench = if respond == "queue" { bench.queued() } else { bench.inline() }.build();
            bench.play(&transcript).await?;
            let mut stack =
                OwnStack::start(tests::stack::PROJECT.with_apps(apps::apps), &settings, &transcript, None)
                    .await?;
            let played = transcript.play(&mut stack).await;
            stack.stop().await;
            played?;
        }
    }
    Ok(())
}

/// The transcript that comes with the repository, as the page plays it without a test.
#[test]
fn a_transcript_is_played_without_a_test() -> Result<()> {
    let programs = Programs::new()?;
    let line = "cargo run -- script tests/transcripts/echo.txt";
    ensure!(super::page::spans(&read("README.md")).iter().any(|span| span == line), "{line}");
    let Output { status, stdout, stderr } = programs.shell(line)?.output()?;
    let (stdout, stderr) = (String::from_utf8(stdout)?, String::from_utf8(stderr)?);
    ensure!(status.success(), "{stdout}{stderr}");
    ensure!(stdout.contains("echo.txt"), "{stdout}");
    Ok(())
}
