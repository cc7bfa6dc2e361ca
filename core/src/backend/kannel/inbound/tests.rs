//! Tests of queries that get-urls bring, from tables and from proptest.

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::prelude::*;

use super::*;
use crate::util::hex::hex;

fn text(raw: &str) -> (String, bool) {
    let received = parse(raw).unwrap();
    (received.text, received.raw.is_none())
}

#[test]
fn every_way_of_handing_over_the_text_is_read_from_its_bytes() {
    let table = [
        ("id=1&hex=6563686F2068690A&charset=UTF-8&coding=0", "echo hi\n", true),
        ("id=1&text=%C3%A9+%C2%A3+%E2%82%AC+%40+%7B&charset=UTF-8&coding=0", "é £ € @ {", true),
        ("id=1&text=%120%12%0B%12%1D&charset=UTF-16BE&coding=2", "ሰላም", true),
        ("id=1&hex=1230120B121D&charset=UTF-16BE&coding=2", "ሰላም", true),
        ("id=1&hex=1230120B121D&charset=&coding=2", "ሰላም", true),
        ("id=1&hex=1230120B121D&coding=2", "ሰላም", true),
        ("id=1&hex=D83DDC69200DD83DDCBB&charset=UTF-16BE&coding=2", "👩\u{200d}💻", true),
        ("id=1&hex=FFFF0000&charset=UTF-16BE&coding=2", "\u{ffff}\0", true),
        ("id=1&hex=&charset=UTF-8&coding=0", "", true),
        ("id=1&text=", "", true),
        ("id=1&text=hi&charset=%C&coding=%c&hex=%e", "hi", true),
        ("id=1&text=hi&coding=-1", "hi", true),
        ("id=1&text=100%25+%25e", "100% %e", true),
        ("id=1&text=caf%E9&charset=ISO-8859-1", "café", true),
        ("id=1&text=caf%E9&charset=UTF-8", "caf\u{fffd}", false),
        ("id=1&text=caf%E9", "café", false),
        ("id=1&text=%80&charset=WINDOWS-1252", "€", true),
        ("id=1&hex=00FF01&charset=8-BIT&coding=1", "\0ÿ\u{1}", false),
        ("id=1&hex=00FF01&coding=1", "\0ÿ\u{1}", false),
        ("id=1&hex=123012&charset=UTF-16BE", "ሰ\u{fffd}", false),
        ("id=1&text=hi&charset=KLINGON", "hi", false),
        ("id=1&hex=1230120B&charset=KLINGON&coding=2", "ሰላ", false),
        ("id=1&hex=1230&charset=%25C&coding=2", "ሰ", true),
        ("id=1&hex=%25e&text=%25e&charset=%25C&coding=%25c", "%e", true),
        ("id=1&hex=F09F9982&charset=UTF-8&coding=2", "🙂", true),
        ("id=1&hex=93&charset=ISO-8859-1", "\u{93}", true),
        ("id=1&hex=93&charset=windows-1252", "“", true),
        ("id=1&hex=D3E1&charset=CP1256", "سل", true),
        ("id=1&text=a%0Ab%0D%00c", "a\nb\r\0c", true),
        ("id=1&text=first&text=second", "first", true),
        ("text=%25a&id=1", "%a", true),
        ("id=1&hex=001B65&charset=GSM", "@€", true),
        ("id=1&text=%zz%", "%zz%", true),
    ];
    for (raw, expected, exact) in table {
        assert_eq!(text(raw), (expected.to_owned(), exact), "{raw}");
    }
}

#[test]
fn the_other_parameters_are_read_where_they_were_filled_in() {
    let raw = "id=%2B251911&to=1234&hex=61&mid=u-1&ts=1795519533&smsc=usb0&account=&udh=%u&token=s3cret";
    let received = parse(raw).unwrap();
    assert_eq!(received.identity.as_str(), "+251911");
    assert_eq!(received.recipient.as_deref(), Some("1234"));
    assert_eq!(received.gateway_id.as_deref(), Some("u-1"));
    assert_eq!(received.received_at, Timestamp::from_second(1_795_519_533).ok());
    let details: Vec<_> = received.details.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(details, ["smsc=usb0", "ts=1795519533"]);

    let bare = parse("id=+251911&text=a&mid=%I&ts=%T&to=%P").unwrap();
    assert_eq!(bare.identity.as_str(), "+251911", "a plus that was not escaped");
    assert_eq!((bare.gateway_id, bare.received_at, bare.recipient), (None, None, None));
    for ts in ["2026-11-24+11:25:33", "1795519533000"] {
        let dated = parse(&format!("id=1&text=a&ts={ts}")).unwrap();
        assert_eq!(dated.received_at, Timestamp::from_second(1_795_519_533).ok(), "{ts}");
    }
    let escaped = parse("id=1&text=a&mid=%25I&ts=%25T&to=%25P&smsc=%25i").unwrap();
    assert_eq!((escaped.gateway_id, escaped.received_at, escaped.recipient), (None, None, None));
    assert!(escaped.details.is_empty(), "escape codes that a proxy escaped");
    for never in ["soon", "0", "-5", "99999999999999", "99999999999999999999", "2026-13-01 00:00:00"] {
        assert_eq!(parse(&format!("id=1&text=a&ts={never}")).unwrap().received_at, None, "{never}");
    }
    assert_eq!(parse("id=MTN+INFO&text=a").unwrap().identity.as_str(), "MTN INFO");
}

#[test]
fn faults_name_their_fields_all_at_once() {
    let long = format!("id={}&text=a", "9".repeat(257));
    let table = [
        ("", vec!["id", "text"]),
        ("&&=&", vec!["id", "text"]),
        ("id=&text=a", vec!["id"]),
        ("id=%p&text=%a", vec!["id", "text"]),
        ("id=1&hex=%e", vec!["hex"]),
        ("id=1&hex=abc", vec!["hex"]),
        ("id=1&hex=zz&text=a", vec!["hex"]),
        (long.as_str(), vec!["id"]),
    ];
    for (raw, fields) in table {
        let faults = parse(raw).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), fields, "{raw}");
    }
}

#[test]
fn the_token_is_not_kept() {
    assert_eq!(without_token("id=1&token=s3cret&x"), "id=1&token=&x");
    assert_eq!(without_token("tok%65n=s3cret"), "token=");
}

/// Generates queries from parts that a get-url may have and parts that it must not have.
fn queries() -> impl Strategy<Value = String> {
    let name = prop_oneof!["id|hex|text|charset|coding|mid|ts|to|token", "[a-z%]{0,3}"];
    let charset = "UTF-8|UTF-16BE|8-BIT|ISO-8859-1|WINDOWS-125[0-8]|GSM|X|ISO-2022-JP";
    let value =
        prop_oneof![charset, "-1|0|1|2|%[a-zA-Z]", "(%[0-9A-F]{2}){0,9}", "[0-9A-F]{0,9}", "\\PC{0,9}"];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    proptest::collection::vec(pair, 0..9).prop_map(|pairs| pairs.join("&"))
}

proptest! {
    #[test]
    fn no_query_makes_it_panic(raw in queries()) {
        match parse(&raw) {
            Ok(received) => {
                prop_assert!((1..=Identity::MAX_BYTES).contains(&received.identity.as_str().len()));
                prop_assert!(received.received_at.is_none_or(|at| at > Timestamp::UNIX_EPOCH));
            }
            Err(faults) => prop_assert!(!faults.is_empty() && faults.len() <= 2),
        }
    }

    #[test]
    fn every_text_survives_in_each_way_of_handing_it_over(text: String, plus: bool) {
        let escaped = |bytes: &[u8]| {
            let all = percent_encode(bytes, NON_ALPHANUMERIC).to_string();
            if plus { all.replace("%20", "+") } else { all }
        };
        let hex = |bytes: &[u8]| hex(bytes).to_uppercase();
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for raw in [
            format!("id=1&hex={}&charset=UTF-16BE&coding=2", hex(&wide)),
            format!("id=1&text={}&charset=UTF-16BE&coding=2", escaped(&wide)),
            format!("id=1&hex={}&charset=UTF-8&coding=0", hex(text.as_bytes())),
            format!("id=1&text={}&charset=UTF-8&coding=0", escaped(text.as_bytes())),
        ] {
            let received = parse(&raw).unwrap();
            prop_assert_eq!((&received.text, received.raw), (&text, None), "{}", raw);
        }
    }

    #[test]
    fn every_payload_that_is_no_text_is_kept_as_it_came(bytes: Vec<u8>) {
        let hex = hex(&bytes);
        for form in ["charset=8-BIT&coding=1", "coding=1", "charset=KLINGON"] {
            let received = parse(&format!("id=1&hex={hex}&{form}")).unwrap();
            prop_assert_eq!(received.raw.as_ref(), Some(&bytes));
        }
    }
}
