//! The normal form of a text, with the way back to the text.

use std::ops::Range;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::characters::{is_ignored, joins, plain};

/// A part of a text, and its normal form. The parts of a text cover all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    form: Form,
    /// The place in the text at which the piece begins, in bytes.
    pub(crate) from: usize,
    /// The place in the text at which the piece ends, in bytes.
    pub(crate) to: usize,
}

/// The normal form of a piece. Most pieces have one character.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    One(char),
    More(String),
}

impl Piece {
    /// Returns the characters of the normal form.
    pub(crate) fn chars(&self) -> impl Iterator<Item = char> + '_ {
        let (one, more) = match &self.form {
            Form::One(c) => (Some(*c), ""),
            Form::More(text) => (None, text.as_str()),
        };
        one.into_iter().chain(more.chars())
    }

    /// Returns whether the piece is white space.
    pub(crate) fn is_space(&self) -> bool {
        matches!(self.form, Form::One(' ' | '\n'))
    }

    /// Returns whether this holds for each character of the normal form.
    pub(crate) fn all(&self, holds: fn(char) -> bool) -> bool {
        self.chars().all(holds)
    }
}

/// The pieces of a text, one after the other.
///
/// A character that nobody sees belongs to the piece before it. At the beginning of a text and after white space, it
/// belongs to the piece after it.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Pieces<'t> {
    /// Begins at the start of the text.
    pub(crate) fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the part of the text that is still to come.
    pub(crate) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips white space.
    pub(crate) fn skip_space(&mut self) {
        let mut ahead = self.clone();
        while ahead.next().is_some_and(|piece| piece.is_space()) {
            *self = ahead.clone();
        }
    }

    /// Returns the piece that begins at `from` with white space.
    fn space(&self, from: usize) -> Piece {
        let (mut form, mut to) = (' ', self.text.len());
        for (at, c) in self.text[from..].char_indices() {
            if is_line_break(c) {
                form = '\n';
            } else if !c.is_whitespace() && !is_ignored(c) {
                to = from + at;
                break;
            }
        }
        if to < self.text.len() {
            // The characters between the last white space and a word belong to the word.
            to = from + self.text[from..to].trim_end_matches(is_ignored).len();
        }
        Piece { form: Form::One(form), from, to }
    }

    /// Returns the piece that begins at `from`, and whose first visible character begins at `first`.
    fn word(&self, from: usize, first: usize) -> Piece {
        let mut chars = self.text[first..].char_indices().peekable();
        let mut visible = String::new();
        while let Some((at, c)) = chars.next_if(|(at, c)| *at == 0 || is_ignored(*c) || joins(*c)) {
            if at == 0 || !is_ignored(c) {
                visible.push(c);
            }
        }
        let to = chars.next().map_or(self.text.len(), |(at, _)| first + at);
        Piece { form: form(&visible), from, to }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (from, bytes) = (self.at, self.text.as_bytes());
        let piece = match (bytes.get(from)?, bytes.get(from + 1)) {
            // The usual case, which needs no tables.
            (first, None | Some(0..=0x7f)) if first.is_ascii_graphic() => {
                let hidden = bytes.get(from + 1).is_some_and(|next| is_ignored(char::from(*next)));
                if hidden {
                    self.word(from, from)
                } else {
                    let form = Form::One(char::from(first.to_ascii_lowercase()));
                    Piece { form, from, to: from + 1 }
                }
            }
            _ => match self.rest().char_indices().find(|(_, c)| !is_ignored(*c)) {
                Some((at, c)) if !c.is_whitespace() => self.word(from, from + at),
                _ => self.space(from),
            },
        };
        self.at = piece.to;
        Some(piece)
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns the normal form of characters that belong together and that can all be seen.
fn form(visible: &str) -> Form {
    let plain_text: String = visible.chars().map(plain).collect();
    let normal = if plain_text.is_ascii() {
        plain_text.to_ascii_lowercase()
    } else {
        // A second round, because a folded text can have characters that compose.
        folded(&folded(&plain_text))
    };
    let mut chars = normal.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Form::One(c),
        _ => Form::More(normal),
    }
}

#[cfg(test)]
pub(super) fn tests_form(visible: &str) -> String {
    let form = form(visible);
    Piece { form, from: 0, to: 0 }.chars().collect()
}

/// Returns the text in NFKC, without its case, and with plain characters.
fn folded(text: &str) -> String {
    let composing = ComposingNormalizerBorrowed::new_nfkc();
    let mut lower = String::with_capacity(text.len());
    for c in composing.normalize(text).chars().filter(|c| !is_ignored(*c)).flat_map(without_case).map(plain) {
        // The dot of the small letter that belongs to İ.
        if c != '\u{307}' || !lower.ends_with('i') {
            lower.push(c);
        }
    }
    composing.normalize(&lower).into_owned()
}

/// Returns the character without its case. The way through the capital letter makes ς equal σ, ı equal i, and ß equal
/// ss. The way through the small letter first does the same for ẞ.
fn without_case(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// The normal form of a whole text, and the places in the text from which it comes.
#[derive(Clone, Debug)]
pub(crate) struct Normal<'t> {
    text: &'t str,
    form: String,
    /// The place of each piece in the form, and in the text.
    pieces: Vec<(usize, Range<usize>)>,
}

impl<'t> Normal<'t> {
    /// Returns the normal form of the text, without white space around it.
    pub(crate) fn of(text: &'t str) -> Self {
        let (mut form, mut pieces) = (String::with_capacity(text.len()), Vec::with_capacity(text.len()));
        for piece in Pieces::of(super::trimmed(text)) {
            pieces.push((form.len(), piece.from..piece.to));
            form.extend(piece.chars());
        }
        Self { text: super::trimmed(text), form, pieces }
    }

    /// Returns the normal form.
    pub(crate) fn form(&self) -> &str {
        &self.form
    }

    /// Returns the normal form alone.
    pub(crate) fn into_form(self) -> String {
        self.form
    }

    /// Returns the part of the text from which this part of the form comes, as it was written. A character of the text
    /// that the part holds only in part belongs to it.
    pub(crate) fn written(&self, part: Range<usize>) -> &'t str {
        if part.is_empty() {
            return "";
        }
        let piece = |place: usize| {
            let after = self.pieces.partition_point(|(from, _)| *from <= place);
            self.pieces.get(after.checked_sub(1)?).map(|(_, range)| range)
        };
        let ends = piece(part.start).zip(piece(part.end - 1));
        ends.and_then(|(first, last)| self.text.get(first.start..last.end)).unwrap_or_default()
    }
}
