//! Transcripts: the messages that people send, and the replies that they must get.

mod escape;
mod mismatch;
mod on_bench;
mod parse;
mod play;
#[cfg(test)]
mod tests;
mod turn;

pub use mismatch::Mismatch;
pub use parse::{Problem, TranscriptError};
pub use play::Stage;
pub use turn::{Said, StageError};

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;

use crate::model::message::{BackendName, Identity};

/// A conversation in writing: the messages that people send, and the replies that they must get.
///
/// ```text
/// # A line that begins with # is a comment; blank lines and indentation do not count.
/// 1112223333 > echo hello
/// 1112223333 < hello
///
/// [kannel-a] +251911223344 > hours
/// [kannel-a] +251911223344 < We are open:
///                          | Monday to Friday, 8 to 17
///                          | Saturday, 8 to 12
///
/// 1112223333@202611250700 > remind me in an hour
/// 1112223333 < You will hear from us at 08:00.
/// 1112223333@202611250800 < It is time.
/// @202611260800
/// ```
///
/// | line | means |
/// |---|---|
/// | `number > text` | A message comes in. The number is any identity: `+251911223344`, `MTN-INFO`. |
/// | `number < text` | This reply must come, in the turn of the message or the time above it. |
/// | `\| text` | The text of the line above goes on with a new line. |
/// | `[backend]` before a number | The message comes from, or the reply goes to, this backend. The default is the default backend. |
/// | `@YYYYMMDDHHMM`, `@YYYYMMDDHHMMSS` after a number, or alone | The clock (UTC) first moves to this time. |
///
/// # Texts
///
/// Blanks and tabs at both ends of a text do not count. If nothing follows the sign, the SMS is blank. A text may
/// contain any character, also `<`, `>`, `#` and `@`. A backslash writes the other characters: `\n`, `\r`, `\t`, `\s`
/// (a blank that counts), `\u{200b}` (any character by its number), `\\` (a backslash). `\` before any other ASCII
/// punctuation is that punctuation character. The same escapes hold in a number. In a number, `<` and `>` need a
/// backslash everywhere, and `#`, `[`, `@` and `|` need one at the beginning.
///
/// # What is strict
///
/// A message or a move of the clock begins a *turn*. All replies until the next turn belong to this turn. Each of them
/// must come, none may come before its turn, and no other reply may come. The replies to one number must come in the
/// order of the lines. Replies to different numbers may come in any order, since neither the queue nor a gateway keeps
/// such an order. Therefore a transcript that holds on the bench holds on the deployed stack too.
///
/// # Time
///
/// The clock begins at the first time stamp. Each time stamp moves the clock forward, never back. While the clock
/// moves, the scheduled function runs at every full minute at which something is due, and once at the time of the stamp
/// itself. A reply with a time stamp must come at that time, and at no minute before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    name: String,
    source: String,
    steps: Vec<Step>,
}

/// One line of a transcript that does something, with the lines that continue it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The number of the line, counted from 1.
    pub(super) line: usize,
    /// The last line that belongs to the step.
    pub(super) last_line: usize,
    pub(super) at: Option<Timestamp>,
    pub(super) act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The clock moves, and nothing else happens.
    Wait,
    /// A message comes in.
    Says(Line),
    /// A reply must come.
    Hears(Line),
}

/// The number and the text of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) backend: Option<BackendName>,
    pub(super) number: Identity,
    pub(super) text: String,
}

/// The reason why a file is not a transcript.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        #[source]
        problem: std::io::Error,
    },
    /// The transcript has an error.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
}

impl Transcript {
    /// Reads a transcript. Errors and failures show it as `name`.
    ///
    /// ```
    /// use threadless::testing::{Problem, Transcript};
    ///
    /// let transcript = Transcript::named("clinic.txt", "1112223333 > ping\n1112223333 < pong")?;
    /// assert_eq!(transcript.name(), "clinic.txt");
    ///
    /// let error = Transcript::named("clinic.txt", "# Amina\n1112223333 ping").unwrap_err();
    /// assert_eq!((error.line, error.column), (2, 1));
    /// assert_eq!(error.problem, Problem::NoSign);
    /// # Ok::<(), threadless::testing::TranscriptError>(())
    /// ```
    pub fn named(name: impl Into<String>, source: &str) -> Result<Self, TranscriptError> {
        let name = name.into();
        match parse::steps(source) {
            Ok(steps) => Ok(Self { name, source: source.to_owned(), steps }),
            Err(error) => Err(error.of(name)),
        }
    }

    /// Reads a transcript from a file.
    pub fn open(file: impl AsRef<Path>) -> Result<Self, OpenError> {
        let file = file.as_ref();
        let source = std::fs::read_to_string(file)
            .map_err(|problem| OpenError::File { file: file.to_owned(), problem })?;
        Ok(Self::named(file.display().to_string(), &source)?)
    }

    /// Returns the name of the transcript.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the backends that the transcript names.
    pub fn backends(&self) -> BTreeSet<&BackendName> {
        self.steps.iter().filter_map(|step| step.line_of()?.backend.as_ref()).collect()
    }

    /// Returns the backends that the transcript uses. Lines without a backend use `default`.
    pub fn all_backends(&self, default: &BackendName) -> BTreeSet<BackendName> {
        let lines = self.steps.iter().filter_map(Step::line_of);
        lines.map(|line| line.connection(default).backend).collect()
    }

    /// Returns the numbers that the transcript uses at a backend. Lines without a backend use `default`.
    pub fn numbers_at(&self, backend: &BackendName, default: &BackendName) -> BTreeSet<Identity> {
        let lines = self.steps.iter().filter_map(Step::line_of);
        let connections = lines.map(|line| line.connection(default));
        connections.filter(|to| to.backend == *backend).map(|to| to.identity).collect()
    }

    /// Returns how many messages come in, and how many replies must come.
    pub fn count(&self) -> (usize, usize) {
        let says = self.steps.iter().filter(|step| matches!(step.act, Act::Says(_))).count();
        let hears = self.steps.iter().filter(|step| matches!(step.act, Act::Hears(_))).count();
        (says, hears)
    }

    /// Returns the line of the first time stamp, counted from 1. A caller that cannot move the clock can refuse the
    /// transcript before it sends anything.
    pub fn first_time(&self) -> Option<usize> {
        self.steps.iter().find(|step| step.at.is_some()).map(|step| step.line)
    }
}

impl FromStr for Transcript {
    type Err = TranscriptError;

    fn from_str(source: &str) -> Result<Self, TranscriptError> {
        Self::named("the transcript", source)
    }
}

impl Step {
    fn line_of(&self) -> Option<&Line> {
        match &self.act {
            Act::Wait => None,
            Act::Says(line) | Act::Hears(line) => Some(line),
        }
    }
}

/// Writes the transcript on as few lines as possible.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let stamp = step.at.map(|at| at.strftime("@%Y%m%d%H%M%S").to_string()).unwrap_or_default();
            let (sign, line) = match &step.act {
                Act::Wait => {
                    writeln!(f, "{stamp}")?;
                    continue;
                }
                Act::Says(line) => ('>', line),
                Act::Hears(line) => ('<', line),
            };
            if let Some(backend) = &line.backend {
                write!(f, "[{backend}] ")?;
            }
            let (number, text) = (escape::number(line.number.as_str()), escape::text(&line.text));
            writeln!(f, "{}", format!("{number}{stamp} {sign} {text}").trim_end())?;
        }
        Ok(())
    }
}
