use proptest::prelude::*;

use super::pattern::{Found, Pattern};
use super::plan::Plan;
use super::signs;
use super::*;

fn country(code: &str) -> Option<Country> {
    Some(code.parse().unwrap()).filter(|_| code != "-")
}

/// Returns the kind and the text of an identity, or the reason against it.
fn shown(written: &str, code: &str) -> String {
    let country = if code == "-" { None } else { country(code) };
    match normal(written, country) {
        Ok(Number::E164(text)) => text,
        Ok(Number::ShortCode(text)) => format!("short {text}"),
        Ok(Number::Name(text)) => format!("name {text}"),
        Ok(Number::Other(text)) => format!("other {text}"),
        Err(reason) => reason.to_string(),
    }
}

/// Compares a table of country, what somebody wrote, and the identity.
fn compare(table: &[(&str, &str, &str)]) {
    for (country, written, expected) in table {
        assert_eq!(shown(written, country), *expected, "{country} {written:?}");
    }
}

#[test]
fn each_way_to_write_a_number_is_the_same_identity() {
    for written in [
        "+254711000222",
        "254711000222",
        "0711000222",
        "711000222",
        "00254711000222",
        "000254711000222",
        "+254 711 000 222",
        "+254 (0)711 000-222",
        "(0711) 000.222",
        "0711/000/222",
        "0711\u{a0}000\u{2009}222",
        "0711\u{2011}000\u{2013}222",
        "0711\u{30fc}000\u{ff0d}222",
        "07\u{200d}11\u{ad}000\u{200b}222",
        "\u{202a}+254711000222\u{202c}",
        "\u{feff}0711000222",
        "\u{2066}0711000222\u{2069}",
        "٠٧١١٠٠٠٢٢٢",
        "۰۷۱۱۰۰۰۲۲۲",
        "०७११०००२२२",
        "０７１１０００２２２",
        "＋２５４７１１０００２２２",
        "\t0711000222\r\n",
        "'0711000222",
        "\"0711000222\"",
        "0711000222,",
        "+0711000222",
        "+00254711000222",
        "tel:+254-711-000-222",
        "TEL:0711000222",
        "tel:0711-000-222;phone-context=+254",
        "tel:711000222;phone-context=example.com",
        "tel:+254711000222;ext=12",
        "sms:+254711000222?body=call%20me",
        "sms:%2B254711000222",
    ] {
        assert_eq!(normal(written, country("KE")), Ok(Number::E164("+254711000222".into())), "{written:?}");
    }
}

#[test]
fn the_rules_of_the_countries_are_kept() {
    compare(&[
        // Italy: the zero of a landline is part of the number.
        ("IT", "06 1234 5678", "+390612345678"),
        ("IT", "+39 06 1234 5678", "+390612345678"),
        ("IT", "390612345678", "+390612345678"),
        ("IT", "312 345 6789", "+393123456789"),
        // Argentina: 9 from abroad, 15 at home.
        ("AR", "011 15-2345-6789", "+5491123456789"),
        ("AR", "11 15-2345-6789", "+5491123456789"),
        ("AR", "02966 15-123456", "+5492966123456"),
        ("AR", "+54 9 11 2345-6789", "+5491123456789"),
        ("AR", "5491123456789", "+5491123456789"),
        ("AR", "011 2345-6789", "+541123456789"),
        // Mexico: no prefix since 2019. The old ones are still written.
        ("MX", "55 1234 5678", "+525512345678"),
        ("MX", "+52 1 55 1234 5678", "+525512345678"),
        ("KE", "+52 1 55 1234 5678", "+525512345678"),
        ("MX", "5215512345678", "+525512345678"),
        ("MX", "044 55 1234 5678", "+525512345678"),
        ("MX", "01 55 1234 5678", "+525512345678"),
        // Brazil: the code of a carrier stands behind the prefix.
        ("BR", "0 15 11 96123-4567", "+5511961234567"),
        ("BR", "(11) 96123-4567", "+5511961234567"),
        ("BR", "0 11 96123-4567", "+5511961234567"),
        ("BR", "00 15 55 11 96123-4567", "+5511961234567"),
        ("BR", "00 55 11 96123-4567", "+5511961234567"),
        ("BR", "90 11 96123-4567", "+5511961234567"),
        // Ivory Coast: ten digits since 2021, and the zero is part of the number.
        ("CI", "07 12 34 56 78", "+2250712345678"),
        ("CI", "+225 07 12 34 56 78", "+2250712345678"),
        ("CI", "2250712345678", "+2250712345678"),
        ("CI", "+225 07 12 34 56", "+22507123456"),
        // Russia and Kazakhstan share a code. In Belarus, 0 stands behind the prefix.
        ("RU", "8 (916) 123-45-67", "+79161234567"),
        ("KZ", "8 771 000 9998", "+77710009998"),
        ("RU", "8~10 254 711 000222", "+254711000222"),
        ("BY", "8 029 491-19-11", "+375294911911"),
        // Hungary has a prefix of two digits, Lithuania has two prefixes.
        ("HU", "06 20 123 4567", "+36201234567"),
        ("LT", "8 612 34567", "+37061234567"),
        ("LT", "0 612 34567", "+37061234567"),
        // 25 regions share the code 1.
        ("US", "(201) 555-0123", "+12015550123"),
        ("US", "1-201-555-0123", "+12015550123"),
        ("BS", "1-201-555-0123", "+12015550123"),
        ("BS", "201 555 0123", "+12015550123"),
        ("US", "011 254 711 000222", "+254711000222"),
        // In Colombia, 03 is also the prefix with the code of a carrier.
        ("CO", "03211234567", "+573211234567"),
        ("CO", "03 03211234567", "+573211234567"),
        // Singapore has prefixes of three digits, such as 005.
        ("SG", "005 65 8123 4567", "+6581234567"),
        ("SG", "8123 4567", "+6581234567"),
        ("NO", "40 61 23 45", "+4740612345"),
        ("SH", "51234", "+29051234"),
        ("SH", "290 51234", "+29051234"),
        ("GB", "+44 (0) 7400 123456", "+447400123456"),
        ("DE", "01512 3456789", "+4915123456789"),
        ("AU", "0011 254 711 000222", "+254711000222"),
        // A landline with its prefix.
        ("KE", "020 2012345", "+254202012345"),
        ("DE", "030 123456", "+4930123456"),
        // A landline without its prefix, if it is longer than a short code.
        ("EG", "23 4567890", "+20234567890"),
        ("CN", "10 1234 5678", "+861012345678"),
        // A free number of the country, not of the code 800 that belongs to no country.
        ("NG", "80017591759", "+23480017591759"),
    ]);
}

#[test]
fn a_number_of_another_country_is_told_from_a_national_one() {
    compare(&[
        ("KE", "255711000222", "+255711000222"),
        ("DE", "33612345678", "+33612345678"),
        ("DE", "3361234567", "+493361234567"),
        ("US", "254711000222", "+254711000222"),
        ("US", "2547110002", "+12547110002"),
        ("KE", "4520123456", "+4520123456"),
        // No plan has these digits.
        ("KE", "1112223333", "other 1112223333"),
        ("KE", "999999999999", "other 999999999999"),
        // A plan that is newer than the table, with the length of a mobile number.
        ("KE", "0399000222", "+254399000222"),
        ("KE", "399000222", "+254399000222"),
        ("KE", "+999123456789", "+999123456789"),
    ]);
}

#[test]
fn short_codes_and_names_stay() {
    compare(&[
        ("KE", "22384", "short 22384"),
        ("KE", "22-384", "short 22384"),
        ("KE", "٢٢٣٨٤", "short 22384"),
        ("KE", "100", "short 100"),
        ("KE", "0700", "short 0700"),
        ("KE", "71100022", "short 71100022"),
        ("DE", "80333", "short 80333"),
        ("DE", "12345678", "short 12345678"),
        ("ZA", "30782", "short 30782"),
        ("US", "40404", "short 40404"),
        ("BS", "3591234", "short 3591234"),
        ("AD", "712345", "short 712345"),
        ("AD", "312345", "+376312345"),
        ("SG", "61234567", "+6561234567"),
        ("KE", "+22384", "other +22384"),
        ("KE", "*144#", "other *144#"),
        ("KE", "*١٤٤#", "other *144#"),
        ("KE", "MPESA", "name MPESA"),
        ("KE", " M\u{200b}PESA\u{200f} ", "name MPESA"),
        ("KE", "Info 4U", "name Info 4U"),
        ("KE", "1-800-FLOWERS", "name 1-800-FLOWERS"),
        ("KE", "0711000222 Mary", "name 0711000222 Mary"),
        ("KE", "ኢትዮ ቴሌኮም", "name ኢትዮ ቴሌኮም"),
        ("KE", "tel:MPESA", "name tel:MPESA"),
        ("KE", "whatsapp:+254711000222", "name whatsapp:+254711000222"),
        ("KE", "2E5", "name 2E5"),
        // The id of a chat: not a number with a dash before it.
        ("KE", "-1001234567890", "other -1001234567890"),
    ]);
}

#[test]
fn without_a_country_only_what_is_unambiguous_changes() {
    compare(&[
        ("-", "+254 711-000-222", "+254711000222"),
        ("-", "+44 (0)7400 123456", "+447400123456"),
        ("-", "00254711000222", "+254711000222"),
        ("-", "00 254 711 000 222", "+254711000222"),
        ("-", "00683 4002", "+6834002"),
        ("-", "0711 000 222", "other 0711000222"),
        ("-", "0711-000-222", "other 0711000222"),
        ("-", "254711000222", "other 254711000222"),
        ("-", "1112223333", "other 1112223333"),
        ("-", "٠٧١١٠٠٠٢٢٢", "other 0711000222"),
        ("-", "0012345", "short 0012345"),
        ("-", "00999123456789", "other 00999123456789"),
        ("-", "+0711000222", "other +0711000222"),
        ("-", "-00254711000222", "other -00254711000222"),
        ("-", "011254711000222", "other 011254711000222"),
        ("-", "22384", "short 22384"),
        ("-", "MPESA", "name MPESA"),
    ]);
}

#[test]
fn what_cannot_be_a_recipient_is_named() {
    const SPREADSHEET: &str = "is a number that a spreadsheet changed, as in 2.54711E+11; format the column as text, and enter the number again";
    const SEVERAL: &str = "holds more than one number; give each number on its own";
    compare(&[
        ("KE", "", "is empty"),
        ("KE", " \u{a0}\u{200b}\t", "is empty"),
        ("KE", "+", "has neither a digit nor a letter"),
        ("KE", "-- ()", "has neither a digit nor a letter"),
        ("KE", "😀", "has neither a digit nor a letter"),
        ("KE", "2.54711E+11", SPREADSHEET),
        ("KE", "2,54711E+11", SPREADSHEET),
        ("KE", "2E+11", SPREADSHEET),
        ("KE", "2.5e11", SPREADSHEET),
        ("KE", "254711000222.0", SPREADSHEET),
        ("KE", "254711000222,00", SPREADSHEET),
        ("KE", "254711000337,254711000338", SEVERAL),
        ("KE", "254711000337; 254711000338", SEVERAL),
        ("KE", "0711000337 | 0711000338", SEVERAL),
        ("KE", "254711000337 254711000338", SEVERAL),
        ("KE", "254711000337\n254711000338", SEVERAL),
        ("KE", "0711000337/0711000338", SEVERAL),
        ("KE", "+254 711 000 337 +254 711 000 338", SEVERAL),
        ("KE", "+254711000337+254711000338", SEVERAL),
        ("KE", "22384,22385", SEVERAL),
        ("KE", "٢٥٤٧١١٠٠٠٣٣٧،٢٥٤٧١١٠٠٠٣٣٨", SEVERAL),
        ("KE", "+2547110002223334", "has 16 digits; a phone number has at most 15"),
        ("KE", "2547110002223334", "has 16 digits; a phone number has at most 15"),
        ("-", "254711000222333444555666777", "has 27 digits; a phone number has at most 15"),
        ("KE", "0711:000222", "has the sign ':', which no phone number has"),
        ("KE", "0711000222,1", "has the sign ',', which no phone number has"),
        ("KE", "0711+000222", "has the sign '+', which no phone number has"),
    ]);
}

#[test]
fn a_slash_or_a_blank_within_one_number_is_no_list() {
    compare(&[
        ("DE", "030/1234567", "+49301234567"),
        ("DE", "00 49 30 / 123 45 67", "+49301234567"),
        ("KE", "+254 711000222", "+254711000222"),
        ("AU", "1411 0011 254 711000222", "+254711000222"),
    ]);
}

#[test]
fn a_digit_of_any_script_is_a_digit() {
    let decimal = regex::Regex::new(r"^\d$").unwrap();
    let mut run = 0;
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let is_decimal = decimal.is_match(c.encode_utf8(&mut [0; 4]));
        assert_eq!(signs::digit(c).is_some(), is_decimal, "{c:?}");
        // Unicode has decimal digits in rows of ten, from zero to nine.
        if let Some(digit) = signs::digit(c) {
            assert_eq!(digit.to_digit(10), Some(run), "{c:?}");
            run = (run + 1) % 10;
        }
    }
}

#[test]
fn a_sign_has_one_meaning() {
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let meanings = [
            signs::digit(c).is_some(),
            signs::is_invisible(c),
            signs::is_letter(c),
            signs::is_separator(c),
            signs::is_plus(c),
            signs::is_list_sign(c),
            signs::is_quote(c),
        ];
        assert!(meanings.iter().filter(|meaning| **meaning).count() <= 1, "{c:?} {meanings:?}");
    }
}

#[test]
fn a_pattern_finds_what_the_crate_regex_finds() {
    let mut compared = 0;
    for plan in Plan::all() {
        for text in plan.patterns().into_iter().filter(|text| *text != "-") {
            let pattern = Pattern::read(text).unwrap_or_else(|| panic!("{} {text}", plan.region));
            let whole = regex::Regex::new(&format!("^(?:{text})$")).unwrap();
            let start = regex::Regex::new(&format!("^(?:{text})")).unwrap();
            let last = start.captures_len() - 1;
            for digits in near(text) {
                assert_eq!(pattern.matches(&digits), whole.is_match(&digits), "{text} {digits}");
                let expected = start.captures(&digits).map(|found| Found {
                    end: found.get(0).unwrap().end(),
                    last_group: found
                        .get(last)
                        .filter(|_| last > 0)
                        .map(|group| (group.start(), group.end())),
                });
                assert_eq!(pattern.starts(&digits).into_iter().next(), expected, "{text} {digits}");
                compared += usize::from(expected.is_some());
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

/// Returns rows of digits that are near to what a pattern takes: its own digits, shifted and filled up.
fn near(text: &str) -> Vec<String> {
    let own: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let mut all = Vec::new();
    for start in (0..own.len()).step_by(1 + own.len() / 12) {
        for length in 0..14 {
            let mut digits: String = own.iter().skip(start).take(length).collect();
            all.push(digits.clone());
            while digits.len() < length {
                digits.push(
                    char::from_digit(u32::try_from(digits.len() * 7 + start).unwrap() % 10, 10).unwrap(),
                );
            }
            all.push(digits);
        }
    }
    all
}

#[test]
fn an_unknown_form_of_a_pattern_is_refused() {
    for text in ["a", "[", "[a]", "(", "1)", "1{", "1{2", "1{2,", "*", "1+", r"\w", "(?!1)"] {
        assert!(Pattern::read(text).is_none(), "{text}");
    }
}

#[test]
fn the_table_is_read_completely() {
    let lines = plan::TABLE.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!((Plan::all().len(), lines), (254, 254));
    let codes: Vec<&str> = Plan::all().iter().map(|plan| plan.code).collect();
    assert!(codes.is_sorted());
    // No code is the start of another one, so the code at the start of a number is known.
    for pair in codes.windows(2) {
        assert!(pair[0] == pair[1] || !pair[1].starts_with(pair[0]), "{pair:?}");
    }
}

#[test]
fn a_country_has_two_letters_and_a_plan() {
    assert_eq!("ke".parse::<Country>().unwrap().to_string(), "KE");
    for text in ["", "K", "KEN", "UK", "EU", "001", "254", "ÄÄ", "Kenya", "-"] {
        assert!(text.parse::<Country>().is_err(), "{text}");
    }
}

#[test]
fn a_gateway_gets_the_form_that_it_wants() {
    let written = |format: &str, identity: &str, code: &str| {
        let format: NumberFormat = format.parse().unwrap();
        format.write(identity, if code == "-" { None } else { country(code) })
    };
    for (format, identity, country, expected) in [
        ("e164", "+254711000222", "KE", "+254711000222"),
        ("international", "+254711000222", "KE", "254711000222"),
        ("international", "+254711000222", "-", "254711000222"),
        ("national", "+254711000222", "KE", "0711000222"),
        ("national", "+254711000222", "-", "+254711000222"),
        ("national", "+255711000222", "KE", "000255711000222"),
        ("national", "+254711000222", "BR", "+254711000222"),
        ("national", "+254711000222", "AU", "0011254711000222"),
        ("national", "+5491123456789", "AR", "0111523456789"),
        ("national", "+5492966123456", "AR", "0296615123456"),
        ("national", "+390612345678", "IT", "0612345678"),
        ("national", "+12015550123", "US", "2015550123"),
        ("national", "+12015550123", "BS", "2015550123"),
        ("national", "+36201234567", "HU", "06201234567"),
        ("national", "+375294911911", "BY", "80294911911"),
        ("national", "22384", "KE", "22384"),
        ("international", "MPESA", "KE", "MPESA"),
        ("international", "+22384", "KE", "+22384"),
        ("international", "0711000222", "KE", "0711000222"),
    ] {
        assert_eq!(written(format, identity, country), expected, "{format} {identity} {country}");
    }
    assert!("National".parse::<NumberFormat>().is_err());
}

#[test]
fn the_other_forms_of_an_identity_are_the_usual_ways_to_write_it() {
    let forms = |identity: &str, code: &str| other_forms(identity, country(code)).join(" ");
    assert_eq!(
        forms("+5491123456789", "AR"),
        "5491123456789 0111523456789 91123456789 091123456789 005491123456789"
    );
    assert_eq!(forms("+393123456789", "IT"), "393123456789 3123456789 00393123456789");
    assert_eq!(forms("+12015550123", "US"), "12015550123 2015550123 0012015550123 01112015550123");
    assert_eq!(forms("+255711000222", "KE"), "255711000222 00255711000222 000255711000222");
    assert_eq!(forms("MPESA", "KE"), "");
    assert_eq!(forms("22384", "KE"), "");
}

/// A country of the table, or none.
fn any_country() -> impl Strategy<Value = Option<Country>> {
    (0..Plan::all().len()).prop_map(|at| Plan::all()[at].region.parse().ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_it_panic_and_the_normal_form_stays(
        text in r"[+0-9٠-٩ \-()./,;:*#'eE\u{200f}]{0,24}",
        country in any_country(),
    ) {
        if let Ok(number) = normal(&text, country) {
            prop_assert_eq!(normal(number.as_str(), country), Ok(number.clone()), "{}", text);
        }
    }

    #[test]
    fn any_text_at_all_is_read(text in any::<String>(), country in any_country()) {
        if let Ok(number) = normal(&text, country) {
            prop_assert_eq!(normal(number.as_str(), country), Ok(number.clone()));
        }
    }

    #[test]
    fn digits_have_one_normal_form_that_stays(
        digits in "(\\+|00|0|1|8|)[0-9]{3,16}",
        country in any_country(),
    ) {
        if let Ok(number) = normal(&digits, country) {
            prop_assert_eq!(normal(number.as_str(), country), Ok(number.clone()), "{}", digits);
            for format in [NumberFormat::E164, NumberFormat::National] {
                let written = format.write(number.as_str(), country);
                prop_assert_eq!(normal(&written, country), Ok(number.clone()), "{} {}", digits, written);
            }
        }
    }

    #[test]
    fn signs_between_digits_change_nothing(
        digits in "[0-9]{3,15}",
        signs in prop::collection::vec(prop::sample::select(vec!["", "", " ", "-", ".", "\u{200f}", "\u{a0}"]), 15),
        country in any_country(),
    ) {
        let written: String = digits.chars().zip(signs).flat_map(|(digit, sign)| [digit.to_string(), sign.to_owned()]).collect();
        let plain = normal(&digits, country);
        // `1234567.0` is a number from a spreadsheet.
        prop_assume!(normal(&written, country) != Err(NoRecipient::Spreadsheet));
        prop_assert_eq!(normal(&written, country), plain);
    }

    #[test]
    fn fewer_digits_than_any_number_has_stay_as_they_are(digits in "[0-9]{3,5}", country in any_country()) {
        let is_tiny = country.and_then(Country::plan).is_some_and(|plan| plan.shortest_mobile() <= 6);
        prop_assume!(!is_tiny);
        prop_assert_eq!(normal(&digits, country), Ok(Number::ShortCode(digits)));
    }
}
