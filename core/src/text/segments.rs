//! How many SMS a text takes, and in which coding it goes.

use std::borrow::Cow;

use super::gsm7;

/// How the characters of a message are sent (3GPP TS 23.038, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The GSM 7-bit alphabet: Kannel's `coding=0`.
    Gsm7,
    /// UTF-16, two bytes a unit: Kannel's `coding=2`.
    Ucs2,
}

/// How long a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// Its coding.
    pub coding: Coding,
    /// How many SMS it takes; one for an empty text.
    pub count: usize,
    /// Its length in septets (GSM-7) or 16-bit units (UCS-2).
    pub units: usize,
}

/// How many units one SMS holds, alone and as a part of several: a part gives six bytes to its header (3GPP TS
/// 23.040, 9.2.3.24.1).
fn capacity(coding: Coding) -> (usize, usize) {
    match coding {
        Coding::Gsm7 => (160, 153),
        Coding::Ucs2 => (70, 67),
    }
}

/// The coding of a text: GSM-7 if all its characters are in that alphabet, after [`gsm7::fold`] where `fold` asks
/// for it; else UCS-2, as it is. With it the text to send.
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

/// How many SMS a text takes in the coding that [`choose`] gives it without folding. An escape pair and a
/// surrogate pair stay in one part.
///
/// Kannel 1.4.5 splits GSM-7 just so, but cuts surrogate pairs in two: of many emoji it may send a part fewer.
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
    fn parts_hold_what_the_clause_says() {
        let table = [
            (String::new(), Coding::Gsm7, 1, 0),
            ("a".repeat(160), Coding::Gsm7, 1, 160),
            ("a".repeat(161), Coding::Gsm7, 2, 161),
            ("a".repeat(306), Coding::Gsm7, 2, 306),
            ("a".repeat(307), Coding::Gsm7, 3, 307),
            ("€".repeat(80), Coding::Gsm7, 1, 160),
            (format!("{}{}", "a".repeat(152), "€".repeat(5)), Coding::Gsm7, 2, 162),
            // The pair at septet 153 moves on whole, and with it the last part grows over.
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
