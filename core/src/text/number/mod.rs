//! A number is one identity, however it is written.
//!
//! People, gateways and files write one phone number in many ways: `+254711000222`, `254711000222`, `0711 000 222`,
//! `00254 711-000-222`. If each way were an identity of its own, a STOP from one of them would not hold for the others,
//! and one person would have several sessions. [`normal`] turns all of them into one identity: the number in the form
//! of [ITU-T E.164](https://www.itu.int/rec/T-REC-E.164/en), with `+`.
//!
//! ```
//! use threadless::text::number::{Country, normal};
//! let kenya: Country = "KE".parse()?;
//! for written in ["+254711000222", "254711000222", "0711 000-222", "(00254) 711.000.222", "٠٧١١٠٠٠٢٢٢"] {
//!     assert_eq!(normal(written, Some(kenya))?.as_str(), "+254711000222");
//! }
//! assert_eq!(normal("22384", Some(kenya))?.as_str(), "22384");
//! assert_eq!(normal("MPESA", Some(kenya))?.as_str(), "MPESA");
//! assert!(normal("2.54711E+11", Some(kenya)).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # With a country
//!
//! | written | becomes |
//! |---|---|
//! | `+` and a number | E.164. A national prefix behind the country code goes away: `+44 (0)7911 123456` |
//! | `00` and a number, or the country's own international prefix (`011`, `0011`, `810`, …) | E.164, if the number exists in a numbering plan |
//! | the national prefix and a national number | E.164 |
//! | a national number without a prefix | E.164, if it has nine digits or more. With fewer digits it must be in the plan, and no mobile number of the country may be longer: it could be a short code |
//! | the country code and a national number | E.164 |
//! | the code and the number of another country, without `+` | E.164, if the number has at least nine digits and is in the plan of the other country, and if it is no number of this country. A mobile number of 11 digits or more counts before a landline of this country |
//! | up to eight digits that are none of these | a short code, which stays as it is |
//! | a text with a letter | a name, which stays as it is |
//! | any other digits | stay as they are |
//!
//! # Without a country
//!
//! Only what is unambiguous changes: blanks, invisible marks, dashes, dots, brackets and slashes go away, digits of
//! other scripts become 0 to 9, and `00` before a number that exists becomes `+`.
//!
//! # What the table knows, and what it does not know
//!
//! The numbering plans come from the metadata of [libphonenumber](https://github.com/google/libphonenumber) (Apache
//! License 2.0). The table has one line for each of its 245 regions and 9 codes without a country, about 36 KB. The crate
//! `phonenumber`, which holds the whole metadata, is a dependency of the tests only.
//!
//! Numbering plans change, and the table may be older than a plan. So a number that has the right length is a number,
//! even if the plan in the table does not have it. A number with `+` and 7 to 15 digits always stays a number.
//!
//! One phone can have two numbers in E.164 form. Argentina writes a mobile number with `9` behind the country code if
//! the call comes from abroad: `+54 11 2345 6789` and `+54 9 11 2345 6789` are two identities here, as they are for
//! libphonenumber, because the first may be a landline.

mod country;
mod format;
mod pattern;
mod plan;
mod signs;
mod written;

#[cfg(test)]
mod tests;

pub use country::{Country, UnknownCountry};
pub use format::{NumberFormat, other_forms};

use plan::{Fit, Plan, best_fit};
use written::{Digits, E164_DIGITS, Written};

/// The fewest digits of a number in E.164 form, with its country code. Niue has them: `+6834002`.
const SHORTEST_E164: usize = 7;

/// The fewest digits of a landline that somebody writes without a prefix.
const LEAST_LANDLINE: usize = 7;

/// The most digits of a short code. More digits without `+` are a number of some kind.
const LONGEST_SHORT_CODE: usize = 8;

/// The identity of a person, a service or a gateway, in its normal form.
///
/// [`as_str`](Number::as_str) is the same for all ways to write the identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Number {
    /// A number in E.164 form: `+` and 7 to 15 digits.
    E164(String),
    /// A short code: up to 8 digits that are no number of the country.
    ShortCode(String),
    /// A name with letters, such as `MPESA`. Only invisible marks, and blanks at its ends, went away.
    Name(String),
    /// Anything else: digits that fit no numbering plan, or a code such as `*144#`.
    Other(String),
}

impl Number {
    /// Returns the normal form: the identity.
    pub fn as_str(&self) -> &str {
        match self {
            Self::E164(text) | Self::ShortCode(text) | Self::Name(text) | Self::Other(text) => text,
        }
    }

    /// Returns the identity, and takes no copy of it.
    pub fn into_string(self) -> String {
        match self {
            Self::E164(text) | Self::ShortCode(text) | Self::Name(text) | Self::Other(text) => text,
        }
    }
}

/// The reason why a text cannot be a recipient. Its text follows the name of a field: `recipients[3]: is empty`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRecipient {
    /// The text has nothing but blanks and invisible marks.
    #[error("is empty")]
    Empty,
    /// The text has neither a digit nor a letter.
    #[error("has neither a digit nor a letter")]
    NoDigits,
    /// A spreadsheet changed the number, as in `2.54711E+11`.
    #[error(
        "is a number that a spreadsheet changed, as in 2.54711E+11; format the column as text, and enter the number again"
    )]
    Spreadsheet,
    /// The text holds more than one number.
    #[error("holds more than one number; give each number on its own")]
    Several,
    /// The number has more than 15 digits, which E.164 does not allow. The field says how many.
    #[error("has {0} digits; a phone number has at most 15")]
    TooLong(usize),
    /// The text has a sign that no phone number has.
    #[error("has the sign {0:?}, which no phone number has")]
    Sign(char),
}

/// Returns the one identity for what somebody wrote. The [module](self) lists the rules.
///
/// `country` is the country whose numbers people write without a country code. Without it only what is unambiguous
/// changes.
///
/// The normal form is stable: `normal` does not change it.
///
/// # Errors
///
/// A text that cannot be a recipient is refused with the reason. A caller that must keep the text, because a gateway
/// sent it, uses the text as it came.
pub fn normal(text: &str, country: Option<Country>) -> Result<Number, NoRecipient> {
    let written = match written::read(text)? {
        Written::Name(name) => return Ok(Number::Name(name)),
        Written::Code(code) => return Ok(Number::Other(code)),
        Written::Digits(digits) => digits,
    };
    let digits = written.digits.as_str();
    // No country code begins with 0. So a plus before 0 is an error of the line, and the rest is a number of some form.
    if written.has_plus && !digits.starts_with('0') {
        return international(digits);
    }
    let found = match country.and_then(Country::plan) {
        Some(own) => at_home(digits, own),
        None if written.has_dash => None,
        None => digits.strip_prefix("00").filter(|rest| abroad(rest) >= Fit::Length).map(str::to_owned),
    };
    match found {
        Some(number) => international(&number),
        None => unchanged(&written),
    }
}

/// Returns the identity of an international number, given without its `+`.
fn international(digits: &str) -> Result<Number, NoRecipient> {
    let number = match Plan::of_number(digits) {
        Some((plans @ [main, ..], national)) if plans.iter().all(|plan| plan.fit(national) < Fit::Number) => {
            format!("{}{}", main.code, main.without_trunk(national))
        }
        _ => digits.to_owned(),
    };
    Ok(match number.len() {
        long if long > E164_DIGITS => return Err(NoRecipient::TooLong(long)),
        short if short < SHORTEST_E164 => Number::Other(format!("+{number}")),
        _ => Number::E164(format!("+{number}")),
    })
}

/// Returns the identity of digits that are no number of a numbering plan.
fn unchanged(written: &Digits) -> Result<Number, NoRecipient> {
    let digits = &written.digits;
    let sign = match written {
        Digits { has_plus: true, .. } => "+",
        Digits { has_dash: true, .. } => "-",
        _ => "",
    };
    Ok(match digits.len() {
        long if long > E164_DIGITS => return Err(NoRecipient::TooLong(long)),
        short if short <= LONGEST_SHORT_CODE && sign.is_empty() => Number::ShortCode(digits.clone()),
        _ => Number::Other(format!("{sign}{digits}")),
    })
}

/// Returns how well an international number without `+` fits the plan of its country.
fn abroad(digits: &str) -> Fit {
    match Plan::of_number(digits) {
        Some((plans @ [main, ..], national)) => {
            best_fit(plans, national).max(best_fit(plans, &main.without_trunk(national)))
        }
        _ => Fit::None,
    }
}

/// Returns the international number, without `+`, that somebody means who writes these digits in a country.
fn at_home(digits: &str, own: &Plan) -> Option<String> {
    let plans = Plan::of_code(own.code);
    let whole = best_fit(plans, digits);
    if let Some(rest) = behind_international_prefix(digits, own, whole) {
        return Some(rest.to_owned());
    }
    let is_long_enough = |national: &str, fit| national.len() >= own.shortest_mobile() || fit >= Fit::Number;
    // The country code, then the number.
    if let Some(rest) = digits.strip_prefix(own.code) {
        let national = own.without_trunk(rest);
        let fit = best_fit(plans, &national);
        let is_code = (whole < Fit::Number && fit >= Fit::Number)
            || (own.is_too_long(digits.len()) && fit >= Fit::Length);
        if is_code && is_long_enough(&national, fit) {
            return Some(format!("{}{national}", own.code));
        }
    }
    // The national prefix, then the number.
    let national = own.without_trunk(digits);
    let fit = best_fit(plans, &national);
    if national.len() < digits.len() {
        let is_number = fit >= Fit::Length && is_long_enough(&national, fit);
        return is_number.then(|| format!("{}{national}", own.code));
    }
    // Digits without any prefix. A short code may look like a landline.
    let least = match digits.len() {
        0..LEAST_LANDLINE => Fit::Mobile,
        LEAST_LANDLINE..=LONGEST_SHORT_CODE => Fit::Number,
        _ => Fit::None,
    };
    if fit < least || digits.len() < own.shortest_mobile().min(LONGEST_SHORT_CODE + 1) {
        return None;
    }
    let home = || Some(format!("{}{national}", own.code));
    let abroad = Plan::of_number(digits).map_or(Fit::None, |(plans, rest)| best_fit(plans, rest));
    let is_abroad = match fit {
        Fit::Mobile => false,
        // Few people write a landline without its prefix. Lines give the mobile numbers of all countries without `+`.
        Fit::Number => abroad == Fit::Mobile && digits.len() >= 11,
        Fit::Length if own.is_mobile_length(digits.len()) => abroad == Fit::Mobile && digits.len() >= 11,
        Fit::Length | Fit::None => {
            (abroad == Fit::Mobile && digits.len() >= 9) || (abroad == Fit::Number && digits.len() >= 10)
        }
    };
    match fit {
        _ if is_abroad => Some(digits.to_owned()),
        Fit::Mobile | Fit::Number => home(),
        Fit::Length if own.is_mobile_length(digits.len()) => home(),
        Fit::Length | Fit::None => None,
    }
}

/// Returns the number behind `00`, or behind the country's own international prefix.
///
/// `whole` says how well the digits fit as a national number.
fn behind_international_prefix<'a>(digits: &'a str, own: &Plan, whole: Fit) -> Option<&'a str> {
    // Where both fit as well, a number of this country counts, then `00`: it is the prefix of most of the world, and
    // people copy it.
    let behind = [digits.strip_prefix("00"), own.without_international(digits)];
    let rank = |rest: &str| (abroad(rest), rest.starts_with(own.code));
    let best = |first, second| if rank(second) > rank(first) { second } else { first };
    let rest = behind.into_iter().flatten().reduce(best)?;
    let fit = abroad(rest);
    (fit >= Fit::Number || (fit == Fit::Length && whole < Fit::Number)).then_some(rest)
}
