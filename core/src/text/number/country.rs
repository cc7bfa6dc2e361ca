//! The country of a project or of a backend.

use std::fmt;
use std::str::FromStr;

use super::plan::Plan;

/// A country with a numbering plan, by its code of two letters (ISO 3166-1 alpha-2).
///
/// ```
/// use threadless::text::number::Country;
/// let kenya: Country = "ke".parse()?;
/// assert_eq!((kenya.code(), kenya.calling_code()), ("KE", "254"));
/// assert_eq!(
///     "UK".parse::<Country>().unwrap_err().to_string(),
///     "\"UK\" is no country with phone numbers; give its two letters of ISO 3166, such as KE (Great Britain is GB)"
/// );
/// # Ok::<(), threadless::text::number::UnknownCountry>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(&'static str);

/// A text that is no country with phone numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no country with phone numbers; give its two letters of ISO 3166, such as KE (Great Britain is GB)"
)]
pub struct UnknownCountry(String);

impl Country {
    /// Returns the two letters, such as `KE`.
    pub fn code(self) -> &'static str {
        self.0
    }

    /// Returns the digits at the start of an international number of this country, without `+`, such as `254`. Several
    /// countries may share them: `1` is the code of the United States, of Canada and of 23 other regions.
    pub fn calling_code(self) -> &'static str {
        self.plan().map_or("", |plan| plan.code)
    }

    pub(super) fn plan(self) -> Option<&'static Plan> {
        Plan::of_region(self.0)
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    /// Reads the two letters, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        let plan = if text.len() == 2 { Plan::of_region(&text.to_ascii_uppercase()) } else { None };
        plan.map(|plan| Self(plan.region)).ok_or_else(|| UnknownCountry(text.to_owned()))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
