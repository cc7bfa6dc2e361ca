//! The pages of this checkout: their fenced blocks, their tables, and their code spans.

use std::fs;
use std::path::Path;

use tests::tools::top;

/// A fenced block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The page, as a path from the top folder.
    pub(crate) page: String,
    /// The nearest heading above the block.
    pub(crate) heading: String,
    /// The word after the opening fence.
    pub(crate) language: String,
    /// The text between the fences.
    pub(crate) text: String,
}

impl Block {
    /// Returns the first line of the text.
    pub(crate) fn first(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }
}

/// A table of a page: its head and its rows, as cells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns the cells of the column whose head is this word, beside the first cell of each row.
    pub(crate) fn column(&self, head: &str) -> Vec<(&str, &str)> {
        let Some(at) = self.head.iter().position(|cell| cell == head) else { return Vec::new() };
        self.rows.iter().map(|row| (row[0].as_str(), row[at].as_str())).collect()
    }
}

/// Returns the text of a file, by its path from the top folder.
pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(top().join(file)).unwrap_or_else(|problem| panic!("{file}: {problem}"))
}

/// Returns all pages, as paths from the top folder.
pub(crate) fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    collect(&top(), "", &mut pages);
    pages.sort();
    pages
}

fn collect(folder: &Path, path: &str, pages: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &path, pages);
        } else if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// Returns the fenced blocks of all pages.
pub(crate) fn all_blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks(page, &read(page)).0).collect()
}

/// Returns the prose of a page: its text without the fenced blocks.
pub(crate) fn prose(page: &str) -> String {
    blocks(page, &read(page)).1
}

/// Separates the fenced blocks of a page from its prose.
pub(crate) fn blocks(page: &str, text: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut prose, mut heading) = (Vec::new(), String::new(), String::new());
    let mut open: Option<(String, Block)> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let fence: String = trimmed.chars().take_while(|char| matches!(char, '`' | '~')).collect();
        match &mut open {
            None if fence.len() >= 3 => {
                let indent = &line[..line.len() - trimmed.len()];
                let language = trimmed[fence.len()..].trim().to_owned();
                let (page, heading) = (page.to_owned(), heading.clone());
                let block = Block { page, heading, language, text: String::new() };
                open = Some((format!("{indent}{fence}"), block));
            }
            None => {
                if line.starts_with('#') {
                    line.trim_start_matches('#').trim().clone_into(&mut heading);
                }
                prose.extend([line, "\n"]);
            }
            Some((end, _)) if line.trim_end() == *end => blocks.extend(open.take().map(|(_, block)| block)),
            Some((end, block)) => {
                let indent = end.len() - end.trim_start().len();
                block.text.extend([line.get(indent..).unwrap_or_default(), "\n"]);
            }
        }
    }
    assert!(open.is_none(), "{page}: a block has no end");
    (blocks, prose)
}

/// Returns the tables of a text.
pub(crate) fn tables(text: &str) -> Vec<Table> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let runs = lines.chunk_by(|one, next| one.starts_with('|') && next.starts_with('|'));
    let runs = runs.filter(|run| run[0].starts_with('|'));
    runs.map(|run| {
        let ruler = run.get(1).map(|line| line.chars().all(|char| matches!(char, '|' | '-' | ':' | ' ')));
        assert_eq!(ruler, Some(true), "a table without a head: {}", run[0]);
        let head = cells(run[0]);
        let rows: Vec<Vec<String>> = run[2..].iter().map(|line| cells(line)).collect();
        for row in &rows {
            assert_eq!(row.len(), head.len(), "a row with other cells than its head: {row:?}");
        }
        Table { head, rows }
    })
    .collect()
}

fn cells(line: &str) -> Vec<String> {
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').unwrap_or(line).replace("\\|", "\u{0}");
    line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// Returns the code spans of a text: the parts between single backquotes.
pub(crate) fn spans(text: &str) -> Vec<String> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Returns the text of the rustdoc in a source file.
pub(crate) fn rustdoc(source: &str) -> String {
    let line = |line: &str| {
        let line = line.trim_start();
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
    };
    source.lines().map(|text| line(text).unwrap_or_default() + "\n").collect()
}

#[test]
fn no_fence_and_no_table_escapes() {
    let text = "# One\n\na\n~~~~ sh\n```\nx\n~~~~\n## Two `b`\n  ```\n  y\n    z\n  ```\n";
    let (blocks, prose) = blocks("p", text);
    let seen: Vec<_> = blocks.iter().map(|block| (&*block.heading, &*block.language, &*block.text)).collect();
    assert_eq!(seen, [("One", "sh", "```\nx\n"), ("Two `b`", "", "y\n  z\n")]);
    assert_eq!(prose, "# One\n\na\n## Two `b`\n");

    let found = tables("| a | b |\n|---|---|\n| `x\\|y` | 1 |\n\n| c |\n|---|\n");
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].column("b"), [("`x|y`", "1")]);
    assert_eq!(spans("a `b` c `d\ne`"), ["b", "d e"]);
    for headless in ["| a |\n| 1 |\n", "| a |\n|---|\n| 1 | 2 |\n"] {
        assert!(std::panic::catch_unwind(|| tables(headless)).is_err(), "{headless}");
    }
}

/// A blank line in the middle of a table takes its head from the second part.
#[test]
fn every_table_of_the_pages_and_of_the_rustdoc_has_a_head() {
    let mut sources = Vec::new();
    for folder in ["core/src", "functions/src", "infra/kannel/src", "infra/local/src", "infra/sqs/src"] {
        rust_files(&top().join(folder), &mut sources);
    }
    assert!(sources.len() > 100, "{}", sources.len());
    let sources = sources.iter().map(|source| blocks("", &rustdoc(source)).1);
    let count: usize =
        pages().iter().map(|page| prose(page)).chain(sources).map(|text| tables(&text).len()).sum();
    assert!(count > 60, "{count}");
}

/// Reads every Rust source below a folder.
pub(crate) fn rust_files(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(fs::read_to_string(path).unwrap());
        }
    }
}
