//! `tests/RELIABILITY.md`: the tests that it names exist.

use std::path::Path;

/// The page.
const PAGE: &str = include_str!("../../RELIABILITY.md");

/// Returns the tests that stand between single backquotes: file and function.
fn named() -> Vec<(&'static str, &'static str)> {
    let spans = PAGE.split('`').skip(1).step_by(2);
    spans
        .filter_map(|span| {
            span.split_once(".rs::").map(|(_, name)| (&span[..span.len() - name.len() - 2], name))
        })
        .collect()
}

#[test]
fn every_test_that_the_page_names_exists() {
    let (root, named) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), named());
    assert!(named.len() > 50, "{named:?}");
    let missing: Vec<_> = named
        .into_iter()
        .filter(|(file, name)| {
            let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            !source.contains(&format!("fn {name}("))
        })
        .collect();
    assert!(missing.is_empty(), "tests/RELIABILITY.md names tests that do not exist: {missing:?}");
}

#[test]
fn every_promise_has_its_tests() {
    let (_, promises) = PAGE.split_once("## The promises").unwrap();
    let (promises, _) = promises.split_once("## The last full run").unwrap();
    let sections: Vec<&str> = promises.split("\n### ").skip(1).collect();
    assert_eq!(sections.len(), 9);
    for section in sections {
        assert!(section.contains(".rs::"), "{section}");
    }
}
