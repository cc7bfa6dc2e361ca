//! The parts of a written recipient: a name, digits, or something that is no recipient.

use super::NoRecipient;
use super::signs::{
    digit, is_blank, is_dash, is_invisible, is_letter, is_list_sign, is_plus, is_quote, is_separator,
    is_slash,
};

/// The most digits of an E.164 number, with its country code.
pub(super) const E164_DIGITS: usize = 15;

/// The most digits that somebody writes for one number: the longest international prefix stands before it.
const MOST_DIGITS: usize = E164_DIGITS + 8;

/// The fewest digits of a number that two numbers in one field are told by.
const WHOLE_NUMBER: usize = 7;

/// The parts of what somebody wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A name with letters, without invisible marks.
    Name(String),
    /// Digits that may be a number.
    Digits(Digits),
    /// Digits with `*` or `#`: a code that a phone dials to the network, such as `*144#`.
    Code(String),
}

/// The digits of a number, and what stood before them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Digits {
    /// Whether a plus stood before the first digit.
    pub(super) has_plus: bool,
    /// Whether a dash stood before the first digit, as before the id of a chat: `-1001234567890`.
    pub(super) has_dash: bool,
    /// The digits 0 to 9.
    pub(super) digits: String,
}

/// Takes apart what somebody wrote.
pub(super) fn read(text: &str) -> Result<Written, NoRecipient> {
    let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let seen = seen.trim_matches(is_blank);
    if seen.is_empty() {
        return Err(NoRecipient::Empty);
    }
    if is_spreadsheet(seen) {
        return Err(NoRecipient::Spreadsheet);
    }
    if let Some(number) = uri(seen) {
        return digits(&number);
    }
    if seen.chars().any(is_letter) {
        return Ok(Written::Name(seen.to_owned()));
    }
    digits(seen.trim_matches(|c| is_quote(c) || is_blank(c)))
}

/// Returns whether the text is a number as a spreadsheet shows it: `2.54711E+11`, `254711000222.0`.
fn is_spreadsheet(text: &str) -> bool {
    let plain: String = text.chars().map(|c| digit(c).unwrap_or(c)).collect();
    let (number, exponent) = match plain.split_once(['E', 'e']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (plain.as_str(), None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.trim_start_matches(['+', '-', '\u{2212}']);
    let (whole, part) = match number.split_once(['.', ',']) {
        Some((whole, part)) => (whole, Some(part)),
        None => (number, None),
    };
    if !is_number(whole) || !part.is_none_or(is_number) {
        return false;
    }
    match exponent {
        // `2E5` alone may be a name.
        Some(exponent) => {
            let digits = exponent.trim_start_matches(['+', '-', '\u{2212}']);
            is_number(digits) && (part.is_some() || digits.len() < exponent.len())
        }
        None => {
            whole.len() >= WHOLE_NUMBER
                && part.is_some_and(|part| part.len() < 3 && part.trim_matches('0').is_empty())
        }
    }
}

/// Returns the number of a URI (RFC 3966 `tel:`, RFC 5724 `sms:`), with a global context before it.
fn uri(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    if !["tel", "sms", "smsto"].iter().any(|known| scheme.trim().eq_ignore_ascii_case(known)) {
        return None;
    }
    // `sms:` may carry a text behind `?`, and `tel:` parameters behind `;`.
    let rest = rest.split('?').next().unwrap_or_default();
    let mut parts = rest.split(';');
    let number = parts.next()?.replace("%2B", "+").replace("%2b", "+").replace("%20", " ");
    if number.chars().any(is_letter) {
        return None;
    }
    let context = parts.find_map(|part| part.strip_prefix("phone-context="));
    let global = context.filter(|context| context.starts_with('+') && !number.contains(is_plus));
    Some(global.map_or_else(|| number.clone(), |context| format!("{context}{number}")))
}

/// Takes apart a text without letters.
fn digits(text: &str) -> Result<Written, NoRecipient> {
    let count = |text: &str| text.chars().filter(|c| digit(*c).is_some()).count();
    let all = count(text);
    if all == 0 {
        return Err(NoRecipient::NoDigits);
    }
    if is_list(text, count) {
        return Err(NoRecipient::Several);
    }
    let text = text.trim_matches(|c| is_list_sign(c) || is_blank(c));
    let mut found = Digits { has_plus: false, has_dash: false, digits: String::new() };
    let mut code = None;
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            found.digits.push(digit);
        } else if matches!(c, '*' | '#') {
            code = Some(c);
            found.digits.push(c);
        } else if is_plus(c) && found.digits.is_empty() {
            found.has_plus = true;
        } else if is_separator(c) {
            found.has_dash |= is_dash(c) && found.digits.is_empty() && !found.has_plus;
        } else {
            return Err(NoRecipient::Sign(c));
        }
    }
    match code {
        Some(_) => Ok(Written::Code(found.digits)),
        None if all > MOST_DIGITS => Err(NoRecipient::TooLong(all)),
        None => Ok(Written::Digits(found)),
    }
}

/// Returns whether the text holds more than one number.
fn is_list(text: &str, count: impl Fn(&str) -> usize) -> bool {
    let items = |is_end: fn(char) -> bool, at_least: usize| {
        let mut items = text.split(is_end).map(&count).filter(|digits| *digits > 0).peekable();
        items.peek().is_some() && items.clone().count() > 1 && items.all(|digits| digits >= at_least)
    };
    // Signs of a list separate short codes too. A plus begins a number. A blank or a slash stands within numbers as
    // well, so the numbers on both sides must be whole, and together longer than one number.
    items(is_list_sign, 3)
        || items(is_plus, WHOLE_NUMBER)
        || (count(text) > E164_DIGITS
            && (items(|c| is_slash(c) || matches!(c, '\n' | '\r' | '\t'), WHOLE_NUMBER)
                || items(is_blank, WHOLE_NUMBER)))
}
