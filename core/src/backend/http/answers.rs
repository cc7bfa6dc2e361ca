//! Reads the gateway's answer: whether it accepted the message, refused it for good, or may accept it later.

use std::ops::RangeInclusive;

use regex::Regex;

use super::path::{Node, Path, without_lone_surrogates};
use super::payload::{Value, value};
use crate::backend::words::{answer_was_lost, described};
use crate::backend::{Fetched, SendOutcome};
use crate::settings::Fields;

/// The default for the statuses which mean that the gateway accepted the message.
const EXPECTED: RangeInclusive<i64> = 200..=299;

/// The longest id of a gateway that the history shows.
const LONGEST_ID: usize = 64;

/// The meaning of the gateway's answers.
#[derive(Debug)]
pub(super) struct Answers {
    expected: Vec<i64>,
    accepted: Option<Rule>,
    refused: Option<Rule>,
    repeat: Option<Rule>,
    id: Option<Path>,
}

/// A condition on the body of an answer.
#[derive(Debug)]
struct Rule {
    /// The place of the value in JSON; without it, the whole body is the value.
    path: Option<Path>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Equals(Vec<String>),
    Matches(Regex),
}

/// The result of a rule for a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Every value fits the rule.
    Yes,
    /// Some values fit the rule.
    Partly,
    /// The value is there, and it does not fit the rule.
    No,
    /// The body does not have the value.
    Nothing,
}

impl Answers {
    /// Reads `expected_statuses`, `accepted_when`, `refused_when`, `repeat_when` and `accepted_id`.
    pub(super) fn from_fields(fields: &mut Fields<'_>) -> Self {
        let expected = fields.numbers("expected_statuses", 100..=599).unwrap_or_else(|| EXPECTED.collect());
        let id = fields.text("accepted_id").map(|written| Path::read(&written));
        let id = id.and_then(|path| path.map_err(|problem| fields.fault("accepted_id", problem)).ok());
        let [accepted, refused, repeat] =
            ["accepted_when", "refused_when", "repeat_when"].map(|key| Rule::from_fields(fields, key));
        Self { expected, accepted, refused, repeat, id }
    }

    /// Returns what became of the message.
    pub(super) fn read(&self, answer: &Fetched) -> SendOutcome {
        let Fetched { status, body } = answer;
        let status = *status;
        let detail = described(status, body);
        let text = text(body);
        let says = |rule: &Option<Rule>| rule.as_ref().map_or(Said::Nothing, |rule| rule.says(&text));
        if matches!(says(&self.refused), Said::Yes | Said::Partly) {
            return SendOutcome::Refused { detail };
        }
        // If only a part of the message must be repeated, another attempt would send the other parts again.
        if says(&self.repeat) == Said::Yes {
            return SendOutcome::Deferred { detail };
        }
        match status {
            _ if self.expected.contains(&i64::from(status)) => {
                match self.accepted.as_ref().map(|rule| (rule.says(&text), rule.path.is_some())) {
                    None | Some((Said::Yes, _)) => {
                        SendOutcome::Accepted { detail: self.with_id(detail, &text) }
                    }
                    Some((Said::Partly, _) | (Said::No, true)) => SendOutcome::Refused { detail },
                    // Perhaps another server answered in the place of the gateway.
                    Some((Said::No | Said::Nothing, _)) => SendOutcome::Deferred { detail },
                }
            }
            // An operator can correct the first three; time can solve the others.
            401 | 403 | 404 | 408 | 425 | 429 => SendOutcome::Deferred { detail },
            400..=499 => SendOutcome::Refused { detail },
            _ if answer_was_lost(status) => SendOutcome::Uncertain { detail },
            _ => SendOutcome::Deferred { detail },
        }
    }

    /// Adds the gateway's own id of the message to the detail, unless it looks like something else.
    fn with_id(&self, detail: String, text: &str) -> String {
        let Some(path) = &self.id else { return detail };
        let id = values(path, text).into_iter().next().unwrap_or_default();
        let is_id = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(is_id) {
            return detail;
        }
        format!("{detail}, id {id}")
    }
}

impl Rule {
    fn from_fields(fields: &mut Fields<'_>, key: &str) -> Option<Self> {
        if !fields.is_given(key) {
            let _ = fields.table(key);
            return None;
        }
        if !fields.is_table(key) {
            fields.fault(key, "must be a table such as { path = \"messages.0.status\", equals = \"0\" }");
            let _ = fields.take(key);
            return None;
        }
        let mut table = fields.table(key);
        let path = table.text("path").map(|written| Path::read(&written));
        let path = path.and_then(|path| path.map_err(|problem| table.fault("path", problem)).ok());
        let equals = table.scalars("equals");
        let matches = table.text("matches").map(|pattern| Regex::new(&pattern));
        let matches = matches.and_then(|pattern| {
            pattern.map_err(|_| table.fault("matches", "is not a regular expression")).ok()
        });
        let test = match (equals, matches) {
            (Some(equals), None) => Some(Test::Equals(equals)),
            (None, Some(pattern)) => Some(Test::Matches(pattern)),
            (Some(_), Some(_)) => {
                table.fault("equals", "cannot stand beside matches: remove one of them");
                None
            }
            (None, None) => {
                if !table.is_faulty() {
                    table.fault("equals", "is missing: write equals or matches");
                }
                None
            }
        };
        fields.absorb(table);
        Some(Self { path, test: test? })
    }

    fn says(&self, body: &str) -> Said {
        let values = match &self.path {
            None => vec![body.trim().to_owned()],
            Some(path) => values(path, body),
        };
        let fits = values.iter().filter(|value| self.test.fits(value)).count();
        match fits {
            _ if values.is_empty() => Said::Nothing,
            0 => Said::No,
            _ if fits == values.len() => Said::Yes,
            _ => Said::Partly,
        }
    }
}

impl Test {
    fn fits(&self, value: &str) -> bool {
        match self {
            Self::Equals(known) => known.iter().any(|known| known == value),
            Self::Matches(pattern) => pattern.is_match(value),
        }
    }
}

/// Returns a body as text without a byte order mark.
fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).into_owned()
}

/// Returns the values to which a path leads in JSON, as texts.
fn values(path: &Path, body: &str) -> Vec<String> {
    let body = without_lone_surrogates(body);
    let Ok(root) = Node::read(&body) else { return Vec::new() };
    let text = |node: Node<'_>| match value(node) {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Number(written) => Some(written.to_owned()),
        Value::Other(written) if matches!(written, "true" | "false") => Some(written.to_owned()),
        Value::Null | Value::Other(_) => None,
    };
    path.all(root).into_iter().filter_map(text).collect()
}
