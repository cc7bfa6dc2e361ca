//! Reads the answers of Kannel's sendsms. The status alone does not say what happened to a message, nor which program
//! answered.

use crate::backend::words::{answer_was_lost, described};
use crate::backend::{Fetched, SendOutcome, TransportError};

/// Kannel's answers for an accepted message. `immediate-sendsms-reply` changes the answer to the third one.
const TAKEN: [&str; 3] = ["0: Accepted for delivery", "3: Queued for later delivery", "Sent."];

/// The start of Kannel's list of receivers to which it did not send.
const DENIED: &str = "Denied receivers are:";

/// Kannel's answers for a message that it did not accept, but may accept later.
const NOT_NOW: [&str; 6] = [
    "Authorization failed for sendsms",
    "Not routable. Do not try again.",
    "Temporal failure, try again later.",
    "Unknown request.",
    "Sending failed.",
    "Sender missing and no global set, rejected",
];

/// Kannel's answers for a message that it will never accept.
const REFUSED: [&str; 23] = [
    "Number(s) has/have been denied by white- and/or black-lists.",
    "Number(s) has/have been denied by white/black lists, or allowed/denied rules.",
    "Number(s) has/have been denied",
    "Charset or body misformed, rejected",
    "Missing receiver number, rejected",
    "Missing receiver(s) number(s), rejected",
    "Empty receiver number not allowed, rejected",
    "Unsupported content-type, rejected",
    "UDH field is too long, rejected",
    "UDH field misformed, rejected",
    "Account field misformed or too long, rejected",
    "DLR-URL field misformed, rejected",
    "DLR-Mask field misformed, rejected",
    "MClass field misformed, rejected",
    "MWI field misformed, rejected",
    "PID field misformed, rejected",
    "RPI field misformed, rejected",
    "Alt-DCS field misformed, rejected",
    "Coding field misformed, rejected",
    "Compress field misformed, rejected",
    "Validity field misformed, rejected",
    "Deferred field misformed, rejected",
    "Priority field misformed, rejected",
];

/// Returns the meaning of an answer. The statuses and answers were measured with Kannel 1.4.5; the words are those of
/// its source code.
///
/// | answer | meaning |
/// |---|---|
/// | 2xx `0: Accepted for delivery` or `Sent.`, with or without more text after it | accepted |
/// | 2xx `3: Queued for later delivery` | accepted; Kannel sends the message when the SMSC is connected again |
/// | 2xx one of these, and `Denied receivers are: …` | refused: there is only one receiver, and Kannel denied it |
/// | 2xx with other words of Kannel | the meaning of the words: a proxy has changed the status |
/// | any other 2xx: a web page, JSON, nothing | uncertain: Kannel did not write this answer. Most likely a captive portal or a web server answered in its place, and nothing was sent; but a filter may have changed or cut off Kannel's answer |
/// | 3xx | deferred: Kannel never redirects, so another program answered, and it accepted nothing |
/// | 400 `Sender missing …` | deferred: an operator can correct the settings |
/// | 400 `… rejected`, `Number(s) has/have been denied …` | refused: wrong parameters |
/// | any other 400 | deferred: Kannel did not write this answer |
/// | 403 `Authorization failed` | deferred: an operator can correct the settings |
/// | 403 `Not routable` | deferred: Kannel says this about an unknown SMSC, but also while SMSCs are stopped |
/// | 413, 414 | refused: the message is too long for the proxy before Kannel |
/// | 502, 504, 520 and higher | uncertain: a proxy asked Kannel, and did not receive the answer |
/// | 404, other 5xx, any other | deferred |
/// | no answer, or half an answer | uncertain; but deferred if there was no connection |
///
/// The detail contains no words except the known words of Kannel, because an answer may contain the number, the text
/// and the password.
pub(super) fn read(fetched: Result<Fetched, TransportError>) -> SendOutcome {
    let Fetched { status, body } = match fetched {
        Ok(fetched) => fetched,
        Err(problem) => return problem.into(),
    };
    let words = Words::of(&body);
    let detail = match words {
        Words::Accepted(phrase) | Words::NotNow(phrase) | Words::Refused(phrase) => {
            format!("{status} {phrase}")
        }
        Words::Denied => format!("{status} Denied receivers"),
        Words::Others => format!("not from Kannel, {}", described(status, &body)),
    };
    match (status, words) {
        (200..=299, Words::Accepted(_)) => SendOutcome::Accepted { detail },
        (200..=299, Words::Denied) | (200..=299 | 400, Words::Refused(_)) | (413 | 414, _) => {
            SendOutcome::Refused { detail }
        }
        (200..=299, Words::Others) => SendOutcome::Uncertain { detail },
        (status, Words::Others) if answer_was_lost(status) => SendOutcome::Uncertain { detail },
        _ => SendOutcome::Deferred { detail },
    }
}

/// The words of an answer, if they are known words of Kannel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Accepted(&'static str),
    /// Kannel accepted the message for all receivers except one; but this message has only one receiver.
    Denied,
    NotNow(&'static str),
    Refused(&'static str),
    /// The words of another program.
    Others,
}

impl Words {
    fn of(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let words = String::from_utf8_lossy(body);
        let words = words.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        // Builds of Kannel add text after the phrase: `Message splits: 2`, or an id.
        let leads =
            |phrase: &&str| rest(words, phrase).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if leads(&DENIED) {
            return Self::Denied;
        }
        if let Some(phrase) = TAKEN.into_iter().find(leads) {
            let more = rest(words, phrase).unwrap_or_default().to_ascii_lowercase();
            return if more.contains(&DENIED.to_ascii_lowercase()) {
                Self::Denied
            } else {
                Self::Accepted(phrase)
            };
        }
        if let Some(phrase) = NOT_NOW.into_iter().find(leads) {
            return Self::NotNow(phrase);
        }
        if let Some(phrase) = REFUSED.into_iter().find(leads) {
            return Self::Refused(phrase);
        }
        // This version of Kannel may reject a field that the list above does not have.
        let one_line = words.len() <= 120 && !words.contains(['\n', '<', '{', '"']);
        let rejected = words.to_ascii_lowercase().ends_with(", rejected");
        if one_line && rejected { Self::Refused("rejected") } else { Self::Others }
    }
}

/// Returns the text after a phrase, if the words begin with this phrase.
fn rest<'w>(words: &'w str, phrase: &str) -> Option<&'w str> {
    let (start, rest) = words.split_at_checked(phrase.len())?;
    start.eq_ignore_ascii_case(phrase).then_some(rest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outcome(status: u16, body: &[u8]) -> (&'static str, String) {
        match read(Ok(Fetched { status, body: body.to_vec().into() })) {
            SendOutcome::Accepted { detail } => ("accepted", detail),
            SendOutcome::Refused { detail } => ("refused", detail),
            SendOutcome::Deferred { detail } => ("deferred", detail),
            SendOutcome::Uncertain { detail } => ("uncertain", detail),
        }
    }

    const PAGE: &str = "<!DOCTYPE html>\n<html>\n<head><title>Welcome to nginx!</title></head>\n";

    #[test]
    fn the_words_are_read_with_the_status() {
        let table = [
            (202, "0: Accepted for delivery", "accepted"),
            (202, "3: Queued for later delivery", "accepted"),
            (202, "Sent.", "accepted"),
            (202, "0: Accepted for delivery Denied receivers are: 1112223333", "refused"),
            (202, "Sent. Denied receivers are: 1112223333", "refused"),
            (200, "denied receivers are: 1112223333\n", "refused"),
            (403, "Authorization failed for sendsms", "deferred"),
            (403, "Not routable. Do not try again.", "deferred"),
            (503, "Temporal failure, try again later.", "deferred"),
            (400, "Sender missing and no global set, rejected", "deferred"),
            (400, "Charset or body misformed, rejected", "refused"),
            (400, "Number(s) has/have been denied by white- and/or black-lists.", "refused"),
            (400, "Number(s) has/have been denied by white/black lists, or allowed/denied rules.", "refused"),
            (400, "Flash field misformed, rejected", "refused"),
            (400, "<html>400 The plain HTTP request was sent to HTTPS port</html>", "deferred"),
            (400, "", "deferred"),
            (413, PAGE, "refused"),
            (414, "", "refused"),
            (404, "Unknown request.", "deferred"),
            (404, PAGE, "deferred"),
            (301, "", "deferred"),
            (302, "", "deferred"),
            (302, PAGE, "deferred"),
            (307, "0: Accepted for delivery", "deferred"),
            (403, PAGE, "deferred"),
            (500, "\u{fffd}", "deferred"),
            (500, "Sending failed.", "deferred"),
            (502, PAGE, "uncertain"),
            (503, PAGE, "deferred"),
            (504, "", "uncertain"),
            (511, PAGE, "deferred"),
            (524, "", "uncertain"),
        ];
        for (status, body, expected) in table {
            let (kind, detail) = outcome(status, body.as_bytes());
            assert_eq!(kind, expected, "{status} {body}");
            assert!(detail.contains(&status.to_string()) && !detail.contains("1112223333"), "{detail}");
            assert!(!detail.contains("nginx"), "{detail}");
        }
    }

    #[test]
    fn kannel_is_known_in_whatever_its_words_are_wrapped() {
        let bodies: [&[u8]; 12] = [
            b"0: Accepted for delivery",
            b"0: Accepted for delivery\n",
            b"\r\n 0: Accepted for delivery\r\n",
            b"\xef\xbb\xbf0: Accepted for delivery",
            b"0: ACCEPTED FOR DELIVERY\0",
            b"0: Accepted for delivery: 4f6e0b8c-1d2a",
            b"0: Accepted for delivery\nMessage-ID: 7",
            b"3: queued for later delivery\n",
            b"Sent.",
            b"sent.\r\n",
            b"Sent. Message splits: 3",
            b"\xef\xbb\xbf\tSent.\n",
        ];
        for status in [200, 201, 202, 203] {
            for body in bodies {
                let (kind, detail) = outcome(status, body);
                assert_eq!(kind, "accepted", "{status} {}", String::from_utf8_lossy(body));
                let words = detail.strip_prefix(&format!("{status} "));
                assert!(words.is_some_and(|words| TAKEN.contains(&words)), "{detail}");
            }
        }
    }

    #[test]
    fn a_good_status_without_kannels_words_is_no_acceptance() {
        let utf16: Vec<u8> = "0: Accepted for delivery".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let huge = [PAGE.as_bytes(), &vec![b'.'; Fetched::MAX_BODY - PAGE.len()]].concat();
        let bodies: [&[u8]; 20] = [
            PAGE.as_bytes(),
            b"",
            b" \r\n",
            b"\xef\xbb\xbf",
            b"OK",
            b"Success",
            b"Sent",
            b"Sentinel",
            b"Sent.by.a.portal",
            b"{\"status\":\"0: Accepted for delivery\"}",
            b"<html><body>0: Accepted for delivery</body></html>",
            b"<p>Denied receivers are: 1</p>",
            b"Not 0: Accepted for delivery",
            b"0: Accepted for deli",
            b"0: Accepted for deliverys",
            b"1: Accepted for delivery",
            b"0",
            &utf16,
            &huge,
            &[0xff; 64],
        ];
        for status in [200, 201, 202, 204, 206] {
            for body in bodies {
                let (kind, detail) = outcome(status, body);
                assert_eq!(kind, "uncertain", "{status} {}", String::from_utf8_lossy(body));
                assert!(detail.starts_with(&format!("not from Kannel, {status}: ")), "{detail}");
            }
        }
    }

    #[test]
    fn a_status_that_a_front_has_changed_does_not_make_a_refusal_good() {
        let table = [
            ("Authorization failed for sendsms", "deferred"),
            ("Temporal failure, try again later.", "deferred"),
            ("Not routable. Do not try again.", "deferred"),
            ("Unknown request.", "deferred"),
            ("Charset or body misformed, rejected", "refused"),
        ];
        for (body, expected) in table {
            assert_eq!(outcome(200, body.as_bytes()).0, expected, "{body}");
        }
    }

    #[test]
    fn an_answer_that_repeats_the_request_leaves_nothing_of_it_in_the_detail() {
        let url = "GET /cgi-bin/sendsms?username=u&password=hunter2&to=%2B251911223344&text=my%20secret";
        for status in [200, 202, 302, 400, 403, 404, 413, 500, 502, 503] {
            for body in
                [url.to_owned(), format!("{url}, rejected"), format!("Sent. {url}"), format!("<p>{url}")]
            {
                let (_, detail) = outcome(status, body.as_bytes());
                for secret in ["hunter2", "251911", "secret", "username"] {
                    assert!(!detail.contains(secret), "{status} {body}: {detail}");
                }
            }
        }
    }

    #[test]
    fn only_a_connection_that_was_made_leaves_doubt() {
        let refused = read(Err(TransportError::Unreached("refused".into())));
        assert!(matches!(refused, SendOutcome::Deferred { .. }));
        for lost in [TransportError::TimedOut(Duration::from_secs(1)), TransportError::Broken("reset".into())]
        {
            assert!(matches!(read(Err(lost)), SendOutcome::Uncertain { .. }));
        }
    }
}
