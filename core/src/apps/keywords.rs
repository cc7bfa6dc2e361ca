//! Keywords: the rules for a message that begins with a word, such as `register Asha`, `reg, Asha` or `REG: Asha`.

/// One or more words. A message matches if it begins with any of them.
///
/// A word matches only as a whole word, in upper or lower case, and after any white space. The word ends at the end of
/// the message, before white space, or before a comma, a semicolon or a colon. The characters `.`, `!` and `?` also end
/// the word if white space or nothing follows them. The same marks of the Arabic, Ethiopic and full-width scripts count
/// too. If several words match, the longest word wins.
///
/// ```
/// use threadless::apps::Keywords;
/// let join = Keywords::new("join|reg|register");
/// assert_eq!(join.rest_of("Register: Asha"), Some("Asha"));
/// assert_eq!(join.rest_of(" reg,"), Some(""));
/// assert_eq!(join.rest_of("joining us"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keywords(Vec<String>);

impl Keywords {
    /// Reads the words from `words`, where `|` separates them. An empty word matches nothing. One "word" may consist of
    /// several words: `"stock out"`.
    pub fn new(words: &str) -> Self {
        let words = words.split('|').map(|word| word.trim().chars().flat_map(folded).collect::<String>());
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// Returns the rest of the text after the keyword and its separator. Returns `None` if the text does not begin with
    /// one of the words.
    pub fn rest_of<'t>(&self, text: &'t str) -> Option<&'t str> {
        let text = text.trim_start();
        let rests = self.0.iter().filter_map(|word| behind(text, word));
        rests.min_by_key(|rest| rest.len()).map(without_separator)
    }

    /// Returns whether the list has no words.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the character without its case. The way through the capital letter makes ς equal σ, ı equal i, and ß equal
/// ss.
fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

/// Returns the rest of `text` after `word` (case does not matter), if the word ends there.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    let mut wanted = word.chars();
    while !wanted.as_str().is_empty() {
        for lower in folded(rest.next()?) {
            if wanted.next() != Some(lower) {
                return None;
            }
        }
    }
    let rest = rest.as_str();
    ends_here(rest).then_some(rest)
}

/// Returns whether a word ends before `rest`.
fn ends_here(rest: &str) -> bool {
    let mut rest = rest.chars();
    match rest.next() {
        None => true,
        Some(c) if is_stop(c) => rest.next().is_none_or(char::is_whitespace),
        Some(c) => c.is_whitespace() || is_separator(c),
    }
}

/// Removes a separator such as `: `, `,` or ` ; `. It keeps a text that only looks like a separator: `echo :)` answers
/// `:)`.
fn without_separator(rest: &str) -> &str {
    let rest = rest.strip_prefix(|c| is_separator(c) || is_stop(c)).unwrap_or(rest).trim_start();
    match rest.strip_prefix(is_separator) {
        Some(more) if more.is_empty() || more.starts_with(char::is_whitespace) => more.trim_start(),
        _ => rest,
    }
}

/// Returns whether the character can separate a keyword from the rest.
fn is_separator(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '،' | '؛' | '፡' | '፣' | '፤' | '፥' | '，' | '；' | '：')
}

/// Returns whether the character ends a sentence.
fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '؟' | '።' | '。' | '！' | '？')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_a_whole_word_and_leaves_the_rest() {
        let words = Keywords::new("reg|register|in a|ስም|Été|сообщи|σίσυφος|kayıt|groß||");
        let table = [
            ("reg", Some("")),
            ("REG ", Some("")),
            ("reg,", Some("")),
            ("reg:", Some("")),
            ("reg;x", Some("x")),
            ("reg , x", Some("x")),
            ("\tReg  x  y ", Some("x  y ")),
            ("reg :)", Some(":)")),
            ("register x", Some("x")),
            ("registerx", None),
            ("reg.x", None),
            ("Reg!", Some("")),
            ("reg. x", Some("x")),
            ("reg ...", Some("...")),
            ("reg?!", None),
            ("regs x", None),
            ("in a b", Some("b")),
            ("in ab", None),
            ("ስም አበበ", Some("አበበ")),
            ("ስም፡አበበ", Some("አበበ")),
            ("ስም።", Some("")),
            ("ስምንት", None),
            ("ÉTÉ, 2026", Some("2026")),
            ("СООБЩИ 5", Some("5")),
            ("ΣΊΣΥΦΟΣ Α", Some("Α")),
            ("KAYIT: Ayşe", Some("Ayşe")),
            ("GROSS 1", Some("1")),
            ("Große", None),
            ("", None),
            ("  ", None),
        ];
        for (text, rest) in table {
            assert_eq!(words.rest_of(text), rest, "{text:?}");
        }
    }

    #[test]
    fn the_longest_of_several_words_counts_wherever_it_stands() {
        for words in ["stock|stock out", "stock out|stock"] {
            assert_eq!(Keywords::new(words).rest_of("STOCK OUT: zinc"), Some("zinc"), "{words}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_texted_the_rest_is_its_end(text in ".*", word in "[a-zA-ZéÉሀስİßﬁ ]{1,4}") {
            let words = Keywords::new(&word);
            for text in [text.clone(), format!("{word}{text}"), format!(" {}: {text}", word.to_uppercase())] {
                if let Some(rest) = words.rest_of(&text) {
                    assert!(text.ends_with(rest), "{text:?} {rest:?}");
                }
            }
        }
    }

    #[test]
    fn no_word_begins_no_message() {
        assert!(Keywords::new(" | ").is_empty());
        assert_eq!(Keywords::new("").rest_of(""), None);
    }
}
