//! Numbers as people type them.

use std::str::FromStr;

use super::characters::{digit, is_ignored, is_separator, is_stop, plain};

/// Reads a number, or another value that consists of digits, such as a date.
///
/// The digits may be of any script. Characters that nobody sees do not count, nor do white space and separators around
/// the number, nor a sentence mark after it. `nan` and `inf` are words and no numbers.
///
/// ```
/// use threadless::text::matching::number;
/// assert_eq!(number("३२००"), Ok(3200));
/// assert_eq!(number("\u{200f} −٣٧٫٥! "), Ok(-37.5));
/// assert_eq!(number(", 12."), Ok(12));
/// assert!(number::<u8>("seven").is_err() && number::<u8>("300").is_err() && number::<u8>("3 4").is_err());
/// ```
///
/// # Errors
///
/// Returns the error of the type if the text is not one of its values. In the [handler](crate::apps::keyword) of an
/// app, this error counts as a [mistake of the sender](crate::SenderError).
pub fn number<N: FromStr>(text: &str) -> Result<N, N::Err> {
    let digits = digits(text);
    // `str::parse` takes these words for floating-point numbers. In a message they are words.
    let sign = |c: char| matches!(c, '+' | '-');
    let unsigned = digits.trim_start_matches(sign);
    let is_word = ["nan", "inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    if is_word { "" } else { digits.as_str() }.parse()
}

/// Returns a text with the digits and signs of ASCII, and with nothing around them.
fn digits(text: &str) -> String {
    let visible: Vec<char> = text.chars().filter(|c| !is_ignored(*c)).collect();
    let mut form = String::with_capacity(visible.len());
    for (at, c) in visible.iter().enumerate() {
        let is_digit =
            |at: Option<usize>| at.and_then(|at| visible.get(at)).is_some_and(|c| digit(*c).is_some());
        match *c {
            // The thousands separator of Arabic digits.
            '٬' if is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)) => {}
            '＋' => form.push('+'),
            '．' => form.push('.'),
            c => form.push(plain(c)),
        }
    }
    let form = form.trim_start_matches(|c: char| c.is_whitespace() || is_separator(c));
    form.trim_end_matches(|c: char| c.is_whitespace() || is_separator(c) || is_stop(c)).to_owned()
}
