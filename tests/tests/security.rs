//! A check that the tests that SECURITY.md names for its guards exist.

// These lints do not matter in tests.
#![allow(clippy::similar_names, clippy::case_sensitive_file_extension_comparisons)]

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// Returns the tests that a text names, as `path::name` in backticks.
fn named(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| quoted.rsplit_once("::")).filter(|(path, _)| path.ends_with(".rs")).collect()
}

/// Returns whether a file has a test of this name: a function with a test attribute, or one that a macro of the file
/// makes a test.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_it = |line: &&str| {
        let function = line.trim_start_matches("async ").strip_prefix("fn ");
        function.is_some_and(|rest| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')))
    };
    let Some(at) = lines.iter().position(is_it) else { return false };
    let attributes =
        lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let attributed = attributes.into_iter().any(|line| line.contains("test"));
    attributed || lines.iter().any(|line| line.strip_suffix(',') == Some(name))
}

#[test]
fn every_guard_of_the_threat_model_names_tests_that_exist() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no root")?;
    let text = std::fs::read_to_string(root.join("SECURITY.md"))?;
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    ensure!(rows.len() > 12, "only {} rows", rows.len());
    for row in &rows {
        let held_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        ensure!(!named(held_by).is_empty() || held_by.starts_with("none: "), "nothing holds this: {row}");
    }
    for (path, name) in named(&text) {
        let source = std::fs::read_to_string(root.join(path)).with_context(|| path.to_owned())?;
        ensure!(has_test(&source, name), "{path} has no test {name}");
    }
    Ok(())
}

#[test]
fn a_test_that_does_not_exist_is_noticed() {
    let source = "#[test]\nfn there() {}\n\n/// Not one.\nfn helper() {}\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn \
                  too() {}\nsuite! {\n    listed,\n}\nasync fn listed(store: &dyn Store) {}\n";
    for (name, expected) in
        [("there", true), ("too", true), ("listed", true), ("helper", false), ("the", false)]
    {
        assert_eq!(has_test(source, name), expected, "{name}");
    }
    assert_eq!(named("`a` | `b/c.rs::d`, `e::f`"), [("b/c.rs", "d")]);
}
