//! A `kannel.conf` as Kannel itself reads it: groups of `key = value`, each with its line.
//!
//! Measured with Kannel 1.4.5: a blank line ends a group; a line that begins with `#` is skipped; the last of a key
//! counts; a value is unquoted if it begins and ends with `"`; a line with the word `include` anywhere in it puts
//! another file, or every file of a folder, in its place.

mod include;
mod lines;
mod quoted;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::{Finding, reading};
use lines::{Line, Reader};

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named on the command line or by an `include`.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One line `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value without its quotes; bytes that are not UTF-8 are replaced.
    pub value: String,
    /// Where it stands.
    pub place: Place,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What stands behind `group =`.
    pub kind: String,
    /// Its first line.
    pub place: Place,
    /// Its lines in their order, the one with `group =` included.
    pub entries: Vec<Entry>,
}

impl Group {
    /// The line that counts for a key: the last.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    /// Its value.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.get(key).map(|entry| entry.value.as_str())
    }

    /// Its value as a number, as Kannel reads one: what follows the digits is ignored.
    pub fn number(&self, key: &str) -> Option<i64> {
        let value = self.value(key)?.trim_start();
        let length = value.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(value.len());
        value[..length].parse().ok()
    }

    /// Its value as yes or no; `false` where it is not there.
    pub fn is_on(&self, key: &str) -> bool {
        let value = self.value(key).unwrap_or_default();
        ["true", "yes", "on", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
    }

    /// Where to point: the key's line, or the group's first.
    pub fn place_of(&self, key: &str) -> Place {
        self.get(key).map_or_else(|| self.place.clone(), |entry| entry.place.clone())
    }
}

/// A configuration, and what is wrong with its shape.
#[derive(Debug, Clone, Default)]
pub struct Conf {
    /// The groups in their order, those of included files in the place of the `include`.
    pub groups: Vec<Group>,
    /// What Kannel stumbles over while it reads.
    pub findings: Vec<Finding>,
}

/// Why a file cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("{file} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        problem: io::Error,
    },
    /// It is too large to be a configuration.
    #[error("{file} is larger than {} MB: that is no kannel.conf", LARGEST >> 20)]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// There are bytes in it that no text has.
    #[error("{file}:{line}: a byte 0 is in it: that is no kannel.conf")]
    Binary {
        /// The file.
        file: PathBuf,
        /// The line of the first.
        line: usize,
    },
    /// It has no group.
    #[error("{file} has no group in it: that is no kannel.conf")]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

/// The largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 16 << 20;

impl Conf {
    /// Reads a file, and those that it includes.
    ///
    /// # Errors
    /// It cannot be read, or is something else than a `kannel.conf`.
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

    /// Reads the bytes of a file of that name. Only an `include` touches the disk.
    ///
    /// ```
    /// use local::kannel::file::Conf;
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
                format!("{} stands in no group", first.key),
                "take out the blank line above it, or begin the group with `group = …`",
            )),
        }
    }

    /// The group of a kind that may be there once; the last, where there are several.
    pub fn the(&self, kind: &str) -> Option<&Group> {
        self.groups.iter().rev().find(|group| group.kind == kind)
    }

    /// All groups of a kind.
    pub fn all<'c>(&'c self, kind: &'c str) -> impl Iterator<Item = &'c Group> {
        self.groups.iter().filter(move |group| group.kind == kind)
    }
}

#[cfg(test)]
mod tests;
