//! The placeholders in a text for values: `%(name)s`.

/// One piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Text that stands for itself.
    Text(&'t str),
    /// The placeholder for a value. The first part is the name of the value, the second is the placeholder as it is written.
    Placeholder(&'t str, &'t str),
}

/// Splits a text into pieces. `%%` stands for `%`. A `%` that does not begin a placeholder stands for itself.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, length) = first(rest);
        rest = rest.get(length..).unwrap_or_default();
        Some(piece)
    })
}

fn first(text: &str) -> (Piece<'_>, usize) {
    if let Some(name) = text.strip_prefix("%(").and_then(name) {
        // The four other characters are `%(`, `)` and one letter.
        let length = name.len() + 4;
        return (Piece::Placeholder(name, &text[..length]), length);
    }
    if text.starts_with("%%") {
        return (Piece::Text("%"), 2);
    }
    // If the piece begins with a `%` that begins no placeholder, the search for the next `%` starts after it.
    let from = usize::from(text.starts_with('%'));
    let length = text[from..].find('%').map_or(text.len(), |at| from + at);
    (Piece::Text(&text[..length]), length)
}

/// Returns the name, if the text after `%(` continues as a placeholder.
fn name(behind: &str) -> Option<&str> {
    let (name, after) = behind.split_once(')')?;
    (after.starts_with(['s', 'd']) && !name.is_empty()).then_some(name)
}

/// Returns the names of the placeholders in a text.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Placeholder(name, _) => Some(name),
        Piece::Text(_) => None,
    })
}

/// Fills the placeholders of a text once. A value is data, even if it looks like a placeholder. A placeholder without a value stays as it
/// is.
pub(super) fn fill<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    pieces(text).fold(String::with_capacity(text.len() + 16), |mut filled, piece| {
        filled += match piece {
            Piece::Text(text) => text,
            Piece::Placeholder(name, written) => value(name).unwrap_or(written),
        };
        filled
    })
}

/// Checks the texts and arguments of [`tr!`](crate::tr) during the compilation: each placeholder has its argument, and each
/// argument has its placeholder.
///
/// # Panics
/// Panics if a placeholder has no argument or an argument has no placeholder. A panic in a constant ends the compilation.
#[doc(hidden)]
pub const fn check(texts: &[&str], arguments: &[&str]) {
    let mut used = 0_u64;
    let mut nth = 0;
    while nth < texts.len() {
        let text = texts[nth].as_bytes();
        let mut at = 0;
        while at + 1 < text.len() {
            if text[at] == b'%' && text[at + 1] == b'%' {
                at += 2;
                continue;
            }
            if text[at] == b'%' && text[at + 1] == b'(' {
                let mut end = at + 2;
                while end < text.len() && text[end] != b')' {
                    end += 1;
                }
                let closed = end + 1 < text.len() && (text[end + 1] == b's' || text[end + 1] == b'd');
                assert!(closed, "a placeholder must have the form %(name)s");
                let argument = position(text, at + 2, end, arguments);
                assert!(argument < arguments.len(), "this text has a placeholder without an argument");
                used |= 1 << argument;
                at = end;
            }
            at += 1;
        }
        nth += 1;
    }
    assert!(arguments.len() < 64, "a text can have at most 63 arguments");
    assert!(used == (1_u64 << arguments.len()) - 1, "this text has no placeholder for one of the arguments");
}

/// Returns the index of the argument with the name that stands from `from` to `end`, or the number of arguments if none
/// has this name.
const fn position(text: &[u8], from: usize, end: usize, arguments: &[&str]) -> usize {
    let mut nth = 0;
    while nth < arguments.len() {
        let name = arguments[nth].as_bytes();
        let mut same = name.len() == end - from;
        let mut at = 0;
        while same && at < name.len() {
            same = name[at] == text[from + at];
            at += 1;
        }
        if same {
            return nth;
        }
        nth += 1;
    }
    nth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_everything_else_stays() {
        let value = |name: &str| match name {
            "name" => Some("%(other)s 100%% <b>"),
            "n" => Some("7"),
            _ => None,
        };
        let table = [
            ("Hello, %(name)s!", "Hello, %(other)s 100%% <b>!"),
            ("%(n)d of %(n)s", "7 of 7"),
            ("%(unknown)s", "%(unknown)s"),
            ("100% and 50%% and %", "100% and 50% and %"),
            ("%(n)", "%(n)"),
            ("%(n", "%(n"),
            ("%()s", "%()s"),
            ("%%(n)s", "%(n)s"),
            ("ሰላም %(n)s። مرحبا", "ሰላም 7። مرحبا"),
            ("", ""),
        ];
        for (text, filled) in table {
            assert_eq!(fill(text, value), filled, "{text:?}");
        }
    }

    #[test]
    fn an_argument_without_a_placeholder_is_found_and_so_is_a_placeholder_without_an_argument() {
        check(&["%(a)s %(b)d %% 100%"], &["b", "a"]);
        check(&["one", "%(count)s"], &["count"]);
        check(&[""], &[]);
        let wrong: [(&[&str], &[&str]); 4] =
            [(&["%(a)s"], &[]), (&["%(a)s"], &["a", "b"]), (&["%(a"], &["a"]), (&["%(a)x"], &["a"])];
        for (texts, arguments) in wrong {
            assert!(std::panic::catch_unwind(|| check(texts, arguments)).is_err(), "{texts:?} {arguments:?}");
        }
    }
}
