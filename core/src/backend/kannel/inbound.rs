//! Reads what Kannel's get-url brings, from the raw query string.
//!
//! The get-url is the user's own, so this takes the recommended one (`id=%p&to=%P&hex=%e&charset=%C&coding=%c&
//! mid=%I&ts=%T…`), the original's (`id=%p&text=%a&charset=%C&coding=%c`) and what lies between. Source: Kannel User
//! Guide 1.4.5, "Parameters (Escape Codes)".

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode;

use crate::backend::{Fault, Received};
use crate::message::{Identity, unhex};
use crate::text::charset::guess;
use crate::text::{Charset, Decoded, Fidelity};

/// The parameter that carries the token.
pub(super) const TOKEN: &str = "token";

/// The parameters of one request, by name, as bytes. The first of a name counts.
pub(super) struct Query<'a>(Vec<(Cow<'a, [u8]>, &'a str)>);

impl<'a> Query<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        let pair = |pair: &'a str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescaped(name), value)
        };
        Self(raw.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(known, _)| known.as_ref() == name.as_bytes())?;
        Some(value)
    }

    /// The bytes of a parameter, unless it is absent or still the escape code that Kannel should have replaced.
    pub(super) fn bytes(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.raw(name).filter(|value| !is_escape_code(value)).map(unescaped)
    }

    /// The text of a parameter, unless it is absent, empty or an escape code.
    fn text(&self, name: &str) -> Option<String> {
        let bytes = self.bytes(name)?;
        Some(guess(&bytes).text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

/// `%I`: Kannel leaves the codes that it does not know as they are. What a phone sends arrives escaped, `%25I`.
fn is_escape_code(value: &str) -> bool {
    matches!(value.as_bytes(), [b'%', code] if code.is_ascii_alphabetic())
}

fn unescaped(value: &str) -> Cow<'_, [u8]> {
    if value.contains('+') {
        Cow::Owned(percent_decode(value.replace('+', " ").as_bytes()).collect())
    } else {
        percent_decode(value.as_bytes()).into()
    }
}

/// Reads the message. All faults at once.
pub(super) fn parse(raw: &str) -> Result<Received, Vec<Fault>> {
    let query = Query::new(raw);
    let mut faults = Vec::new();
    let identity = identity(&query).map_err(|fault| faults.push(fault)).ok();
    let payload = payload(&query).map_err(|fault| faults.push(fault)).ok();
    let (Some(identity), Some(payload)) = (identity, payload) else { return Err(faults) };
    let Decoded { text, fidelity } = decode(&query, &payload);
    Ok(Received {
        identity,
        text,
        gateway_id: query.text("mid"),
        received_at: query.text("ts").and_then(|ts| time(&ts)),
        recipient: query.text("to"),
        raw: (fidelity == Fidelity::Lossy).then(|| payload.into_owned()),
        details: details(&query),
    })
}

/// The sender: `id=%p`. A `+` that somebody forgot to escape arrives as a space.
fn identity(query: &Query<'_>) -> Result<Identity, Fault> {
    let bytes = query.bytes("id").ok_or_else(|| Fault::new("id", "is missing: give the sender, id=%p"))?;
    let text = guess(&bytes).text;
    let number = text.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let text = number.map_or(text.trim().to_owned(), |number| format!("+{}", number.trim_end()));
    text.parse().map_err(|problem: crate::InvalidName| Fault::new("id", problem.to_string()))
}

/// What was written, as bytes: `hex=%e`, or `text=%b`. An empty one is a blank SMS.
fn payload<'a>(query: &Query<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    match (query.bytes("hex"), query.bytes("text")) {
        (Some(hex), _) => {
            let digits = std::str::from_utf8(&hex).ok().and_then(unhex);
            digits.map(Cow::Owned).ok_or_else(|| Fault::new("hex", "is not pairs of hexadecimal digits"))
        }
        (None, Some(text)) => Ok(text),
        (None, None) if query.raw("hex").is_some() => {
            Err(Fault::new("hex", "was not filled in: this Kannel does not know %e, give text=%b"))
        }
        (None, None) if query.raw("text").is_some() => {
            Err(Fault::new("text", "was not filled in: give hex=%e, or text=%b for an older Kannel"))
        }
        (None, None) => Err(Fault::new("text", "is missing: give hex=%e, or text=%b for an older Kannel")),
    }
}

/// The charset that Kannel named decides; without one the coding does; without that it is a guess.
fn decode(query: &Query<'_>, payload: &[u8]) -> Decoded {
    match (query.text("charset"), query.text("coding").as_deref()) {
        (Some(name), _) => match Charset::named(&name) {
            Some(charset) => charset.decode(payload),
            None => Decoded { fidelity: Fidelity::Lossy, ..guess(payload) },
        },
        (None, Some("2")) => Charset::Utf16Be.decode(payload),
        (None, Some("1")) => Charset::Binary.decode(payload),
        (None, _) => guess(payload),
    }
}

/// When it arrived at Kannel: seconds since 1970 (`%T`), or a date and time in UTC (`%t`). Anything else counts as
/// absent, and stays among the details.
fn time(ts: &str) -> Option<Timestamp> {
    if let Ok(seconds) = ts.parse::<i64>() {
        return Timestamp::from_second(seconds).ok().filter(|at| *at > Timestamp::UNIX_EPOCH);
    }
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", ts)
        .or_else(|_| DateTime::strptime("%Y-%m-%d %H:%M", ts))
        .ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// What else the get-url brought, by its own names.
fn details(query: &Query<'_>) -> BTreeMap<String, String> {
    let known = ["id", "to", "hex", "text", "mid", TOKEN];
    let names = query.0.iter().filter_map(|(name, _)| std::str::from_utf8(name).ok());
    let others = names.filter(|name| !known.contains(name));
    others.filter_map(|name| Some((name.to_owned(), query.text(name)?))).collect()
}

/// The query without the token's value, to be kept.
pub(super) fn without_token(raw: &str) -> String {
    let redacted = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if unescaped(name).as_ref() == TOKEN.as_bytes() { format!("{TOKEN}=") } else { pair.to_owned() }
    };
    raw.split('&').map(redacted).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::EncodeErrors;

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
        let dated = parse("id=1&text=a&ts=2026-11-24+11:25:33").unwrap();
        assert_eq!(dated.received_at, Timestamp::from_second(1_795_519_533).ok());
        assert_eq!(parse("id=1&text=a&ts=soon").unwrap().received_at, None);
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

    proptest::proptest! {
        #[test]
        fn no_query_makes_it_panic(raw in "[ -~]{0,80}") {
            let _ = parse(&raw);
        }

        #[test]
        fn every_utf16_text_survives(text in "\\PC{0,40}") {
            let hex = crate::message::hex(&Charset::Utf16Be.encode(&text, EncodeErrors::Strict).unwrap());
            let received = parse(&format!("id=1&hex={hex}&charset=UTF-16BE&coding=2")).unwrap();
            proptest::prop_assert_eq!(received.text, text);
        }
    }
}
