//! The characters that matching ignores, replaces, or takes for the end of a word.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// The characters of category Cf, and those with the property `Default_Ignorable_Code_Point` (Unicode 17).
const FORMAT: [RangeInclusive<u32>; 25] = [
    0xad..=0xad,
    0x34f..=0x34f,
    0x600..=0x605,
    0x61c..=0x61c,
    0x6dd..=0x6dd,
    0x70f..=0x70f,
    0x890..=0x891,
    0x8e2..=0x8e2,
    0x115f..=0x1160,
    0x17b4..=0x17b5,
    0x180b..=0x180f,
    0x200b..=0x200f,
    0x202a..=0x202e,
    0x2060..=0x206f,
    0x3164..=0x3164,
    0xfe00..=0xfe0f,
    0xfeff..=0xfeff,
    0xffa0..=0xffa0,
    0xfff0..=0xfffb,
    0x1_10bd..=0x1_10bd,
    0x1_10cd..=0x1_10cd,
    0x1_3430..=0x1_343f,
    0x1_bca0..=0x1_bca3,
    0x1_d173..=0x1_d17a,
    0xe_0000..=0xe_0fff,
];

/// The digit zero of each decimal script except ASCII (Unicode 17). The other nine digits follow their zero.
const ZEROS: [u32; 76] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x1_04a0, 0x1_0d30, 0x1_0d40, 0x1_1066,
    0x1_10f0, 0x1_1136, 0x1_11d0, 0x1_12f0, 0x1_1450, 0x1_14d0, 0x1_1650, 0x1_16c0, 0x1_16d0, 0x1_16da,
    0x1_1730, 0x1_18e0, 0x1_1950, 0x1_1bf0, 0x1_1c50, 0x1_1d50, 0x1_1da0, 0x1_1de0, 0x1_1f50, 0x1_6130,
    0x1_6a60, 0x1_6ac0, 0x1_6b50, 0x1_6d70, 0x1_ccf0, 0x1_d7ce, 0x1_d7d8, 0x1_d7e2, 0x1_d7ec, 0x1_d7f6,
    0x1_e140, 0x1_e2f0, 0x1_e4f0, 0x1_e5f1, 0x1_e950, 0x1_fbf0,
];

/// The characters without a combining class that can nevertheless join the character before them: vowel signs, jamo,
/// and characters whose decomposition begins with such a character or with an accent (Unicode 17).
const JOINING: [RangeInclusive<u32>; 46] = [
    0x9be..=0x9be,
    0x9d7..=0x9d7,
    0xb3e..=0xb3e,
    0xb56..=0xb57,
    0xbbe..=0xbbe,
    0xbd7..=0xbd7,
    0xcc2..=0xcc2,
    0xcd5..=0xcd6,
    0xd3e..=0xd3e,
    0xd57..=0xd57,
    0xdcf..=0xdcf,
    0xddf..=0xddf,
    0xf73..=0xf73,
    0xf75..=0xf75,
    0xf81..=0xf81,
    0x102e..=0x102e,
    0x1161..=0x1175,
    0x11a8..=0x11c2,
    0x1b35..=0x1b35,
    0x3133..=0x3133,
    0x3135..=0x3136,
    0x313a..=0x313f,
    0x314f..=0x3163,
    0xff9e..=0xff9f,
    0xffa3..=0xffa3,
    0xffa5..=0xffa6,
    0xffaa..=0xffaf,
    0xffc2..=0xffc7,
    0xffca..=0xffcf,
    0xffd2..=0xffd7,
    0xffda..=0xffdc,
    0x1_1127..=0x1_1127,
    0x1_133e..=0x1_133e,
    0x1_1357..=0x1_1357,
    0x1_13b8..=0x1_13b8,
    0x1_13bb..=0x1_13bb,
    0x1_13c2..=0x1_13c2,
    0x1_13c5..=0x1_13c5,
    0x1_13c7..=0x1_13c9,
    0x1_14b0..=0x1_14b0,
    0x1_14ba..=0x1_14ba,
    0x1_14bd..=0x1_14bd,
    0x1_15af..=0x1_15af,
    0x1_1930..=0x1_1930,
    0x1_611e..=0x1_6129,
    0x1_6d67..=0x1_6d68,
];

fn is_in(ranges: &[RangeInclusive<u32>], c: char) -> bool {
    let c = u32::from(c);
    let place = ranges.binary_search_by(|range| match (*range.end() < c, *range.start() > c) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => Ordering::Equal,
    });
    place.is_ok()
}

/// Returns whether the character is a format character or a similar one that nobody sees: a joiner, a mark of
/// direction, a soft hyphen, a variation selector.
pub(crate) fn is_format(c: char) -> bool {
    !c.is_ascii() && is_in(&FORMAT, c)
}

/// Returns whether matching ignores the character. Beside the format characters these are control characters, the
/// letter that only makes an Arabic word longer, and the frame of a keycap (`1`, U+FE0F, U+20E3). NUL counts: a text
/// that contains it was UTF-16 and was read in another charset, so its words are not what the sender wrote.
pub(crate) fn is_ignored(c: char) -> bool {
    is_format(c) || (c.is_control() && !c.is_whitespace() && c != '\0') || matches!(c, '\u{640}' | '\u{20e3}')
}

/// Returns whether the character can change the character before it: an accent, a vowel sign, a jamo.
pub(super) fn joins(c: char) -> bool {
    !c.is_ascii() && (has_class(c) || is_in(&JOINING, c))
}

fn has_class(c: char) -> bool {
    CanonicalCombiningClassMapBorrowed::new().get_u8(c) != 0
}

/// Returns whether the character is a letter, a digit, or an accent of one of them.
pub(super) fn belongs_to_a_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && has_class(c))
}

/// Returns the digit of ASCII with the same value, if the character is a decimal digit of any script.
pub(super) fn digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c).filter(char::is_ascii_digit);
    }
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    char::from_digit(code - zero, 10)
}

/// Returns the plain character in the place of a digit, a quote, an apostrophe or a dash. Any other character comes
/// back.
pub(super) fn plain(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '‘' | '’' | '‚' | '‛' | '′' | '´' | 'ʼ' | 'ʹ' | '＇' => '\'',
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' | '＂' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '﹘' | '－' => '-',
        // The decimal separator of Arabic digits.
        '٫' => '.',
        c => digit(c).unwrap_or(c),
    }
}

/// Returns whether the character (of a normal form) can separate a keyword from the rest.
pub(crate) fn is_separator(c: char) -> bool {
    matches!(
        c,
        ',' | ';'
            | ':'
            | '՝'
            | '،'
            | '؛'
            | '߸'
            | '၊'
            | '፡'
            | '፣'
            | '፤'
            | '፥'
            | '፦'
            | '᠂'
            | '᠈'
            | '、'
    )
}

/// Returns whether the character (of a normal form) ends a sentence.
pub(crate) fn is_stop(c: char) -> bool {
    matches!(
        c,
        '.' | '!'
            | '?'
            | '։'
            | '؟'
            | '۔'
            | '߹'
            | '।'
            | '॥'
            | '།'
            | '။'
            | '።'
            | '፧'
            | '፨'
            | '។'
            | '៕'
            | '᠃'
            | '᠉'
            | '‽'
            | '。'
    )
}
