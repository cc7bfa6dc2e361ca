//! Numbers that are written in the digits of other scripts.

use std::borrow::Cow;

/// The digit zero of each decimal script that phones write. In Unicode, the other nine digits follow their zero.
const ZEROS: [char; 18] =
    ['٠', '۰', '߀', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '๐', '໐', '༠', '၀', '០', '０'];

/// Returns the text with the digits of other scripts replaced by ASCII digits.
pub(super) fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { text.into() } else { text.chars().map(ascii_digit).collect::<String>().into() }
}

fn ascii_digit(c: char) -> char {
    let value = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
    ZEROS.iter().find_map(value).and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_any_script_are_digits() {
        let table = [
            ("12.5", "12.5"),
            ("٣٧", "37"),
            ("۱۴۰۵", "1405"),
            ("-२०.५", "-20.5"),
            ("００７", "007"),
            ("፫", "፫"),
            ("ab ٩", "ab 9"),
        ];
        for (text, expected) in table {
            assert_eq!(in_ascii(text), expected, "{text}");
        }
        for zero in ZEROS {
            let nine = char::from_u32(u32::from(zero) + 9).unwrap();
            assert!(zero.is_numeric() && nine.is_numeric());
            assert_eq!(in_ascii(&format!("{zero}{nine}")), "09");
        }
    }
}
