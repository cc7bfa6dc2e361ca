//! The runbooks in `infra/runbooks/`: each is short, and each of its commands is run by a test.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use serde_yaml_ng::Value as Yaml;
use tests::tools::top;

use super::covered::held_by;
use super::page::{all_blocks, prose, read, spans};
use super::programs::Programs;
use super::stack::Running;

/// The most lines of a runbook: one screen.
const SCREEN: usize = 45;

/// Returns the runbooks, as paths from the top folder.
fn runbooks() -> Vec<String> {
    let files = fs::read_dir(top().join("infra/runbooks")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = names.map(|name| format!("infra/runbooks/{name}")).collect();
    pages.sort();
    pages
}

#[test]
fn a_runbook_fits_on_a_screen() {
    let pages = runbooks();
    assert_eq!(pages.len(), 4, "{pages:?}");
    for page in pages {
        let lines = read(&page).lines().count();
        assert!(lines <= SCREEN, "{page} has {lines} lines");
    }
}

/// `tests/tests/deployed/` types the commands of the guide.
#[test]
fn the_commands_of_aws_are_those_of_the_guide() {
    let guide: BTreeSet<String> = all_blocks()
        .into_iter()
        .filter(|block| block.page == "infra/README.md")
        .flat_map(|block| block.text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    for block in held_by("runbooks", "the_commands_of_aws_are_those_of_the_guide") {
        for line in block.text.lines() {
            let line = line.trim().replace("KANNEL_TOKEN", "TESTER_PASSWORD");
            assert!(guide.contains(&line), "{}: the guide has no line {line}", block.page);
        }
    }
}

/// Every alarm on the outcome asks a question, names its runbook, and stands in it.
#[test]
fn each_alarm_on_the_outcome_leads_to_its_runbook() {
    let template: Yaml = serde_yaml_ng::from_str(&read("template.yaml")).unwrap();
    let mut count = 0;
    for (id, alarm) in template["Resources"].as_mapping().unwrap() {
        let alarm = &alarm["Properties"];
        if alarm["Namespace"].as_str() != Some("Threadless") {
            continue;
        }
        count += 1;
        let name = id.as_str().unwrap().strip_suffix("Alarm").unwrap();
        let description = alarm["AlarmDescription"].as_str().unwrap();
        assert!(
            description
                .split(['.', '?'])
                .next()
                .is_some_and(|first| description[first.len()..].starts_with('?')),
            "{name}"
        );
        let page = description.rsplit(' ').next().unwrap().trim_end_matches('.');
        assert!(runbooks().iter().any(|runbook| runbook == page), "{name}: {page}");
        assert!(spans(&prose(page)).iter().any(|span| span == name), "{page} does not name {name}");
    }
    assert_eq!(count, 6);
}

/// Starts a local stack, sends a message to it, and types the command of each runbook.
#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_local_stack_is_shown() -> Result<()> {
    let programs = Programs::new()?;
    let mut stack = Running::start(&programs).await?;
    let send = stack
        .there("curl -fsS 'http://127.0.0.1:8000/backend/my-kannel-backend/?id=1112223333&text=echo+hello'");
    ensure!(programs.shell(&send)?.output()?.status.success(), "{send}");
    stack.shown("1112223333: hello").await?;
    for block in held_by("runbooks", "the_state_of_a_local_stack_is_shown") {
        let output = programs.shell(&stack.there(&block.text))?.output()?;
        let shown = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
        let rows: Vec<Vec<&str>> = shown
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(
            rows[0],
            ["backend", "last in", "last sent", "waiting", "oldest", "failed 1 h", "circuit"]
        );
        let row = rows.iter().find(|row| row.first() == Some(&"my-kannel-backend")).expect("the backend");
        ensure!(row[1] != "never" && row[2] != "never", "{shown}");
        assert_eq!(&row[5..], ["0", "closed"], "{shown}");
        ensure!(shown.contains("dead letters: 0\n"), "{shown}");
    }
    let metrics = programs.shell(&stack.there("curl -fsS http://127.0.0.1:8000/metrics"))?.output()?;
    let metrics = String::from_utf8(metrics.stdout)?;
    let received = "threadless_messages_total{backend=\"my-kannel-backend\",event=\"received\"} 1\n";
    ensure!(metrics.contains(received), "{metrics}");
    ensure!(!metrics.contains("1112223333") && !metrics.contains("hello"), "{metrics}");
    Ok(())
}
