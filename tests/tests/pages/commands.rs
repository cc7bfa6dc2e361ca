//! The text of every command on the pages: the shell accepts it, our own programs accept its flags, and the files that it
//! names exist.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use clap::Parser as _;
use clap::error::ErrorKind;
use tests::tools::top;
use toml::Table;

use super::page::{all_blocks, pages, prose, read, spans};

/// The top folders of this checkout. A word of a command that begins with one of them is a path.
const FOLDERS: [&str; 6] = ["core/", "docs/", "events/", "functions/", "infra/", "tests/"];

/// Paths that a person makes.
const MADE: [&str; 1] = ["tests/transcripts/hours.txt"];

/// The commands of a page, each on one line: those of the blocks, and those in the prose.
pub(crate) struct Commands {
    pub(crate) page: String,
    pub(crate) lines: Vec<String>,
}

/// Returns the commands of all pages.
pub(crate) fn commands() -> Vec<Commands> {
    let blocks = all_blocks();
    let of = |page: String| {
        let blocks = blocks.iter().filter(|block| block.page == page && block.language == "sh");
        let text: String = blocks.map(|block| block.text.replace("\\\n", " ")).collect();
        let lines = text.lines().map(str::to_owned).chain(spans(&prose(&page))).collect();
        Commands { page, lines }
    };
    pages().into_iter().map(of).collect()
}

/// Returns the words of a command, up to its comment. A word in quotes stays one word.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for char in line.chars() {
        match (quote, char) {
            (Some(end), _) if char == end => quote = None,
            (None, '\'' | '"') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

#[test]
fn words_are_those_of_a_shell() {
    assert_eq!(words("a 'b c' \"$(d e)\"f  # g"), ["a", "b c", "$(d e)f"]);
    assert_eq!(words("a ''"), ["a", ""]);
}

#[test]
fn the_shell_accepts_every_block() {
    let blocks = all_blocks();
    let blocks: Vec<_> = blocks.iter().filter(|block| block.language == "sh").collect();
    assert!(blocks.len() > 20, "{}", blocks.len());
    for block in blocks {
        let mut shell = Command::new("bash");
        shell.args(["-n", "-s"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(block.text.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && problem.is_empty(), "{}: {problem}\n{}", block.page, block.text);
    }
}

/// Returns the problem of the arguments after `cargo run --`.
fn refused(line: &str) -> Option<String> {
    // A placeholder stands for a URL or a file, and the output of a command for a URL.
    let words = words(&line.replace("https://…", "https://x").replace('…', "")).into_iter();
    let words = words.map(|word| if word.starts_with("$(") { "https://x".to_owned() } else { word });
    match threadless_local::Options::try_parse_from(["threadless".to_owned()].into_iter().chain(words)) {
        Ok(_) => None,
        Err(problem) if matches!(problem.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => None,
        Err(problem) => Some(problem.to_string()),
    }
}

#[test]
fn our_program_accepts_every_command() {
    let mut count = 0;
    for Commands { page, lines } in commands() {
        for line in &lines {
            let Some((_, rest)) = line.split_once("cargo run -- ") else { continue };
            count += 1;
            if let Some(problem) = refused(rest) {
                panic!("{page}: {line}\n{problem}");
            }
        }
    }
    assert!(count > 12, "{count}");
    assert!(refused("kannel-check --no-such x").is_some() && refused("script --settle 3 x").is_some());
}

/// The folders of the packages by their names.
const PACKAGES: [(&str, &str); 9] = [
    ("threadless", "core"),
    ("threadless-kannel", "infra/kannel"),
    ("threadless-sqs", "infra/sqs"),
    ("threadless-local", "infra/local"),
    ("threadless-kit", "infra/kit"),
    ("functions", "functions"),
    ("local", "functions/local"),
    ("tests", "tests"),
    ("simulation", "tests/simulation"),
];

/// Returns what is wrong with a command of cargo that builds tests or benchmarks.
fn misnamed(words: &[String]) -> Option<String> {
    let value = |flags: &[&str]| {
        let at = words.iter().position(|word| flags.contains(&word.as_str()))?;
        words.get(at + 1).map(String::as_str)
    };
    let package = value(&["-p", "--package"]);
    let known = PACKAGES.iter().find(|(name, _)| Some(*name) == package.or(Some("tests")));
    let Some((name, folder)) = known else { return Some(format!("no package {package:?}")) };
    let manifest: Table = read(&format!("{folder}/Cargo.toml")).parse().unwrap();
    if manifest["package"]["name"].as_str() != Some(name) {
        return Some(format!("{folder} is not {name}"));
    }
    let listed = |kind: &str, name: &str| {
        let targets = manifest.get(kind).and_then(toml::Value::as_array);
        targets.is_some_and(|all| all.iter().any(|target| target["name"].as_str() == Some(name)))
    };
    for (flag, kind, place) in [("--test", "test", "tests"), ("--bench", "bench", "benches")] {
        let Some(target) = value(&[flag]) else { continue };
        let files = [format!("{folder}/{place}/{target}.rs"), format!("{folder}/{place}/{target}/main.rs")];
        if !listed(kind, target) && !files.iter().any(|file| top().join(file).is_file()) {
            return Some(format!("{name} has no {kind} {target}"));
        }
    }
    let features = value(&["--features"]).unwrap_or_default().split(',').filter(|name| !name.is_empty());
    let known = manifest.get("features").and_then(toml::Value::as_table);
    let missing =
        features.into_iter().find(|feature| known.is_none_or(|known| !known.contains_key(*feature)));
    missing.map(|feature| format!("{name} has no feature {feature}"))
}

#[test]
fn the_tests_and_benchmarks_that_commands_build_exist() {
    let mut count = 0;
    for Commands { page, lines } in commands() {
        for line in &lines {
            let words = words(line);
            let first: Vec<&str> = words.iter().take(2).map(String::as_str).collect();
            if matches!(first[..], ["cargo", "test" | "bench" | "doc"] | ["tests/run", _]) {
                count += 1;
                assert_eq!(misnamed(&words), None, "{page}: {line}");
            }
        }
    }
    assert!(count > 12, "{count}");
    for wrong in
        ["cargo test -p nobody", "tests/run --test nothing", "cargo bench -p threadless --features x"]
    {
        assert!(misnamed(&words(wrong)).is_some(), "{wrong}");
    }
}

/// Returns the paths that a command names.
fn paths(line: &str) -> Vec<String> {
    let parts = line.split([' ', '=', '"', '\'', '`', ':', ',', '(', ')']);
    let parts = parts.filter(|part| FOLDERS.iter().any(|folder| part.starts_with(folder)));
    // A page may name a pattern, or a test in a file.
    let parts = parts.filter(|part| !part.contains(['<', '*', '…']) && !MADE.contains(part));
    parts.map(|part| part.trim_end_matches('.').to_owned()).collect()
}

#[test]
fn the_files_that_pages_name_exist() {
    let mut count = 0;
    for Commands { page, lines } in commands() {
        for path in lines.iter().flat_map(|line| paths(line)) {
            count += 1;
            assert!(top().join(&path).exists(), "{page}: there is no {path}");
        }
    }
    assert!(count > 100, "{count}");
    assert_eq!(paths("sam x --f infra/a.yaml `core/b.rs::c`"), ["infra/a.yaml", "core/b.rs"]);
}

/// Returns the targets of the links in a text, beside those of rustdoc.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let ours = targets.filter(|target| !target.starts_with("http") && !target.starts_with("crate::"));
    ours.map(|target| target.split_whitespace().collect()).collect()
}

/// Returns the anchors of the headings of a page, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let text = prose(page);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
        kept.map(|char| if char == ' ' { '-' } else { char }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut count = 0;
    for page in pages() {
        let folder = std::path::Path::new(&page).parent().unwrap();
        for link in links(&prose(&page)) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { folder.join(file).display().to_string() };
            assert!(top().join(&target).exists(), "{page}: {link} leads nowhere");
            if !anchor.is_empty() {
                assert!(anchors(&target).contains(anchor), "{page}: {link}: there is no such heading");
            }
        }
    }
    assert!(count > 60, "{count}");
    assert_eq!(links("[a](b\n#c) [d](https://e) [f](crate::G)"), ["b#c"]);
}
