//! Keywords: the rules for a message that begins with a word, such as `register Asha`, `reg, Asha` or `REG: Asha`.

use crate::text::matching::{Normal, Pieces, is_same, is_separator, is_stop};

/// One or more words. A message matches if it begins with any of them.
///
/// A word matches only as a whole word. Both are compared in the [normal form](crate::text::matching): case does not
/// count, nor do characters that nobody sees. The word ends at the end of the message, before white space, or before a
/// comma, a semicolon or a colon. The characters `.`, `!` and `?` also end the word if nothing, white space or a
/// separator follows them. The same marks of other scripts count too. If several words match, the longest word wins.
///
/// The rest of the message begins after the separators: `stock;,:,:12` and `stock , 12` leave `12`. A text that only
/// looks like a separator belongs to the rest: `echo :)` leaves `:)`. The rest is as the sender wrote it.
///
/// ```
/// use threadless::apps::Keywords;
/// let join = Keywords::new("join|reg|register");
/// assert_eq!(join.rest_of("Register: Asha"), Some("Asha"));
/// assert_eq!(join.rest_of("\u{200f}reg,"), Some(""));
/// assert_eq!(join.rest_of("joining us"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keywords(Vec<String>);

impl Keywords {
    /// Reads the words from `words`, where `|` separates them. An empty word matches nothing. One "word" may consist of
    /// several words: `"stock out"`.
    pub fn new(words: &str) -> Self {
        let words = words.split('|').map(|word| Normal::of(word).into_form().replace('\n', " "));
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// Returns the rest of the text after the keyword and its separator. Returns `None` if the text does not begin with
    /// one of the words.
    pub fn rest_of<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut start = Pieces::of(text);
        start.skip_space();
        let rests = self.0.iter().filter_map(|word| behind(start.clone(), word));
        rests.min_by_key(|rest| rest.len())
    }

    /// Returns whether the text is one of the words and nothing else, apart from marks before and after it.
    ///
    /// ```
    /// # use threadless::apps::Keywords;
    /// let cancel = Keywords::new("cancel|fin");
    /// assert!(cancel.is_all_of("“Fin”!") && !cancel.is_all_of("cancel it") && !cancel.is_all_of("?"));
    /// ```
    pub fn is_all_of(&self, text: &str) -> bool {
        self.rest_of(text) == Some("") || self.0.iter().any(|word| is_same(word, text))
    }

    /// Returns whether the list has no words.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the rest of a text after `word` and its separators, if the text begins with the word and the word ends
/// there.
fn behind<'t>(mut text: Pieces<'t>, word: &str) -> Option<&'t str> {
    let mut wanted = word.chars();
    while !wanted.as_str().is_empty() {
        for c in text.next()?.chars() {
            if wanted.next() != Some(if c == '\n' { ' ' } else { c }) {
                return None;
            }
        }
    }
    without_separators(text)
}

/// Returns the rest without the separators before it, or `None` if the word does not end before this rest.
fn without_separators(mut text: Pieces<'_>) -> Option<&str> {
    let mut at_end = text.clone();
    if skip_while(&mut at_end, is_stop) && (ends(&at_end) || begins_with(&at_end, is_separator)) {
        text = at_end;
    }
    let is_separated = skip_while(&mut text, is_separator);
    if !is_separated && !ends(&text) {
        return None;
    }
    loop {
        text.skip_space();
        let mut behind = text.clone();
        if !skip_while(&mut behind, is_separator) || !is_only_separator(&text, &behind) {
            return Some(text.rest());
        }
        text = behind;
    }
}

/// Returns whether the separators between two places are only separators. Before a word they may be a smiley: `:)`,
/// `:D`, `;-)`. A comma is no smiley.
fn is_only_separator(from: &Pieces<'_>, to: &Pieces<'_>) -> bool {
    let mut word = to.clone();
    let length = std::iter::from_fn(|| word.next().filter(|piece| piece.all(char::is_alphanumeric))).count();
    let marks = from.rest().len() - to.rest().len();
    let first = from.clone().next();
    let is_comma = first.is_some_and(|piece| !piece.all(|c| matches!(c, ':' | ';')));
    ends(to) || (length > 0 && (is_comma || marks > 1 || length > 1))
}

/// Skips all pieces that consist of such characters. Returns whether there are any.
fn skip_while(text: &mut Pieces<'_>, holds: fn(char) -> bool) -> bool {
    let mut found = false;
    while begins_with(text, holds) {
        text.next();
        found = true;
    }
    found
}

/// Returns whether the text begins with such a character.
fn begins_with(text: &Pieces<'_>, holds: fn(char) -> bool) -> bool {
    text.clone().next().is_some_and(|piece| piece.all(holds))
}

/// Returns whether nothing or white space follows.
fn ends(text: &Pieces<'_>) -> bool {
    text.clone().next().is_none_or(|piece| piece.is_space())
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
            ("reg?!", Some("")),
            ("reg!!! x", Some("x")),
            ("reg… x", Some("x")),
            ("reg.: x", Some("x")),
            ("reg?, x", Some("x")),
            ("reg.5", None),
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
    fn separators_go_and_what_only_looks_like_one_stays() {
        let words = Keywords::new("stock|echo");
        let table = [
            ("stock;,:,:12", "12"),
            ("echo,,12", "12"),
            ("stock , 12", "12"),
            ("stock ,12", "12"),
            ("stock :12", "12"),
            ("stock, ;12", "12"),
            ("stock : : 12", "12"),
            ("stock：，12", "12"),
            ("stock、12", "12"),
            ("stock፤ 12", "12"),
            ("stock،؛12", "12"),
            ("stock ;", ""),
            ("stock,;:", ""),
            ("stock:-12", "-12"),
            ("echo :)", ":)"),
            ("echo, :)", ":)"),
            ("echo: ;-)", ";-)"),
            ("echo ;)", ";)"),
            ("echo :D", ":D"),
            ("echo :3 ok", ":3 ok"),
            ("echo ...", "..."),
            ("echo:...", "..."),
            ("echo ?!", "?!"),
            ("echo -", "-"),
        ];
        for (text, rest) in table {
            assert_eq!(words.rest_of(text), Some(rest), "{text:?}");
        }
    }

    #[test]
    fn a_keyword_is_found_however_it_is_typed() {
        let table = [
            // Characters that nobody sees.
            ("ping", "\u{200f}ping", Some("")),
            ("ping", "pi\u{200c}ng", Some("")),
            ("ping", "\u{feff} ping \u{200f}", Some("")),
            ("ping", "pi\u{ad}ng: 5", Some("5")),
            ("ping", "\u{2068}ping\u{2069} 5", Some("5")),
            ("ping", "p\u{1}ing\u{fe0f}\u{200b} 5", Some("5")),
            ("ping", "\0p\0i\0n\0g", None),
            ("pi\u{200d}ng", "ping", Some("")),
            ("ping", "\u{200b}", None),
            // Composition and compatibility.
            ("arrêt", "ARRE\u{302}T", Some("")),
            ("arre\u{302}t", "Arrêt", Some("")),
            ("ping", "ｐｉｎｇ　５", Some("５")),
            ("fin", "ﬁn", Some("")),
            ("f", "ﬁ", None),
            ("reg", "regß", None),
            ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8} 1", Some("1")),
            ("ガ", "ｶﾞ 1", Some("1")),
            // Case.
            ("iptal", "İPTAL", Some("")),
            ("İPTAL", "iptal", Some("")),
            ("IPTAL", "ıptal", Some("")),
            ("schließen", "SCHLIESSEN 1", Some("1")),
            ("SCHLIESSEN", "schlieẞen 1", Some("1")),
            ("οδος", "ΟΔΟΣ", Some("")),
            ("ΟΔΟΣ", "οδος", Some("")),
            ("ΟΔΟΣ", "οδός", None),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ", Some("")),
            // Digits, quotes, dashes and white space.
            ("1", "١", Some("")),
            ("sector 5", "Sector  ५", Some("")),
            ("d'accord", "D’accord!", Some("")),
            ("opt-out", "opt–out", Some("")),
            ("stock out", "stock\u{a0}out 3", Some("3")),
            ("stock  out", "stock\nout 3", Some("3")),
        ];
        for (word, text, rest) in table {
            assert_eq!(Keywords::new(word).rest_of(text), rest, "{word:?} {text:?}");
        }
    }

    #[test]
    fn the_rest_is_as_it_was_written() {
        let table = [
            ("echo \u{200f}سلام\u{200f}", "\u{200f}سلام\u{200f}"),
            ("echo\u{200f} a\u{200d}b", "a\u{200d}b"),
            ("ECHO, CAFE\u{301}  ｘ ß ३", "CAFE\u{301}  ｘ ß ३"),
            ("echo \u{2068}Abel\u{2069}.", "\u{2068}Abel\u{2069}."),
            ("echo 👩\u{200d}💻", "👩\u{200d}💻"),
        ];
        for (text, rest) in table {
            assert_eq!(Keywords::new("echo").rest_of(text), Some(rest), "{text:?}");
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
