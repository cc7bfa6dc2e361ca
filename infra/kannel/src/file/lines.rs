//! The lines of a file and of the files that it includes, one after the other.

use std::path::PathBuf;
use std::sync::Arc;

use super::quoted::{Unfinished, is_blank, unquoted};
use super::{Entry, Place, include, reading};
use crate::finding::Finding;

/// A line that has a meaning.
pub(super) enum Line {
    /// A line `key = value`.
    Entry(Entry),
    /// The end of a group.
    Blank,
}

/// A reader that collects lines.
pub(super) struct Reader {
    pub(super) lines: Vec<Line>,
    pub(super) findings: Vec<Finding>,
    /// The included files so far. Kannel refuses a file that is included a second time.
    included: Vec<PathBuf>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { lines: Vec::new(), findings: Vec::new(), included: Vec::new() }
    }

    /// Reads one file.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) {
        let name: Arc<str> = name.into();
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let line = String::from_utf8_lossy(line);
            let place = Place { file: Arc::clone(&name), line: number };
            self.line(line.trim_matches(is_blank), place);
        }
        // The end of a file also ends a group.
        self.lines.push(Line::Blank);
    }

    fn line(&mut self, line: &str, place: Place) {
        if line.is_empty() {
            self.lines.push(Line::Blank);
            return;
        }
        if line.starts_with('#') {
            return;
        }
        let Some((key, value)) = line.split_once('=') else {
            let mend = "write `key = value`, or put a # before it";
            self.findings.push(reading::NO_EQUALS.at(&place, "there is no = in this line".to_owned(), mend));
            return;
        };
        let key = key.trim_matches(is_blank).to_owned();
        let (value, unfinished) = unquoted(value);
        if line.contains("include") {
            self.include(&key, &value, &place);
            return;
        }
        if unfinished == Some(Unfinished) {
            self.findings.push(reading::UNFINISHED_QUOTE.at(
                &place,
                format!("{key} has a quote at one end only"),
                "end the value with \", and put comments in lines of their own",
            ));
        }
        self.lines.push(Line::Entry(Entry { key, value, place }));
    }

    fn include(&mut self, key: &str, value: &str, place: &Place) {
        if key != "include" {
            self.findings.push(reading::INCLUDE_WORD.at(
                place,
                format!("{key} contains the word `include`"),
                "write the word in another form, such as %69nclude in a URL",
            ));
            return;
        }
        let files = match include::files(value) {
            Ok(files) => files,
            Err(problem) => return self.unread(value, place, &problem.to_string()),
        };
        for file in files {
            if self.included.contains(&file) {
                self.unread(value, place, "it is included already");
                continue;
            }
            self.included.push(file.clone());
            match include::load(&file) {
                Ok(bytes) => self.file(&file.display().to_string(), &bytes),
                Err(problem) => self.unread(value, place, &problem.to_string()),
            }
        }
    }

    fn unread(&mut self, value: &str, place: &Place, problem: &str) {
        let found = format!("{value} cannot be included: {problem}");
        self.findings.push(reading::UNREAD_INCLUDE.at(
            place,
            found,
            "name an existing file by its full path",
        ));
    }
}
