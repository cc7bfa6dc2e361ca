//! The form in which a gateway wants a number.

use std::collections::HashSet;
use std::str::FromStr;

use super::plan::Plan;
use super::{Country, Number, normal};

/// The form in which a gateway wants the number of the recipient.
///
/// ```
/// use threadless::text::number::{Country, NumberFormat};
/// let kenya: Country = "KE".parse()?;
/// let written = |format: NumberFormat| format.write("+254711000222", Some(kenya));
/// assert_eq!(written(NumberFormat::E164), "+254711000222");
/// assert_eq!(written(NumberFormat::International), "254711000222");
/// assert_eq!(written(NumberFormat::National), "0711000222");
/// assert_eq!(NumberFormat::National.write("+255711000222", Some(kenya)), "000255711000222");
/// assert_eq!(NumberFormat::National.write("22384", Some(kenya)), "22384");
/// # Ok::<(), threadless::text::number::UnknownCountry>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberFormat {
    /// With `+`, as the identity: `+254711000222`. The setting is `"e164"`.
    #[default]
    E164,
    /// The same without `+`: `254711000222`. The setting is `"international"`.
    International,
    /// As people in the country dial it: `0711000222`; the number of another country with the international prefix. The
    /// setting is `"national"`.
    National,
}

impl NumberFormat {
    /// Returns an identity as the gateway wants it. Only a number in E.164 form changes; a short code, a name and any
    /// other text stay.
    ///
    /// [`normal`] turns the result into the same identity again, with the same country. If no national form does this,
    /// the result is the E.164 form. So it is without a country.
    pub fn write(self, identity: &str, country: Option<Country>) -> String {
        let is_number = matches!(normal(identity, None), Ok(Number::E164(number)) if number == identity);
        match identity.strip_prefix('+') {
            Some(digits) if is_number => match self {
                Self::E164 => identity.to_owned(),
                Self::International => digits.to_owned(),
                Self::National => national(identity, digits, country).unwrap_or_else(|| identity.to_owned()),
            },
            _ => identity.to_owned(),
        }
    }
}

impl FromStr for NumberFormat {
    type Err = String;

    /// Reads a setting. The error lists the settings that exist.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "e164" => Ok(Self::E164),
            "international" => Ok(Self::International),
            "national" => Ok(Self::National),
            _ => Err("must be \"e164\", \"international\" or \"national\"".to_owned()),
        }
    }
}

/// Returns the other forms of an identity in E.164 form under which a version of Threadless without normal forms may have
/// stored it: plain digits with each usual prefix and without one. At most seven forms, the likeliest first.
///
/// [`normal`] turns each of them into the identity, with the same country. So without a country only `00` remains.
///
/// ```
/// use threadless::text::number::{Country, other_forms};
/// let kenya: Country = "KE".parse()?;
/// let forms = ["254711000222", "0711000222", "711000222", "00254711000222", "000254711000222"];
/// assert_eq!(other_forms("+254711000222", Some(kenya)), forms);
/// assert_eq!(other_forms("+254711000222", None), ["00254711000222"]);
/// assert!(other_forms("22384", Some(kenya)).is_empty());
/// # Ok::<(), threadless::text::number::UnknownCountry>(())
/// ```
pub fn other_forms(identity: &str, country: Option<Country>) -> Vec<String> {
    let Some(digits) = identity.strip_prefix('+') else { return Vec::new() };
    let own = country.and_then(Country::plan);
    let mut forms = vec![digits.to_owned()];
    if let Some((own, number)) = own.and_then(|own| Some((own, digits.strip_prefix(own.code)?))) {
        forms.extend(home(number, own));
    }
    forms.push(format!("00{digits}"));
    forms.extend(own.and_then(|own| own.dialled).map(|prefix| format!("{prefix}{digits}")));
    let mut known = HashSet::new();
    forms.retain(|form| is_same(form, identity, country) && known.insert(form.clone()));
    forms
}

fn is_same(form: &str, identity: &str, country: Option<Country>) -> bool {
    matches!(normal(form, country), Ok(again) if again.as_str() == identity)
}

fn national(identity: &str, digits: &str, country: Option<Country>) -> Option<String> {
    let own = country?.plan()?;
    let forms = match digits.strip_prefix(own.code) {
        Some(number) => home(number, own),
        None => own.dialled.map(|prefix| format!("{prefix}{digits}")).into_iter().collect(),
    };
    forms.into_iter().find(|form| is_same(form, identity, country))
}

/// Returns the national forms of a number of this country, the best first.
fn home(number: &str, own: &Plan) -> Vec<String> {
    let prefix = own.prefix.unwrap_or_default();
    let mut forms = Vec::new();
    // Argentina: `9` and the area code are dialled as `0`, the area code and `15`.
    if let (Some("9$1"), Some(local)) = (own.transform, number.strip_prefix('9')) {
        let areas = (2..=4).filter_map(|digits| local.split_at_checked(digits));
        forms.extend(areas.map(|(area, rest)| format!("{prefix}{area}15{rest}")));
    }
    let (with, without) = (format!("{prefix}{number}"), number.to_owned());
    forms.extend(if own.is_prefix_written { [with, without] } else { [without, with] });
    forms
}
