//! The signs in what people write as a number: digits of every script, blanks, dashes, brackets and invisible marks.

/// The zero of each run of ten decimal digits (Unicode 16, general category Nd).
const ZEROS: [u32; 76] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40,
    0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da,
    0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0,
    0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0,
    0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The characters that look like a dash. The Japanese sign of a long vowel (U+30FC, U+FF70) stands for a dash in numbers.
const DASHES: &str = "\
    -~\u{58a}\u{5be}\u{1400}\u{1806}\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2043}\u{2053}\
    \u{207b}\u{208b}\u{2212}\u{223c}\u{2500}\u{2501}\u{2e17}\u{2e1a}\u{2e3a}\u{2e3b}\u{2e40}\u{2e5d}\
    \u{301c}\u{3030}\u{30a0}\u{30fc}\u{fe31}\u{fe32}\u{fe58}\u{fe63}\u{ff0d}\u{ff5e}\u{ff70}\u{10d6e}\
    \u{10ead}";

/// Dots in the middle or at the foot of a line.
const DOTS: &str = ".\u{b7}\u{2022}\u{2024}\u{2027}\u{22c5}\u{30fb}\u{ff0e}\u{ff65}\u{fe52}";

/// Brackets of all forms.
const BRACKETS: &str = "\
    ()[]{}<>\u{207d}\u{207e}\u{2329}\u{232a}\u{2768}\u{2769}\u{276a}\u{276b}\u{276c}\u{276d}\u{276e}\
    \u{276f}\u{2770}\u{2771}\u{2772}\u{2773}\u{2774}\u{2775}\u{27e6}\u{27e7}\u{27e8}\u{27e9}\u{27ea}\
    \u{27eb}\u{27ec}\u{27ed}\u{27ee}\u{27ef}\u{3008}\u{3009}\u{300a}\u{300b}\u{300c}\u{300d}\u{300e}\
    \u{300f}\u{3010}\u{3011}\u{3014}\u{3015}\u{3016}\u{3017}\u{3018}\u{3019}\u{301a}\u{301b}\u{fe59}\
    \u{fe5a}\u{fe5b}\u{fe5c}\u{fe5d}\u{fe5e}\u{ff08}\u{ff09}\u{ff1c}\u{ff1e}\u{ff3b}\u{ff3d}\u{ff5b}\
    \u{ff5d}\u{ff5f}\u{ff60}";

/// Slashes in both directions.
const SLASHES: &str = "/\\\u{2044}\u{2215}\u{ff0f}\u{ff3c}";

/// Plus signs.
const PLUSES: &str = "+\u{207a}\u{208a}\u{fb29}\u{fe62}\u{ff0b}";

/// The signs between the items of a list.
const LIST_SIGNS: &str =
    ",;|&\u{60c}\u{61b}\u{3001}\u{ff0c}\u{ff1b}\u{ff5c}\u{fe50}\u{fe51}\u{fe54}\u{ff64}\u{ff06}";

/// Quotation marks, as programs put them around a field or before a number.
const QUOTES: &str = "\
    \"'`\u{b4}\u{ab}\u{bb}\u{2018}\u{2019}\u{201a}\u{201b}\u{201c}\u{201d}\u{201e}\u{201f}\u{ff02}\
    \u{ff07}";

/// The ranges of marks that nobody sees: format characters (general category Cf) and variation selectors.
const INVISIBLE: [(u32, u32); 21] = [
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x600, 0x605),
    (0x61c, 0x61c),
    (0x6dd, 0x6dd),
    (0x70f, 0x70f),
    (0x890, 0x891),
    (0x8e2, 0x8e2),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x202a, 0x202e),
    (0x2060, 0x206f),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xfff9, 0xfffb),
    (0x110bd, 0x110bd),
    (0x110cd, 0x110cd),
    (0x13430, 0x1343f),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0xe0000, 0xe0fff),
];

/// Returns the decimal digit that a character stands for, in any script: `٣`, `३` and `３` are 3.
pub(super) fn digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c).filter(char::is_ascii_digit);
    }
    let code = u32::from(c);
    let at = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    char::from_digit(code.checked_sub(*ZEROS.get(at)?)?, 10)
}

/// Returns whether a character is a mark that nobody sees, or a control character that is not a blank.
pub(super) fn is_invisible(c: char) -> bool {
    let code = u32::from(c);
    let is_mark = INVISIBLE.iter().any(|(from, to)| (*from..=*to).contains(&code));
    is_mark || (c.is_control() && !c.is_whitespace())
}

/// Returns whether a character may stand between the digits of one number and means nothing: a blank, a dash, a dot, a
/// bracket, a slash.
pub(super) fn is_separator(c: char) -> bool {
    is_blank(c) || is_dash(c) || is_dot(c) || is_bracket(c) || is_slash(c)
}

/// Returns whether a character is a blank, such as the blank that does not break (U+00A0).
pub(super) fn is_blank(c: char) -> bool {
    // The last two are letters and signs to Unicode, but people see a blank.
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}')
}

/// Returns whether a character looks like a dash.
pub(super) fn is_dash(c: char) -> bool {
    DASHES.contains(c)
}

/// Returns whether a character is a letter. A dash of Japanese numbers is none, although Unicode counts it as one.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !is_dash(c) && !is_blank(c)
}

/// Returns whether a character is a plus sign.
pub(super) fn is_plus(c: char) -> bool {
    PLUSES.contains(c)
}

/// Returns whether a character ends one item of a list.
pub(super) fn is_list_sign(c: char) -> bool {
    LIST_SIGNS.contains(c)
}

/// Returns whether a character is a slash.
pub(super) fn is_slash(c: char) -> bool {
    SLASHES.contains(c)
}

/// Returns whether a character is a quotation mark.
pub(super) fn is_quote(c: char) -> bool {
    QUOTES.contains(c)
}

fn is_dot(c: char) -> bool {
    DOTS.contains(c)
}

fn is_bracket(c: char) -> bool {
    BRACKETS.contains(c)
}
