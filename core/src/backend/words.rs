//! Descriptions of a send or a report for the log and the history. They contain no text of the message, no phone number
//! and no secret of the settings.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use tracing::debug;

use super::redact::text_without_secrets;
use super::{Fetched, SendOutcome};
use crate::model::message::Outgoing;
use crate::settings::Secret;

/// The maximum number of characters of a detail.
const LONGEST: usize = 200;

/// The minimum number of digits of a possible phone number. Usual separators may stand between the digits.
const NUMBER: usize = 7;

/// The minimum length of a message text that is searched for in a detail, in characters. A search for a shorter text
/// would find other words by chance.
const SHORTEST_TEXT: usize = 4;

/// Describes an answer without any of its words: `200: a web page of 612 bytes`. A gateway may repeat the request in
/// its answer, with the number, the text and the password; another server in the place of the gateway may do the same.
/// The words themselves are logged only at `debug`.
pub(super) fn described(status: u16, body: &[u8]) -> String {
    debug!(status, answer = %String::from_utf8_lossy(&body[..body.len().min(LONGEST)]), "a gateway's answer");
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let kind = match start.first() {
        None => return format!("{status}: an empty answer"),
        Some(b'<')
            if start[..start.len().min(512)].to_ascii_lowercase().windows(5).any(|w| w == b"<html") =>
        {
            "a web page"
        }
        Some(b'<') => "XML",
        Some(b'{' | b'[') => "JSON",
        Some(_) if std::str::from_utf8(start).is_ok() => "text",
        Some(_) => "binary data",
    };
    let more = if body.len() >= Fetched::MAX_BODY { " or more" } else { "" };
    format!("{status}: {kind} of {} bytes{more}", body.len())
}

/// Returns whether a status says that a proxy asked the gateway and did not receive the answer (RFC 9110: 502 and 504;
/// content delivery networks use the numbers from 520 to 599). The gateway may have accepted the message.
pub(super) fn answer_was_lost(status: u16) -> bool {
    matches!(status, 502 | 504 | 520..=599)
}

impl SendOutcome {
    /// Returns the outcome with a detail that may be logged, for every engine and every transport. The result contains
    /// no text of the message, no recipient's number, nothing that may be another number, and no secret of the backend.
    pub(crate) fn discreet(self, message: &Outgoing, secrets: &[Secret]) -> Self {
        let shown = |detail: String| about(&text_without_secrets(&detail, secrets), message);
        match self {
            Self::Accepted { detail } => Self::Accepted { detail: shown(detail) },
            Self::Refused { detail } => Self::Refused { detail: shown(detail) },
            Self::Deferred { detail } => Self::Deferred { detail: shown(detail) },
            Self::Uncertain { detail } => Self::Uncertain { detail: shown(detail) },
        }
    }
}

/// Returns the engine's words about an attempt to send this message, without the text and without numbers.
fn about(detail: &str, message: &Outgoing) -> String {
    let text = message.text.trim();
    let unescaped = percent_decode_str(&detail.replace('+', " ")).decode_utf8_lossy().into_owned();
    if text.chars().count() >= SHORTEST_TEXT && (detail.contains(text) || unescaped.contains(text)) {
        return "not shown, because it repeats the message".to_owned();
    }
    without_numbers(detail, &[message.connection.identity.as_str(), &message.to])
}

/// Returns the gateway's words from a delivery report about a message to this number, without the text and without
/// numbers. The receipt of an SMSC ends with the beginning of the text (SMPP 3.4, Appendix B:
/// `id:… stat:DELIVRD err:000 text:…`); this end is cut off.
///
/// `forms` are the forms of the number: the identity, and the recipient as the gateway got it.
pub(crate) fn of_report(detail: &str, forms: &[&str]) -> Option<String> {
    let lower = detail.to_ascii_lowercase();
    let text = lower.match_indices("text:").map(|(at, _)| at);
    let end = text.into_iter().find(|at| !lower[..*at].ends_with(|c: char| c.is_alphanumeric()));
    let shown = without_numbers(&detail[..end.unwrap_or(detail.len())], forms);
    Some(shown).filter(|shown| !shown.is_empty())
}

/// Returns the start of a line. `…` replaces this number and every run of digits that is long enough to be a number.
fn without_numbers(words: &str, forms: &[&str]) -> String {
    // A person's address can be a name. A very short name stays, because it may be a part of other words.
    let long = forms.iter().filter(|form| form.chars().count() >= SHORTEST_TEXT);
    let known = long.fold(Cow::Borrowed(words), |words, form| Cow::Owned(words.replace(*form, "…")));
    let plain: Vec<char> = known.chars().filter(|c| !c.is_control()).collect();
    let mut shown = String::new();
    let mut at = 0;
    while at < plain.len() {
        let run = plain[at..].iter().take_while(|c| c.is_ascii_digit() || " -.()+/".contains(**c)).count();
        let digits = plain[at..at + run].iter().filter(|c| c.is_ascii_digit()).count();
        // A hexadecimal code such as 0x0000000b is not a phone number.
        let hexadecimal = shown.ends_with("0x");
        if plain[at].is_ascii_digit() && digits >= NUMBER && !hexadecimal {
            let last = plain[at..at + run].iter().rposition(char::is_ascii_digit).unwrap_or(0);
            shown.push('…');
            at += last + 1;
        } else if plain[at].is_ascii_digit() {
            let digits = plain[at..].iter().take_while(|c| c.is_ascii_digit()).count();
            shown.extend(&plain[at..at + digits]);
            at += digits;
        } else {
            shown.push(plain[at]);
            at += 1;
        }
    }
    shown.chars().take(LONGEST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{ConnectionId, MessageId};

    fn message(to: &str, text: &str) -> Outgoing {
        let connection = ConnectionId::new("k".parse().unwrap(), to.parse().unwrap());
        Outgoing::new(MessageId::from("m"), connection, text, jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_answer_is_described_and_not_repeated() {
        let huge = vec![b'x'; Fetched::MAX_BODY];
        let table: [(&[u8], &str); 9] = [
            (b"", "200: an empty answer"),
            (b" \r\n", "200: an empty answer"),
            (b"<!DOCTYPE html>\n<html><title>Welcome to nginx!</title>", "200: a web page of 54 bytes"),
            (b"\xef\xbb\xbf\r\n<HTML>hunter2", "200: a web page of 18 bytes"),
            (b"<?xml version='1.0'?><sent/>", "200: XML of 28 bytes"),
            (b"{\"password\":\"hunter2\"}", "200: JSON of 22 bytes"),
            (b"to=251911223344", "200: text of 15 bytes"),
            (b"\xff\xfe\0", "200: binary data of 3 bytes"),
            (&huge, "200: text of 16384 bytes or more"),
        ];
        for (body, expected) in table {
            assert_eq!(described(200, body), expected);
        }
    }

    #[test]
    fn a_detail_of_any_engine_tells_neither_number_nor_text() {
        let message = message("+251911223344", "my secret");
        let table = [
            ("queued as 17", "queued as 17"),
            ("no answer within 15000 ms", "no answer within 15000 ms"),
            ("no route to +251911223344", "no route to …"),
            ("no route to 251911223344 now", "no route to … now"),
            ("call (0911) 22-33-44 or 0911 223 344.", "call (… or …."),
            ("cannot send my secret", "not shown, because it repeats the message"),
            ("GET /?to=1&text=my%20secret", "not shown, because it repeats the message"),
            ("GET /?text=my+secret", "not shown, because it repeats the message"),
            ("a\u{1b}[2Jb", "a[2Jb"),
            ("GET /?password=hunter2", "GET /?password=***"),
            ("", ""),
        ];
        for (detail, expected) in table {
            let outcome = SendOutcome::Deferred { detail: detail.to_owned() }
                .discreet(&message, &[Secret::new("hunter2")]);
            assert_eq!(outcome, SendOutcome::Deferred { detail: expected.to_owned() }, "{detail:?}");
        }
        let long =
            SendOutcome::Refused { detail: "é".repeat(500) }.discreet(&message, &[Secret::new("hunter2")]);
        assert_eq!(long, SendOutcome::Refused { detail: "é".repeat(200) });
    }

    #[test]
    fn a_report_keeps_what_the_smsc_says_without_number_and_text() {
        let forms = ["+251911223344"];
        let table = [
            ("ACK/", Some("ACK/")),
            ("NACK/validity expired", Some("NACK/validity expired")),
            (
                "NACK/0x0000000b/Invalid destination 251911223344",
                Some("NACK/0x0000000b/Invalid destination …"),
            ),
            (
                "id:0123456789 sub:001 dlvrd:001 stat:DELIVRD err:000 Text:my secret",
                Some("id:… sub:001 dlvrd:001 stat:DELIVRD err:000"),
            ),
            ("context: none", Some("context: none")),
            ("text:my secret", None),
            (" \u{7}", None),
        ];
        for (detail, expected) in table {
            assert_eq!(of_report(detail, &forms).as_deref(), expected, "{detail}");
        }
    }
}
