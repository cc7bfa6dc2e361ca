//! Values, unquoted as Kannel unquotes them.

/// The reason why a value is not what its writer meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfinished;

/// Removes the quotes, and the backslashes before `"` and `\` between the quotes. If a value has a quote at one end
/// only, the value stays as it is, with the quote.
pub(super) fn unquoted(value: &str) -> (String, Option<Unfinished>) {
    let value = value.trim_matches(is_blank);
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        let unfinished = value.starts_with('"') || value.ends_with('"');
        return (value.to_owned(), unfinished.then_some(Unfinished));
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | '"')) => text.push(escaped),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    (text, None)
}

/// Returns whether C's `isspace` counts the character as white space.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_quotes() {
        let table = [
            ("x", "x", None),
            (" \"a b\" ", "a b", None),
            (r#""say \"hi\" \\ \n""#, r#"say "hi" \ \n"#, None),
            ("\"\"", "", None),
            ("\"a", "\"a", Some(Unfinished)),
            ("a\"", "a\"", Some(Unfinished)),
            ("\"", "\"", Some(Unfinished)),
            ("\"a\" # mine", "\"a\" # mine", Some(Unfinished)),
        ];
        for (given, expected, problem) in table {
            assert_eq!(unquoted(given), (expected.to_owned(), problem), "{given}");
        }
    }
}
