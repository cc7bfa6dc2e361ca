//! A `kannel.conf` as Kannel itself reads it: groups of `key = value`, each with its line.
//!
//! We measured these rules with Kannel 1.4.5. A blank line ends a group. A line that begins with `#` is skipped. If a
//! key is there several times, the last one counts. A value is unquoted if it begins and ends with `"`. If the word
//! `include` stands anywhere in a line, Kannel replaces the line by another file, or by every file of a folder.

mod include;
mod lines;
mod quoted;
pub(crate) mod reading;

use std::io;
use std::path::{Path, PathBuf};

pub use super::finding::Place;

use super::finding::Finding;
use lines::{Line, Reader};

/// One line `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value without its quotes. Bytes that are not UTF-8 are replaced.
    pub value: String,
    /// The place of the line.
    pub place: Place,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The value of `group =`.
    pub kind: String,
    /// The place of the first line.
    pub place: Place,
    /// The lines in their order, including the line `group =`.
    pub entries: Vec<Entry>,
}

impl Group {
    /// Returns the line that counts for a key: the last one.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    /// Returns the value of a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.get(key).map(|entry| entry.value.as_str())
    }

    /// Returns the value of a key as a number. Like Kannel, it ignores everything after the digits.
    pub fn number(&self, key: &str) -> Option<i64> {
        let value = self.value(key)?.trim_start();
        let length = value.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(value.len());
        value[..length].parse().ok()
    }

    /// Returns the value of a key as yes or no, and `false` if the key is missing.
    pub fn is_on(&self, key: &str) -> bool {
        let value = self.value(key).unwrap_or_default();
        ["true", "yes", "on", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
    }

    /// Returns the place to show for a key: its line or, without one, the first line of the group.
    pub fn place_of(&self, key: &str) -> Place {
        self.get(key).map_or_else(|| self.place.clone(), |entry| entry.place.clone())
    }
}

/// A configuration, and the problems of its form.
#[derive(Debug, Clone, Default)]
pub struct Conf {
    /// The groups in their order. The groups of included files stand in the place of the `include`.
    pub groups: Vec<Group>,
    /// The problems that Kannel itself meets while it reads the file.
    pub findings: Vec<Finding>,
}

/// The reason why a file cannot be checked at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        #[source]
        problem: io::Error,
    },
    /// The file is too large to be a configuration.
    #[error("{file} is larger than {} MB, so it is not a kannel.conf", LARGEST >> 20)]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// The file contains bytes that no text contains.
    #[error("{file}:{line}: the line contains a zero byte, so this is not a kannel.conf")]
    Binary {
        /// The file.
        file: PathBuf,
        /// The line of the first such byte.
        line: usize,
    },
    /// The file has no group.
    #[error("{file} has no group, so it is not a kannel.conf")]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

/// The size of the largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 16 << 20;

impl Conf {
    /// Reads a file and the files that it includes.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or is not a `kannel.conf`.
    pub fn read(file: &Path) -> Result<Self, ReadError> {
        let bytes = include::load(file)?;
        let lines = || (1..).zip(bytes.split(|byte| *byte == b'\n'));
        if let Some((line, _)) = lines().find(|(_, line)| line.contains(&0)) {
            return Err(ReadError::Binary { file: file.to_owned(), line });
        }
        let conf = Self::parse(&file.display().to_string(), &bytes);
        if conf.groups.is_empty() {
            return Err(ReadError::Empty { file: file.to_owned() });
        }
        Ok(conf)
    }

    /// Reads the bytes of a file of this name. Only an `include` reads from the disk.
    ///
    /// ```
    /// use threadless_kannel::file::Conf;
    /// let conf = Conf::parse("kannel.conf", b"# mine\n\ngroup = smsbox\nsendsms-chars = \"0123456789 +-\"\n");
    /// assert_eq!(conf.groups[0].value("sendsms-chars"), Some("0123456789 +-"));
    /// assert_eq!(conf.groups[0].place.to_string(), "kannel.conf:3");
    /// ```
    pub fn parse(name: &str, bytes: &[u8]) -> Self {
        let mut reader = Reader::new();
        reader.file(name, bytes);
        let Reader { lines, findings, .. } = reader;
        let mut conf = Self { groups: Vec::new(), findings };
        let mut entries: Vec<Entry> = Vec::new();
        for line in lines {
            match line {
                Line::Entry(entry) => entries.push(entry),
                Line::Blank => conf.end_of_group(std::mem::take(&mut entries)),
            }
        }
        conf.end_of_group(entries);
        conf.findings.extend(reading::shape(&conf.groups));
        conf
    }

    fn end_of_group(&mut self, entries: Vec<Entry>) {
        let Some(first) = entries.first() else { return };
        let place = first.place.clone();
        match entries.iter().rev().find(|entry| entry.key == "group") {
            Some(entry) => self.groups.push(Group { kind: entry.value.clone(), place, entries }),
            None => self.findings.push(reading::NO_GROUP.at(
                &place,
                format!("{} is not in a group", first.key),
                "remove the blank line above it, or begin the group with `group = …`",
            )),
        }
    }

    /// Returns the group of a kind that should be there once. If there are several, it returns the last one.
    pub fn the(&self, kind: &str) -> Option<&Group> {
        self.groups.iter().rev().find(|group| group.kind == kind)
    }

    /// Returns all groups of a kind.
    pub fn all<'c>(&'c self, kind: &'c str) -> impl Iterator<Item = &'c Group> {
        self.groups.iter().filter(move |group| group.kind == kind)
    }
}

#[cfg(test)]
mod tests;
