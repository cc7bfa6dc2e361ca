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
    let mut regions: Vec<&Metadata> = DATABASE.iter().collect();
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
    let is_written = example(region).is_some_and(|example| {
        let id: Option<country::Id> = region.id().parse().ok();
        id.and_then(|id| phonenumber::parse(Some(id), format!("+{}{example}", region.country_code())).ok())
            .map(|number| number.format().mode(Mode::National).to_string())
            .map(|national| national.chars().filter(char::is_ascii_digit).collect::<String>())
            .is_some_and(|national| !prefix.is_empty() && national == format!("{prefix}{example}"))
    });
    let general = pattern(all.general().national_number().as_str());
    let (mobile, mobile_lengths) = match mobile(region) {
        Some(mobile) => (pattern(mobile.national_number().as_str()), lengths(&[mobile])),
        None => (general.clone(), lengths(&kinds)),
    };
    format!(
        "{} {} {} {} {}{} {} {} {:x} {:x} {} {}",
        region.id(),
        region.country_code(),
        or_nothing(international.clone()),
        or_same(dialled, &international),
        or_nothing(prefix.to_owned()),
        if is_written { "!" } else { "" },
        or_same(pattern(trunk), prefix),
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
