//! The parser of transcripts. It reads them line by line.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::escape::{self, BLANKS, BadEscape};
use super::{Act, Line, Step};
use crate::model::message::{BackendName, Identity, InvalidName};

/// An error in a transcript, and its place. Its `Display` shows the line with the place marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptError {
    /// The name of the transcript.
    pub name: String,
    /// The number of the line, counted from 1.
    pub line: usize,
    /// The place in the line, in characters, counted from 1.
    pub column: usize,
    /// The problem at this place.
    pub problem: Problem,
    /// The line as it is written.
    pub source: String,
}

/// A problem of a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The line has no `>` and no `<`.
    #[error("this is neither `number > text` nor `number < text`; a comment begins with #")]
    NoSign,
    /// There is nothing before the sign.
    #[error("the number before the sign is missing")]
    NoNumber,
    /// The number is invalid.
    #[error(transparent)]
    Number(InvalidName),
    /// The line has `[` without `]`.
    #[error("the ] after the name of the backend is missing; write [name]")]
    OpenBracket,
    /// The name of the backend is invalid.
    #[error(transparent)]
    Backend(InvalidName),
    /// The digits after an `@` are not a time.
    #[error("{0:?} is not a time; write YYYYMMDDHHMM or YYYYMMDDHHMMSS in UTC, or \\@ for the sign @ itself")]
    Time(String),
    /// The time is before the one above.
    #[error("the clock is already at {0} here, and cannot go back")]
    Backwards(Timestamp),
    /// A backslash has no meaning.
    #[error("{0} has no meaning; write \\\\ for a backslash")]
    Escape(String),
    /// `|` has no text above it.
    #[error("there is no message or reply directly above that this line can continue")]
    NothingToContinue,
}

/// A [`TranscriptError`] that does not yet know the name of the transcript.
pub(super) struct LineError {
    line: usize,
    column: usize,
    problem: Problem,
    source: String,
}

impl LineError {
    pub(super) fn of(self, name: String) -> TranscriptError {
        let Self { line, column, problem, source } = self;
        TranscriptError { name, line, column, problem, source }
    }
}

impl fmt::Display for TranscriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, line, column, problem, source } = self;
        writeln!(f, "{name}:{line}:{column}: {problem}")?;
        writeln!(f, "{line:>5} | {source}")?;
        // Keep tabs as tabs, so that the mark stands below its place.
        let tab = |c: char| if c == '\t' { '\t' } else { ' ' };
        let indent: String = source.chars().take(column - 1).map(tab).collect();
        write!(f, "      | {indent}^")
    }
}

impl std::error::Error for TranscriptError {}

/// Returns the lines that do something.
pub(super) fn steps(source: &str) -> Result<Vec<Step>, LineError> {
    let mut steps: Vec<Step> = Vec::new();
    let mut clock = None;
    for (at, whole) in source.trim_start_matches('\u{feff}').lines().enumerate() {
        let reader = Reader { number: at + 1, whole };
        let line = whole.trim_matches(BLANKS);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(more) = line.strip_prefix('|') {
            let above = steps.last_mut().filter(|step| step.last_line == at);
            let Some((step, text)) = above.and_then(continued) else {
                return Err(reader.fault(line, Problem::NothingToContinue));
            };
            text.push('\n');
            text.push_str(&reader.text(more)?);
            *step = reader.number;
            continue;
        }
        let step = reader.step(line)?;
        if let (Some(before), Some(now)) = (clock, step.at)
            && now < before
        {
            return Err(reader.fault(line, Problem::Backwards(before)));
        }
        clock = step.at.or(clock);
        steps.push(step);
    }
    Ok(steps)
}

/// Returns the last line and the text of a step that another line can continue.
fn continued(step: &mut Step) -> Option<(&mut usize, &mut String)> {
    match &mut step.act {
        Act::Wait => None,
        Act::Says(line) | Act::Hears(line) => Some((&mut step.last_line, &mut line.text)),
    }
}

/// A line and its number. The parts of a line are slices of `whole`, so that their place in the line can be computed.
struct Reader<'a> {
    number: usize,
    whole: &'a str,
}

impl Reader<'_> {
    /// Returns a fault at the beginning of `part`.
    fn fault(&self, part: &str, problem: Problem) -> LineError {
        self.fault_in(part, 0, problem)
    }

    /// Returns a fault at some character of `part`.
    fn fault_in(&self, part: &str, characters: usize, problem: Problem) -> LineError {
        let before = (part.as_ptr() as usize).saturating_sub(self.whole.as_ptr() as usize);
        let before = self.whole.get(..before).unwrap_or_default().chars().count();
        LineError {
            line: self.number,
            column: before + characters + 1,
            problem,
            source: self.whole.to_owned(),
        }
    }

    fn text(&self, part: &str) -> Result<String, LineError> {
        let part = part.trim_matches(BLANKS);
        escape::read(part)
            .map_err(|BadEscape { at, written }| self.fault_in(part, at, Problem::Escape(written)))
    }

    fn step(&self, line: &str) -> Result<Step, LineError> {
        let (number, last_line) = (self.number, self.number);
        if let Some(digits) = line.strip_prefix('@').filter(|rest| is_digits(rest)) {
            return Ok(Step { line: number, last_line, at: Some(self.time(digits)?), act: Act::Wait });
        }
        let (backend, rest) = self.backend(line)?;
        let Some(sign) = unescaped(rest, &['<', '>']).next() else {
            return Err(self.fault(line, Problem::NoSign));
        };
        let (who, text) = (rest[..sign].trim_matches(BLANKS), &rest[sign + 1..]);
        let (who, at) = match unescaped(who, &['@']).last() {
            Some(stamp) if is_digits(&who[stamp + 1..]) => {
                (who[..stamp].trim_matches(BLANKS), Some(self.time(&who[stamp + 1..])?))
            }
            _ => (who, None),
        };
        if who.is_empty() {
            return Err(self.fault(rest, Problem::NoNumber));
        }
        let identity: Identity =
            self.text(who)?.parse().map_err(|problem| self.fault(who, Problem::Number(problem)))?;
        let said = Line { backend, number: identity, text: self.text(text)? };
        let act = if rest[sign..].starts_with('>') { Act::Says(said) } else { Act::Hears(said) };
        Ok(Step { line: number, last_line, at, act })
    }

    fn backend<'b>(&self, line: &'b str) -> Result<(Option<BackendName>, &'b str), LineError> {
        let Some(inner) = line.strip_prefix('[') else { return Ok((None, line)) };
        let Some((name, rest)) = inner.split_once(']') else {
            return Err(self.fault(line, Problem::OpenBracket));
        };
        let name = name.trim_matches(BLANKS);
        let name = name.parse().map_err(|problem| self.fault(inner, Problem::Backend(problem)))?;
        Ok((Some(name), rest.trim_start_matches(BLANKS)))
    }

    fn time(&self, digits: &str) -> Result<Timestamp, LineError> {
        time(digits).ok_or_else(|| self.fault(digits, Problem::Time(digits.to_owned())))
    }
}

/// Returns the places of these characters that have no backslash before them.
fn unescaped<'a>(text: &'a str, wanted: &'a [char]) -> impl Iterator<Item = usize> + 'a {
    let mut escaped = false;
    text.char_indices().filter_map(move |(at, c)| {
        let plain = !std::mem::take(&mut escaped);
        escaped = plain && c == '\\';
        (plain && wanted.contains(&c)).then_some(at)
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Reads `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, in UTC.
fn time(digits: &str) -> Option<Timestamp> {
    if !matches!(digits.len(), 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let second = if digits.len() == 14 { part(12, 14)? } else { 0 };
    let year = digits.get(..4)?.parse().ok()?;
    let civil = DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, second, 0).ok()?;
    Offset::UTC.to_timestamp(civil).ok()
}
