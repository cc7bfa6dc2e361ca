//! Escapes: any text on one line, and back.

use std::fmt::Write as _;

/// The blanks that do not count at the ends of texts.
pub(super) const BLANKS: [char; 2] = [' ', '\t'];

/// A backslash without a meaning, and its place, counted in characters from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadEscape {
    pub(super) at: usize,
    pub(super) written: String,
}

/// Returns the text that `written` stands for.
pub(super) fn read(written: &str) -> Result<String, BadEscape> {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at..];
        let (character, length) = one(escape).map_err(|length| BadEscape {
            at: written[..written.len() - escape.len()].chars().count(),
            written: escape.chars().take(length).collect(),
        })?;
        text.push(character);
        rest = &escape[length..];
    }
    text.push_str(rest);
    Ok(text)
}

/// Returns the character that an escape stands for, and the escape's length in bytes. On failure, it returns how many
/// characters of the escape to show.
fn one(escape: &str) -> Result<(char, usize), usize> {
    let Some(kind) = escape.chars().nth(1) else { return Err(1) };
    let character = match kind {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        's' => ' ',
        'u' => {
            let braces = escape.strip_prefix("\\u{").and_then(|rest| rest.split_once('}'));
            let digits = braces.map(|(digits, _)| digits).filter(|digits| (1..=6).contains(&digits.len()));
            let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let character = number.and_then(char::from_u32).ok_or(2_usize)?;
            return Ok((character, digits.unwrap_or_default().len() + "\\u{}".len()));
        }
        punctuation if punctuation.is_ascii_punctuation() => punctuation,
        _ => return Err(2),
    };
    Ok((character, 1 + kind.len_utf8()))
}

/// Writes a text on one line, with every character visible.
pub(super) fn text(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let inner = text.trim_matches(' ');
    let leading = text.len() - text.trim_start_matches(' ').len();
    written.extend(std::iter::repeat_n("\\s", leading));
    for c in inner.chars() {
        push(&mut written, c);
    }
    if !inner.is_empty() {
        let trailing = text.len() - text.trim_end_matches(' ').len();
        written.extend(std::iter::repeat_n("\\s", trailing));
    }
    written
}

/// Writes a number as it stands before the sign `<` or `>`.
pub(super) fn number(number: &str) -> String {
    let mut written = String::with_capacity(number.len());
    for (at, c) in text(number).chars().enumerate() {
        if matches!(c, '<' | '>' | '@') || at == 0 && matches!(c, '#' | '[' | '|') {
            written.push('\\');
        }
        written.push(c);
    }
    written
}

fn push(written: &mut String, c: char) {
    match c {
        '\\' => written.push_str("\\\\"),
        '\n' => written.push_str("\\n"),
        '\r' => written.push_str("\\r"),
        '\t' => written.push_str("\\t"),
        _ if is_invisible(c) => {
            let _ = write!(written, "\\u{{{:x}}}", u32::from(c));
        }
        _ => written.push(c),
    }
}

/// Returns whether nobody would see the character in a failure.
fn is_invisible(c: char) -> bool {
    let formats = ['\u{ad}', '\u{61c}', '\u{feff}', '\u{200b}', '\u{2060}'];
    c.is_control()
        || c.is_whitespace() && c != ' '
        || formats.contains(&c)
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
