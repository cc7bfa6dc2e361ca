//! The identity of a number, compared with libphonenumber (the crate `phonenumber`), and the table that is made from
//! its metadata.

// The helpers of tests may fail like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use phonenumber::{Mode, country};
use threadless::text::number::{Country, Number, NumberFormat, normal};

/// The first lines of the table.
const HEAD: &str = "\
# The numbering plans of all regions, from the metadata of libphonenumber 9.0.33 (crate phonenumber 0.3.10).
# Copyright (C) The Libphonenumber Authors, Apache License 2.0: https://github.com/google/libphonenumber
# core/tests/numbers.rs makes this table: THREADLESS_WRITE_PLANS=1 cargo test -p threadless --test numbers table
# Fields: region, country code, international prefix, the one that is dialled, national prefix (! people write it before
# a mobile number), pattern to take the national prefix away, what replaces it, lengths and lengths of mobile numbers
# (bit n for n digits, hexadecimal), pattern of all numbers, pattern of mobile numbers.
# = is the same as the field before (for the pattern of mobile numbers: as the pattern of all numbers); - is nothing.
";

fn table_file() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/text/number/plans.txt"))
}

/// Returns all regions and codes without a country, in the order of the table.
fn regions() -> Vec<&'static Metadata> {
    // `DATABASE.iter()` has only one of the nine codes that belong to no country.
    let of_code = |code: u16| DATABASE.by_code(&code).unwrap_or_default();
    let mut regions: Vec<&Metadata> = (1..1000).flat_map(of_code).chain(DATABASE.iter()).collect();
    regions.sort_by_key(|region| {
        (region.country_code().to_string(), !region.is_main_country_for_code(), region.id().to_owned())
    });
    regions.dedup_by_key(|region| (region.id().to_owned(), region.country_code()));
    regions
}

/// Returns a pattern without the blanks that it has in the metadata.
fn pattern(text: &str) -> String {
    text.split_whitespace().collect()
}

fn lengths(kinds: &[&Descriptor]) -> u32 {
    kinds.iter().flat_map(|kind| kind.possible_length()).fold(0, |set, length| set | 1 << length)
}

fn mobile(region: &Metadata) -> Option<&Descriptor> {
    region.descriptors().mobile().filter(|mobile| mobile.example().is_some())
}

/// Returns the example of a mobile number, or of another number if the region has no mobile numbers.
fn example(region: &Metadata) -> Option<&str> {
    let all = region.descriptors();
    let others = [all.fixed_line(), all.voip(), all.toll_free(), all.uan(), all.premium_rate()];
    mobile(region).into_iter().chain(others.into_iter().flatten()).find_map(Descriptor::example)
}

/// Returns the prefix that people write before a mobile number, if they write one. In Belarus it is `80`, because `0`
/// stands behind the national prefix.
fn written_prefix(region: &Metadata) -> Option<String> {
    let (id, example) = (region.id().parse().ok()?, example(region)?);
    let number = phonenumber::parse(Some(id), format!("+{}{example}", region.country_code())).ok()?;
    let national = number.format().mode(Mode::National).to_string();
    let digits: String = national.chars().filter(char::is_ascii_digit).collect();
    digits.strip_suffix(example).filter(|prefix| !prefix.is_empty()).map(str::to_owned)
}

/// Returns a national prefix that libphonenumber no longer knows, but that people and gateways still write.
fn added_trunk(region: &str) -> Option<&'static str> {
    match region {
        // Until 2019, Mexicans dialled 01, 044 and 045, and 1 stood behind +52. No number begins with 0 or 1.
        "MX" => Some("0(?:[12]|4[45])|1"),
        _ => None,
    }
}

fn line(region: &Metadata) -> String {
    let all = region.descriptors();
    let kinds = [
        all.fixed_line(),
        all.mobile(),
        all.toll_free(),
        all.premium_rate(),
        all.shared_cost(),
        all.personal_number(),
        all.voip(),
        all.pager(),
        all.uan(),
        all.voicemail(),
    ];
    let kinds: Vec<&Descriptor> = kinds.into_iter().flatten().collect();
    let or_nothing = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let or_same = |text: String, before: &str| if text == before { "=".to_owned() } else { or_nothing(text) };

    let international = pattern(region.international_prefix().map_or("", |prefix| prefix.as_str()));
    let preferred = region.preferred_international_prefix().unwrap_or(&international).replace('~', "");
    let dialled = if preferred.bytes().all(|byte| byte.is_ascii_digit()) { preferred } else { String::new() };
    let prefix = region.national_prefix().unwrap_or_default();
    let trunk = region.national_prefix_for_parsing().map_or(prefix, |pattern| pattern.as_str());
    let trunk = added_trunk(region.id()).unwrap_or(trunk);
    let written = written_prefix(region);
    let general = pattern(all.general().national_number().as_str());
    let (mobile, mobile_lengths) = match mobile(region) {
        // Some machines have shorter numbers than phones. A short code must not look like one of them.
        Some(mobile) => {
            let usual = example(region).map_or(0, str::len).min(7);
            (pattern(mobile.national_number().as_str()), lengths(&[mobile]) >> usual << usual)
        }
        None if region.id() == "001" => (String::new(), 0),
        // Tristan da Cunha has no mobile phones.
        None => (general.clone(), lengths(&kinds)),
    };
    format!(
        "{} {} {} {} {}{} {} {} {:x} {:x} {} {}",
        region.id(),
        region.country_code(),
        or_nothing(international.clone()),
        or_same(dialled, &international),
        or_nothing(written.as_deref().unwrap_or(prefix).to_owned()),
        if written.is_some() { "!" } else { "" },
        or_same(pattern(trunk), written.as_deref().unwrap_or(prefix)),
        or_nothing(pattern(region.national_prefix_transform_rule().unwrap_or_default())),
        lengths(&kinds),
        mobile_lengths,
        or_nothing(general.clone()),
        or_same(mobile, &general),
    )
}

#[test]
fn the_table_is_made_from_the_metadata_of_libphonenumber() {
    let mut table = HEAD.to_owned();
    for region in regions() {
        writeln!(table, "{}", line(region)).unwrap();
    }
    if std::env::var_os("THREADLESS_WRITE_PLANS").is_some() {
        std::fs::write(table_file(), &table).unwrap();
    }
    let written = std::fs::read_to_string(table_file()).unwrap();
    let (made, written): (Vec<&str>, Vec<&str>) = (table.lines().collect(), written.lines().collect());
    for (made, written) in made.iter().zip(&written) {
        assert_eq!(made, written);
    }
    assert_eq!(made.len(), written.len());
    assert!(table.len() < 40_000, "{} bytes", table.len());
}

/// The decimal digits of some scripts, by their zero.
const SCRIPTS: [char; 6] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{ff10}', '\u{1040}', '\u{1d7ce}'];

/// Returns the digits in another script.
fn in_script(text: &str, zero: char) -> String {
    let other = |c: char| match c.to_digit(10) {
        Some(digit) => char::from_u32(u32::from(zero) + digit).unwrap(),
        None => c,
    };
    text.chars().map(other).collect()
}

/// Returns a text with signs between its characters, as people and programs write them.
fn with_signs(text: &str) -> Vec<String> {
    let split = |signs: &str| {
        let parts: Vec<String> = text.chars().map(String::from).collect();
        let parts: Vec<String> = parts.chunks(3).map(<[String]>::concat).collect();
        parts.join(signs)
    };
    let mut written: Vec<String> = [
        " ", "-", ".", "/", "\u{a0}", "\u{2009}", "\u{2011}", "\u{2013}", "\u{2212}", "\u{200d}", "\u{ad}",
        " - ", ") ",
    ]
    .iter()
    .map(|signs| split(signs))
    .collect();
    written.extend(SCRIPTS.map(|zero| in_script(text, zero)));
    written.push(format!("\u{202a}{text}\u{202c}"));
    written.push(format!("\u{feff} {text}\t"));
    written.push(format!("({text})"));
    written.push(format!("'{text}"));
    written.push(format!("tel:{text}"));
    written.push(format!("TEL:{};ext=7", split("-")));
    written
}

/// Returns the rows of up to five digits that an international prefix takes, and `00`.
fn international_prefixes(region: &Metadata) -> Vec<String> {
    let text = pattern(region.international_prefix().map_or("", |prefix| prefix.as_str()));
    let mut prefixes = vec!["00".to_owned()];
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        prefixes.push(text);
        return prefixes;
    }
    let whole = regex::Regex::new(&format!("^(?:{text})$")).unwrap();
    let all = (2..=5_usize).flat_map(|length| {
        (0..10_u32.pow(u32::try_from(length).unwrap())).map(move |n| format!("{n:0length$}"))
    });
    prefixes.extend(all.filter(|prefix| whole.is_match(prefix)));
    // Australia has longer ones.
    prefixes.extend(["14110011".to_owned()].into_iter().filter(|prefix| whole.is_match(prefix)));
    prefixes
}

/// The regions of the table with two letters, each with an example: a mobile number, or another one if it has none.
fn examples() -> Vec<(&'static Metadata, Country, &'static str)> {
    let countries = regions().into_iter().filter(|region| region.id() != "001");
    let all: Vec<_> =
        countries.map(|region| (region, region.id().parse().unwrap(), example(region).unwrap())).collect();
    assert!(all.len() >= 245, "{}", all.len());
    all
}

/// Returns the identity that libphonenumber gives to what somebody wrote.
fn oracle(written: &str, region: &Metadata) -> Option<String> {
    let id: country::Id = region.id().parse().ok()?;
    let number = phonenumber::parse(Some(id), written).ok()?;
    Some(number.format().mode(Mode::E164).to_string())
}

fn identity(written: &str, country: Option<Country>) -> String {
    normal(written, country).map_or_else(|reason| reason.to_string(), Number::into_string)
}

#[test]
fn each_way_to_write_the_example_of_a_region_is_one_identity() {
    let mut wrong = Vec::new();
    for (region, country, national) in examples() {
        let code = region.country_code();
        let expected = format!("+{code}{national}");
        assert_eq!(oracle(&expected, region).as_deref(), Some(expected.as_str()));
        let mut plain = vec![expected.clone(), format!("{code}{national}"), national.to_owned()];
        // Argentina writes a national prefix before other numbers than these.
        let prefix = region.national_prefix().filter(|_| region.id() != "AR").map(str::to_owned);
        let prefixes = prefix.into_iter().chain(written_prefix(region));
        plain.extend(prefixes.map(|prefix| format!("{prefix}{national}")));
        plain.extend(international_prefixes(region).iter().map(|prefix| format!("{prefix}{code}{national}")));
        let mut written: Vec<String> = plain.iter().take(6).flat_map(|plain| with_signs(plain)).collect();
        let number = phonenumber::parse(None, &expected).unwrap();
        let modes = [Mode::National, Mode::International, Mode::Rfc3966];
        written.extend(modes.map(|mode| number.format().mode(mode).to_string()));
        written.extend(plain);
        for written in written {
            let found = identity(&written, Some(country));
            if found != expected {
                wrong.push(format!("{} {written}: {found}, not {expected}", region.id()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_examples_of_all_kinds_keep_their_international_form() {
    for region in regions() {
        let all = region.descriptors();
        let kinds =
            [all.fixed_line(), all.mobile(), all.toll_free(), all.voip(), all.premium_rate(), all.uan()];
        for example in kinds.into_iter().flatten().filter_map(Descriptor::example) {
            let number = format!("+{}{example}", region.country_code());
            if number.len() > 7 {
                assert_eq!(normal(&number, None), Ok(Number::E164(number.clone())), "{}", region.id());
            }
        }
    }
}

#[test]
fn an_example_is_the_same_from_any_other_country() {
    // Without `+` only where no national number of the other country looks like it.
    let (mut all, mut other) = (0, Vec::new());
    let home = ["KE", "US", "GB", "IN", "BR", "NG", "FR", "ZA"];
    for country in home.map(|home| home.parse::<Country>().unwrap()) {
        for (region, _, national) in examples() {
            let code = region.country_code().to_string();
            let expected = format!("+{code}{national}");
            assert_eq!(identity(&expected, Some(country)), expected, "{country}");
            assert_eq!(identity(&format!("00{code}{national}"), Some(country)), expected, "{country}");
            let bare = format!("{code}{national}");
            if code != country.calling_code() && bare.len() >= 11 {
                all += 1;
                let found = identity(&bare, Some(country));
                if found != expected {
                    other.push(format!("{country} {bare} {found}"));
                }
            }
        }
    }
    assert!(other.len() * 100 < all, "{} of {all}:\n{}", other.len(), other.join("\n"));
}

#[test]
fn the_short_codes_of_libphonenumber_stay_in_every_country() {
    // One line for each region: its examples of short numbers of all kinds.
    let mut changed = BTreeSet::new();
    for line in include_str!("fixtures/short_codes.txt").lines().filter(|line| !line.starts_with('#')) {
        let (region, codes) = line.split_once(' ').unwrap();
        for code in codes.split(' ') {
            for country in [region.parse().ok(), None] {
                let found = normal(code, country);
                if found != Ok(Number::ShortCode(code.to_owned())) {
                    changed.insert(format!("{region} {code} {found:?}"));
                }
            }
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn a_gateway_gets_a_form_that_is_the_same_identity() {
    let mut plus = Vec::new();
    for (region, country, national) in examples() {
        let identity = format!("+{}{national}", region.country_code());
        let form = |form: NumberFormat| form.write(&identity, Some(country));
        assert_eq!(form(NumberFormat::E164), identity);
        assert_eq!(form(NumberFormat::International), identity[1..]);
        let dialled = form(NumberFormat::National);
        assert_eq!(normal(&dialled, Some(country)), Ok(Number::E164(identity.clone())), "{country}");
        let expected = match written_prefix(region) {
            Some(prefix) => format!("{prefix}{national}"),
            None => national.to_owned(),
        };
        if region.id() == "AR" {
            assert_eq!(dialled, "0111523456789");
        } else if dialled != expected {
            plus.push(format!("{country} {dialled} {expected}"));
        }
    }
    assert!(plus.is_empty(), "{plus:#?}");
}
