//! The normal form in which texts are compared.
//!
//! People type one word in many ways: with capital letters, with another keyboard, with marks that nobody sees. The
//! normal form of all these texts is the same. Keywords, patterns, the words for STOP and START, the names of languages
//! and of groups, and the answers in conversations are compared in this form. Only the comparison uses it: Threadless
//! stores, echoes and hands on each text as it came.
//!
//! | what | normal form | example |
//! |---|---|---|
//! | characters that nobody sees: format characters, variation selectors, control characters except NUL | left out | `pi`, U+200C, `ng` is `ping` |
//! | compatibility characters, and letters with separate accents | NFKC | `ｐｉｎｇ` is `ping`; `E`, U+0302 is `ê` |
//! | case | full case folding, with one `i` for I, İ, i and ı | `SCHLIESSEN` is `schließen`; `İPTAL` is `iptal` |
//! | digits of all scripts | digits of ASCII | `३` is `3` |
//! | typographic quotes, apostrophes and dashes | the plain ones | `d’accord` is `d'accord` |
//! | white space | one space, or one line break if it has one | |
//! | the Arabic letter that only makes a word longer (U+0640) | left out | |
//!
//! Normalization follows [UAX #15](https://www.unicode.org/reports/tr15/), case folding follows section 3.13 of the
//! Unicode Standard, and the characters that nobody sees are those of category Cf and those with the property
//! `Default_Ignorable_Code_Point`.

// The normalization is that of `icu_normalizer` (Unicode Consortium, licence Unicode-3.0), which the crate `url` brings
// anyway. A program of 1.24 MB with `url` and `regex` grows by 73 KB; with `unicode-normalization`, it grows by 142 KB.
// Case folding needs only the tables of the standard library; `icu_casemap` would add 30 KB.

mod characters;
mod number;
mod pieces;

use icu_normalizer::ComposingNormalizerBorrowed;

use characters::is_format;
pub(crate) use characters::{is_ignored, is_separator, is_stop};
pub use number::number;
pub(crate) use pieces::{Normal, Piece, Pieces};

/// Returns the form in which whole texts are compared: the normal form, on one line, and without anything but letters
/// and digits at both ends.
///
/// ```
/// use threadless::text::matching::key;
/// assert_eq!(key(" “Português  do BRASIL”! "), "português do brasil");
/// assert_eq!(key("ST\u{200b}OP."), "stop");
/// assert_eq!(key("?!"), "");
/// ```
pub fn key(text: &str) -> String {
    let form = Normal::of(text).into_form().replace('\n', " ");
    form.trim_matches(|c| !characters::belongs_to_a_word(c)).to_owned()
}

/// Returns whether two texts are the same word or the same words.
///
/// ```
/// use threadless::text::matching::is_same;
/// assert!(is_same("iptal", "İPTAL!") && is_same("arrêt", "ARRE\u{302}T"));
/// assert!(!is_same("stop", "stop it") && !is_same("?", "!"));
/// ```
pub fn is_same(text: &str, other: &str) -> bool {
    let said = key(text);
    !said.is_empty() && said == key(other)
}

/// Returns the text without the characters that nobody sees, and with letters and accents in one character (NFC).
pub(crate) fn visible(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !is_format(*c)).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&visible).into_owned()
}

/// Returns the text without the white space at both ends. Characters that nobody sees, and that stand at the outer side
/// of this white space, go with it.
pub(crate) fn trimmed(text: &str) -> &str {
    let mut visible = Pieces::of(text).filter(|piece| !piece.is_space());
    let Some(first) = visible.next() else { return "" };
    let end = visible.last().map_or(first.to, |last| last.to);
    text.get(first.from..end).unwrap_or(text)
}

#[cfg(test)]
mod tests;
