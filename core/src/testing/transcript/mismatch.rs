//! The report of a failed transcript, for a person to read.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};

use jiff::Timestamp;

use super::turn::{Said, StageError, Turn};
use super::{Act, Line, Transcript, escape};
use crate::model::message::{BackendName, ConnectionId};

/// The result of a turn.
#[derive(Default)]
pub(super) struct Went {
    /// The replies that came before the clock had reached the time of the turn, each with its time.
    pub(super) early: Vec<(Timestamp, Said)>,
    /// The replies that came in the turn.
    pub(super) said: VecDeque<Said>,
    /// The failure of the stage, if it could not do a step.
    pub(super) problem: Option<StageError>,
}

/// The place and the reason of a failed transcript. Its `Display` shows the transcript with the place marked, the
/// expected replies beside the replies that came, and the lines that were not played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The name of the transcript.
    pub name: String,
    /// The line that failed, counted from 1. For a reply that is not in the transcript, it is the last line of the
    /// turn.
    pub line: usize,
    /// The problem, in one sentence.
    pub problem: String,
    shown: String,
}

/// One reply, expected or not.
struct Row<'a> {
    /// The step that expects the reply.
    step: Option<usize>,
    expected: Option<(ConnectionId, &'a str)>,
    actual: Option<&'a Said>,
    when: Option<Timestamp>,
}

impl Row<'_> {
    fn holds(&self) -> bool {
        let same = |expected: &(ConnectionId, &str), actual: &Said| {
            expected.0 == actual.to && expected.1 == actual.text
        };
        self.when.is_none()
            && matches!((&self.expected, self.actual), (Some(expected), Some(actual)) if same(expected, actual))
    }
}

impl Mismatch {
    /// Returns the mismatch of a turn, or `None` if the turn went as written.
    pub(super) fn of(
        transcript: &Transcript,
        turn: &Turn,
        went: &Went,
        default: &BackendName,
        normal: &dyn Fn(ConnectionId) -> ConnectionId,
    ) -> Option<Self> {
        if let Some(problem) = &went.problem {
            return Some(Self::of_stage(transcript, turn, problem));
        }
        let rows = rows(transcript, turn, went, &|line| normal(line.connection(default)));
        // A line that failed says more than an additional reply. So the failed line comes first.
        let first =
            rows.iter().filter(|row| !row.holds()).min_by_key(|row| row.step.unwrap_or(usize::MAX))?;
        let last = turn.replies.last().copied().or(turn.opening);
        let at = first.step.or(last);
        let (line, last_line) = at.map_or((1, 1), |at| {
            let step = &transcript.steps[at];
            (step.line, step.last_line)
        });
        let problem = problem(first, &rows);
        let mut shown = excerpt(transcript, turn, line, last_line, first.step.is_some());
        table(&mut shown, &rows, default);
        left(&mut shown, transcript, turn);
        Some(Self { name: transcript.name.clone(), line, problem, shown })
    }

    /// Makes a mismatch from the failure of a stage.
    fn of_stage(transcript: &Transcript, turn: &Turn, problem: &StageError) -> Self {
        let step = turn.opening.map(|at| &transcript.steps[at]);
        let (line, last_line) = step.map_or((1, 1), |step| (step.line, step.last_line));
        let mut shown = excerpt(transcript, turn, line, last_line, true);
        left(&mut shown, transcript, turn);
        Self { name: transcript.name.clone(), line, problem: problem.to_string(), shown }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n{}", self.name, self.line, self.problem, self.shown.trim_end())
    }
}

impl std::error::Error for Mismatch {}

/// Pairs the expected replies with the actual replies, one connection at a time and in order. For each connection, it
/// first pairs the replies that are equal at the beginning and at the end, and then the replies between them.
///
/// `to` returns the connection of a line, as a reply names it.
fn rows<'a>(
    transcript: &'a Transcript,
    turn: &Turn,
    went: &'a Went,
    to: &dyn Fn(&Line) -> ConnectionId,
) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (when, said) in &went.early {
        rows.push(Row { step: None, expected: None, actual: Some(said), when: Some(*when) });
    }
    let mut expected = Vec::new();
    for at in &turn.replies {
        if let Act::Hears(line) = &transcript.steps[*at].act {
            expected.push((*at, to(line), line.text.as_str()));
        }
    }
    let mut connections: Vec<&ConnectionId> = Vec::new();
    for to in expected.iter().map(|(_, to, _)| to).chain(went.said.iter().map(|said| &said.to)) {
        if !connections.contains(&to) {
            connections.push(to);
        }
    }
    let mut found = Vec::new();
    for connection in connections {
        let wanted: Vec<_> = expected.iter().filter(|(_, to, _)| to == connection).collect();
        let came: Vec<_> = went.said.iter().filter(|said| said.to == *connection).collect();
        let equal = |at: usize, of: usize| wanted[at].2 == came[of].text;
        let shorter = wanted.len().min(came.len());
        let head = (0..shorter).take_while(|at| equal(*at, *at)).count();
        let tail = (1..=shorter - head).take_while(|at| equal(wanted.len() - at, came.len() - at)).count();
        let (middle_wanted, middle_came) = (wanted.len() - head - tail, came.len() - head - tail);
        let mut pair = |want: Option<usize>, came_at: Option<usize>| {
            let expected = want.map(|at| wanted[at]);
            found.push(Row {
                step: expected.map(|(at, ..)| *at),
                expected: expected.map(|(_, to, text)| (to.clone(), *text)),
                actual: came_at.map(|at| came[at]),
                when: None,
            });
        };
        (0..head).for_each(|at| pair(Some(at), Some(at)));
        for at in 0..middle_wanted.max(middle_came) {
            let place = |count| (at < count).then_some(head + at);
            pair(place(middle_wanted), place(middle_came));
        }
        (1..=tail).rev().for_each(|at| pair(Some(wanted.len() - at), Some(came.len() - at)));
    }
    // Sort by the order of the lines. A reply that has no line follows the last line of its connection.
    let mut place = 0;
    let mut placed: Vec<(usize, Row<'_>)> = Vec::new();
    for row in found {
        place = row.step.unwrap_or(place);
        placed.push((place, row));
    }
    placed.sort_by_key(|(place, _)| *place);
    rows.extend(placed.into_iter().map(|(_, row)| row));
    rows
}

fn problem(first: &Row<'_>, rows: &[Row<'_>]) -> String {
    if let Some(when) = rows.iter().find_map(|row| row.when) {
        return format!("a reply came at {when}, before its time");
    }
    match (&first.expected, first.actual) {
        (Some(_), Some(_)) if is_shuffled(rows) => "the replies came in another order".to_owned(),
        (Some(_), Some(_)) => "another reply came".to_owned(),
        (Some(_), None) => "this reply did not come".to_owned(),
        (None, _) => "a reply came that is not in the transcript".to_owned(),
    }
}

/// Returns whether the actual replies are the expected ones in another order.
fn is_shuffled(rows: &[Row<'_>]) -> bool {
    let mut expected: Vec<_> =
        rows.iter().filter_map(|row| row.expected.as_ref().map(|(to, text)| (to, *text))).collect();
    let mut actual: Vec<_> =
        rows.iter().filter_map(|row| row.actual.map(|said| (&said.to, said.text.as_str()))).collect();
    expected.sort_unstable();
    actual.sort_unstable();
    expected == actual
}

/// Returns the lines around the failed place, with a mark below the failed line.
fn excerpt(transcript: &Transcript, turn: &Turn, line: usize, last_line: usize, is_its_text: bool) -> String {
    const AROUND: usize = 2;
    let opening = turn.opening.map_or(line, |at| transcript.steps[at].line);
    let from = opening.min(line).saturating_sub(AROUND).max(1);
    let mut shown = String::new();
    for (at, text) in transcript.source.lines().enumerate() {
        let number = at + 1;
        // In a long turn, show only the first lines and the lines around the failed place.
        let hidden = number > opening + AROUND && number + AROUND < line;
        if number < from || number > last_line + AROUND || hidden {
            if hidden && number == opening + AROUND + 1 {
                shown.push_str("      ⋮\n");
            }
            continue;
        }
        let mark = if (line..=last_line).contains(&number) { '→' } else { ' ' };
        let _ = writeln!(shown, "{}", format!("{mark}{number:>4} | {text}").trim_end());
        if number == last_line {
            let start = text.find(|c| !escape::BLANKS.contains(&c)).unwrap_or(0);
            let indent: String = text[..start].chars().collect();
            let mark = if is_its_text {
                "^".repeat(text.trim().chars().count().max(1))
            } else {
                "^ below this line".to_owned()
            };
            let _ = writeln!(shown, "      | {indent}{mark}");
        }
    }
    shown
}

/// Writes all expected replies of the turn beside all replies that came.
fn table(shown: &mut String, rows: &[Row<'_>], default: &BackendName) {
    /// The widest column of the table. Wider columns would not fit a terminal, so each reply then goes below the other.
    const WIDEST: usize = 60;
    let written = |to: &ConnectionId, text: &str| {
        let backend = if to.backend == *default { String::new() } else { format!("[{}] ", to.backend) };
        format!("{backend}{} < {}", escape::number(to.identity.as_str()), escape::text(text))
            .trim_end()
            .to_owned()
    };
    let cells: Vec<(String, String, char)> = rows
        .iter()
        .map(|row| {
            let expected = row.expected.as_ref().map(|(to, text)| written(to, text));
            let actual = row.actual.map(|said| {
                let when = row.when.map(|when| format!("  (at {when})")).unwrap_or_default();
                written(&said.to, &said.text) + &when
            });
            let mark = match (&expected, &actual) {
                _ if row.holds() => ' ',
                (Some(_), Some(_)) => '≠',
                (Some(_), None) => '-',
                _ => '+',
            };
            (expected.unwrap_or_default(), actual.unwrap_or_default(), mark)
        })
        .collect();
    let width = cells.iter().map(|(expected, ..)| expected.chars().count()).max().unwrap_or(0).max(20);
    shown.push('\n');
    if width <= WIDEST {
        let _ = writeln!(shown, "  {:<width$}   actual", "expected");
    }
    for (expected, actual, mark) in cells {
        let apart = differs_at(&expected, &actual).filter(|_| mark == '≠');
        if width <= WIDEST {
            let _ = writeln!(shown, "{}", format!("{mark} {expected:<width$}   {actual}").trim_end());
            if let Some(at) = apart {
                let _ = writeln!(shown, "  {:at$}^{:gap$}^", "", "", gap = width + 2);
            }
        } else {
            let _ = writeln!(shown, "{}", format!("{mark} expected  {expected}").trim_end());
            let _ = writeln!(shown, "{}", format!("    actual  {actual}").trim_end());
            if let Some(at) = apart {
                let _ = writeln!(shown, "            {:at$}^", "");
            }
        }
    }
}

/// Returns the place of the first character in which two lines differ.
fn differs_at(one: &str, other: &str) -> Option<usize> {
    let (mut one, mut other) = (one.chars(), other.chars());
    let mut at = 0;
    loop {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (a, b) if a != b => return Some(at),
            _ => at += 1,
        }
    }
}

/// Writes which lines were not played.
fn left(shown: &mut String, transcript: &Transcript, turn: &Turn) {
    let last = turn.replies.last().copied().or(turn.opening);
    let rest = transcript.steps.get(last.map_or(0, |at| at + 1)..).unwrap_or_default();
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return };
    let _ = match rest.len() {
        1 => writeln!(shown, "\nnot played: line {}", first.line),
        count => writeln!(shown, "\nnot played: lines {} to {}, {count} of them", first.line, last.last_line),
    };
}
