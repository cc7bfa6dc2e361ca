//! The numbering plans of all countries: what libphonenumber's metadata says about them, as far as an identity needs it.

use std::sync::{LazyLock, OnceLock};

use super::pattern::{Found, Pattern};

/// The table, one line for each region. `core/tests/numbers.rs` makes it from libphonenumber's metadata, and compares.
pub(super) const TABLE: &str = include_str!("plans.txt");

/// The plans in the order of the table: by country code, and the main region of a code first.
static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| TABLE.lines().filter_map(Plan::read).collect());

/// The numbering plan of one region.
#[derive(Debug)]
pub(super) struct Plan {
    /// ISO 3166 alpha-2, or `001` for a code that belongs to no country.
    pub(super) region: &'static str,
    /// The country code, without `+`: `254`.
    pub(super) code: &'static str,
    /// The international prefix that a phone dials here, if it is one row of digits.
    pub(super) dialled: Option<&'static str>,
    /// The national (trunk) prefix, often `0`.
    pub(super) prefix: Option<&'static str>,
    /// Whether people write the national prefix before a mobile number.
    pub(super) is_prefix_written: bool,
    /// The replacement for the national prefix: `$1` and digits.
    pub(super) transform: Option<&'static str>,
    /// Bit n is set if a national number can have n digits.
    lengths: u32,
    /// Bit n is set if a mobile number can have n digits.
    mobile_lengths: u32,
    international: Lazy,
    trunk: Lazy,
    general: Lazy,
    mobile: Lazy,
}

/// How well a national number fits a numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// No number has this many digits.
    None,
    /// The length is right. The plan may be newer than the table.
    Length,
    /// The plan has this number.
    Number,
    /// The plan has this number, and it is a mobile phone's.
    Mobile,
}

/// A pattern that is read when it is first used.
#[derive(Debug)]
struct Lazy {
    text: &'static str,
    pattern: OnceLock<Option<Pattern>>,
}

impl Lazy {
    fn new(text: &'static str) -> Self {
        Self { text, pattern: OnceLock::new() }
    }

    fn get(&self) -> Option<&Pattern> {
        let read = || if self.text == "-" { None } else { Pattern::read(self.text) };
        self.pattern.get_or_init(read).as_ref()
    }

    fn matches(&self, digits: &str) -> bool {
        self.get().is_some_and(|pattern| pattern.matches(digits))
    }
}

impl Plan {
    /// Reads a line of the table. Returns `None` for a comment.
    fn read(line: &'static str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let mut fields = line.split(' ');
        let mut field = || fields.next();
        let given = |text: &'static str| (text != "-").then_some(text);
        let (region, code) = (field()?, field()?);
        let (international, dialled) = (field()?, field()?);
        let (prefix, trunk, transform) = (field()?, field()?, field()?);
        let (lengths, mobile_lengths) = (field()?, field()?);
        let (general, mobile) = (field()?, field()?);
        let is_prefix_written = prefix.ends_with('!');
        let prefix = prefix.trim_end_matches('!');
        Some(Self {
            region,
            code,
            dialled: given(if dialled == "=" { international } else { dialled }),
            prefix: given(prefix),
            is_prefix_written,
            transform: given(transform),
            lengths: u32::from_str_radix(lengths, 16).ok()?,
            mobile_lengths: u32::from_str_radix(mobile_lengths, 16).ok()?,
            international: Lazy::new(international),
            trunk: Lazy::new(if trunk == "=" { prefix } else { trunk }),
            general: Lazy::new(general),
            mobile: Lazy::new(if mobile == "=" { general } else { mobile }),
        })
    }

    /// Returns the plan of a region.
    pub(super) fn of_region(region: &str) -> Option<&'static Self> {
        PLANS.iter().find(|plan| plan.region == region)
    }

    /// Returns the plans of the regions that share the country code at the start of an international number, and the
    /// rest of the number. The main region comes first. No country code is the start of another one.
    pub(super) fn of_number(digits: &str) -> Option<(&'static [Self], &str)> {
        (1..=3).find_map(|length| {
            let (code, rest) = digits.split_at_checked(length)?;
            let plans = Self::of_code(code);
            (!plans.is_empty()).then_some((plans, rest))
        })
    }

    /// Returns the plans of the regions that share a country code.
    pub(super) fn of_code(code: &str) -> &'static [Self] {
        let from = PLANS.partition_point(|plan| plan.code < code);
        let to = PLANS.partition_point(|plan| plan.code <= code);
        PLANS.get(from..to).unwrap_or_default()
    }

    /// Returns how well a national number fits this plan.
    pub(super) fn fit(&self, national: &str) -> Fit {
        if !has(self.lengths, national.len()) {
            Fit::None
        } else if !self.general.matches(national) {
            Fit::Length
        } else if self.mobile.matches(national) {
            Fit::Mobile
        } else {
            Fit::Number
        }
    }

    /// Returns whether a mobile number can have this many digits.
    pub(super) fn is_mobile_length(&self, digits: usize) -> bool {
        has(self.mobile_lengths, digits)
    }

    /// Returns the number of digits of the shortest mobile number, without a prefix.
    pub(super) fn shortest_mobile(&self) -> usize {
        usize::try_from(self.mobile_lengths.trailing_zeros()).unwrap_or(usize::MAX)
    }

    /// Returns whether no national number has this many digits or more.
    pub(super) fn is_too_long(&self, digits: usize) -> bool {
        u32::try_from(digits).is_ok_and(|digits| digits > 31 || self.lengths >> digits == 0)
    }

    /// Returns the number without the international prefix of this region at its start.
    pub(super) fn without_international<'a>(&self, digits: &'a str) -> Option<&'a str> {
        // No country code begins with 0: this would be another number.
        let starts = self.international.get()?.starts(digits);
        starts.iter().find_map(|found| digits.get(found.end..).filter(|rest| !rest.starts_with('0')))
    }

    /// Takes the national prefix away, and what stands beside it, such as the code of a carrier.
    ///
    /// The rules are those of libphonenumber. A prefix stays if it is part of the number: the number fits the plan with
    /// it, and does not fit without it.
    pub(super) fn without_trunk(&self, national: &str) -> String {
        let mut number = national.to_owned();
        // What remains may begin with a prefix again (`+254 00711…`). The identity must not depend on how often somebody
        // looks at the number.
        for _ in 0..national.len() {
            match self.without_one_trunk(&number) {
                Some(without) if without != number => number = without,
                _ => break,
            }
        }
        number
    }

    fn without_one_trunk(&self, national: &str) -> Option<String> {
        let is_number = self.general.matches(national);
        let fit = |without: &String| match self.fit(without) {
            Fit::None => Fit::None,
            // The prefix is part of the number.
            Fit::Length if is_number => Fit::None,
            // Mobile or not: what libphonenumber takes first counts.
            fit => fit.min(Fit::Number),
        };
        let starts = self.trunk.get()?.starts(national);
        // In Colombia, `03` is the prefix with the code of a carrier, but `03211234567` is the prefix and a number.
        let all = starts.iter().filter_map(|found| self.replaced(national, found));
        let best = all.reduce(|first, second| if fit(&second) > fit(&first) { second } else { first })?;
        (fit(&best) > Fit::None && best != national).then_some(best)
    }

    /// Returns the number with its national prefix replaced.
    fn replaced(&self, national: &str, found: &Found) -> Option<String> {
        let rest = national.get(found.end..)?;
        match (self.transform, found.last_group) {
            (Some(transform), Some((from, to))) => {
                let before = transform.split_once('$').map_or(transform, |(before, _)| before);
                Some(format!("{before}{}{rest}", national.get(from..to)?))
            }
            _ => Some(rest.to_owned()),
        }
    }

    /// Returns the texts of the patterns: international prefix, national prefix, general, mobile.
    #[cfg(test)]
    pub(super) fn patterns(&self) -> [&'static str; 4] {
        [self.international.text, self.trunk.text, self.general.text, self.mobile.text]
    }

    /// Returns all plans.
    #[cfg(test)]
    pub(super) fn all() -> &'static [Self] {
        &PLANS
    }
}

/// Returns how well a national number fits the best of several plans.
pub(super) fn best_fit(plans: &[Plan], national: &str) -> Fit {
    plans.iter().map(|plan| plan.fit(national)).max().unwrap_or(Fit::None)
}

fn has(lengths: u32, length: usize) -> bool {
    u32::try_from(length).is_ok_and(|length| length < 32 && lengths & (1 << length) != 0)
}
