//! The number of segments (SMS) that a text takes, and its coding.

use std::borrow::Cow;

use super::gsm7;

/// The coding of the characters of a message (3GPP TS 23.038, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The GSM 7-bit alphabet: Kannel's `coding=0`.
    Gsm7,
    /// UTF-16, two bytes for each unit: Kannel's `coding=2`.
    Ucs2,
}

/// The length of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The coding of the message.
    pub coding: Coding,
    /// The number of segments (SMS); one for an empty text.
    pub count: usize,
    /// The length in septets (GSM-7) or in 16-bit units (UCS-2).
    pub units: usize,
}

/// Returns how many units a message of one segment holds, and how many units each segment of a longer message holds. A
/// longer message gives six bytes of each segment to a header (3GPP TS 23.040, 9.2.3.24.1).
fn capacity(coding: Coding) -> (usize, usize) {
    match coding {
        Coding::Gsm7 => (160, 153),
        Coding::Ucs2 => (70, 67),
    }
}

/// Chooses the coding of a text, and returns it with the text to send. The coding is GSM-7 if the alphabet has all
/// characters of the text. If `fold` is set, the text after [`gsm7::fold`] counts, too. Otherwise the coding is UCS-2
/// and the text stays as it is.
///
/// ```
/// use threadless::text::{Coding, segments::choose};
/// assert_eq!(choose("it’s", true), (Coding::Gsm7, "it's".into()));
/// assert_eq!(choose("it’s", false), (Coding::Ucs2, "it’s".into()));
/// assert_eq!(choose("it’s ሰላም", true), (Coding::Ucs2, "it’s ሰላም".into()));
/// ```
pub fn choose(text: &str, fold: bool) -> (Coding, Cow<'_, str>) {
    if gsm7::fits(text) {
        return (Coding::Gsm7, Cow::Borrowed(text));
    }
    if fold {
        let folded = gsm7::fold(text);
        if gsm7::fits(&folded) {
            return (Coding::Gsm7, folded);
        }
    }
    (Coding::Ucs2, Cow::Borrowed(text))
}

/// Returns how many segments a text takes, in the coding that [`choose`] gives it without folding. An escape pair and a
/// surrogate pair stay in one segment.
///
/// Kannel 1.4.5 splits GSM-7 in the same way, but it cuts surrogate pairs in two. For a text with many emoji, Kannel
/// may therefore send one segment fewer.
///
/// ```
/// use threadless::text::segments::segments;
/// assert_eq!(segments(&"a".repeat(160)).count, 1);
/// assert_eq!(segments(&"a".repeat(161)).count, 2);
/// assert_eq!(segments(&"€".repeat(153)).count, 3); // 76 pairs a part
/// assert_eq!(segments(&"🙂".repeat(67)).count, 3); // 33 pairs a part
/// ```
pub fn segments(text: &str) -> Segments {
    let (coding, text) = choose(text, false);
    let width = |c: char| match coding {
        Coding::Gsm7 => gsm7::septets(c).unwrap_or(1),
        Coding::Ucs2 => c.len_utf16(),
    };
    let units = text.chars().map(width).sum();
    let (alone, part) = capacity(coding);
    if units <= alone {
        return Segments { coding, count: 1, units };
    }
    let mut count = 1;
    let mut filled = 0;
    for c in text.chars() {
        if filled + width(c) > part {
            count += 1;
            filled = 0;
        }
        filled += width(c);
    }
    Segments { coding, count, units }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_text_fits_if_only_hidden_characters_and_separate_accents_were_in_the_way() {
        let table = [
            ("pi\u{200c}ng", "ping"),
            ("co\u{ad}operative", "cooperative"),
            ("cafe\u{301} n\u{303}", "café ñ"),
            ("\u{feff}Stock:\u{2060} 12\u{200f}", "Stock: 12"),
            ("\u{2068}Abel\u{2069}’s co\u{ad}te\u{301}", "Abel's coté"),
        ];
        for (text, sent) in table {
            assert_eq!(choose(text, true), (Coding::Gsm7, sent.into()), "{text:?}");
            assert_eq!(choose(text, false), (Coding::Ucs2, text.into()), "{text:?}");
        }
        // A text that does not fit anyway goes out as it is: in these scripts, a joiner changes how a word looks.
        for text in ["می\u{200c}خواهم", "ক\u{9cd}\u{200d}ষ", "👩\u{200d}💻", "cafe\u{301} ሰላም"]
        {
            assert_eq!(choose(text, true), (Coding::Ucs2, text.into()), "{text:?}");
        }
    }

    #[test]
    fn parts_hold_what_the_clause_says() {
        let table = [
            (String::new(), Coding::Gsm7, 1, 0),
            ("a".repeat(160), Coding::Gsm7, 1, 160),
            ("a".repeat(161), Coding::Gsm7, 2, 161),
            ("a".repeat(306), Coding::Gsm7, 2, 306),
            ("a".repeat(307), Coding::Gsm7, 3, 307),
            ("€".repeat(80), Coding::Gsm7, 1, 160),
            (format!("{}{}", "a".repeat(152), "€".repeat(5)), Coding::Gsm7, 2, 162),
            // The pair at septet 153 moves to the next segment as a whole, and so the last segment gets too long and a
            // third one begins.
            (format!("{}€{}", "a".repeat(152), "a".repeat(152)), Coding::Gsm7, 3, 306),
            ("ሰ".repeat(70), Coding::Ucs2, 1, 70),
            ("ሰ".repeat(71), Coding::Ucs2, 2, 71),
            ("ሰ".repeat(134), Coding::Ucs2, 2, 134),
            ("ሰ".repeat(135), Coding::Ucs2, 3, 135),
            ("🙂".repeat(35), Coding::Ucs2, 1, 70),
            ("🙂".repeat(66), Coding::Ucs2, 2, 132),
            ("🙂".repeat(67), Coding::Ucs2, 3, 134),
        ];
        for (text, coding, count, units) in table {
            assert_eq!(segments(&text), Segments { coding, count, units }, "{text}");
        }
    }
}
