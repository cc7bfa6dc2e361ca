//! The commands in `infra/README.md`, section by section.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

/// The page.
const PAGE: &str = include_str!("../../../infra/README.md");

/// The sections that the tests follow with the deployed stack, in order.
pub(crate) const FOLLOWED: [&str; 10] = [
    "Secrets",
    "Deploy",
    "First message",
    "Watch",
    "Dead letters",
    "Update",
    "The message tester",
    "A private network",
    "Without SAM",
    "Tear down",
];

/// Returns the blocks of shell commands with their headings.
fn blocks() -> Vec<(&'static str, String)> {
    let (mut heading, mut block, mut blocks) = ("", None::<String>, Vec::new());
    for line in PAGE.lines() {
        match &mut block {
            None if line == "```sh" => block = Some(String::new()),
            None => heading = line.strip_prefix("## ").unwrap_or(heading),
            Some(_) if line == "```" => blocks.extend(block.take().map(|text| (heading, text))),
            Some(text) => text.extend([line, "\n"]),
        }
    }
    blocks
}

/// Returns whether a line defines a shell function, which later sections use.
fn defines(line: &str) -> bool {
    line.split_once("() {").is_some_and(|(name, _)| name.chars().all(char::is_alphanumeric))
}

/// Returns the commands of a section, after the shell functions that the page has defined.
pub(crate) fn script(section: &str) -> Result<String> {
    let blocks = blocks();
    let wanted: String =
        blocks.iter().filter(|(at, _)| *at == section).map(|(_, text)| text.as_str()).collect();
    ensure!(!wanted.is_empty(), "infra/README.md has no commands under {section:?}");
    let all = blocks.iter().flat_map(|(_, text)| text.lines());
    let functions: String = all.filter(|line| defines(line)).flat_map(|line| [line, "\n"]).collect();
    Ok(functions + &wanted)
}

#[test]
fn every_command_of_the_page_is_typed_by_a_test() {
    let headings: BTreeSet<&str> = blocks().iter().map(|(heading, _)| *heading).collect();
    assert_eq!(headings, FOLLOWED.into_iter().collect());
}
