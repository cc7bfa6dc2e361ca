//! Reads what Kannel's sendsms answers: the status alone does not say what became of a message.

use crate::backend::{Fetched, SendOutcome, TransportError};

/// What an answer means. Measured with Kannel 1.4.5.
///
/// | answer | meaning |
/// |---|---|
/// | 202 `0: Accepted for delivery`, `Sent.` | taken |
/// | 202 `3: Queued for later delivery` | taken; it goes out when the SMSC is back |
/// | 202 `… Denied receivers are: …` | refused: there is one receiver, and it is denied |
/// | 400 `Sender missing …` | not now: an operator can mend the settings |
/// | 400 | refused: bad parameters |
/// | 403 `Authorization failed` | not now: an operator can mend the settings |
/// | 403 `Not routable` | not now: Kannel says so of an unknown smsc, but also while SMSCs are stopped |
/// | 404, 5xx, any other | not now |
/// | no answer | uncertain, unless there was no connection |
pub(super) fn read(fetched: Result<Fetched, TransportError>) -> SendOutcome {
    let Fetched { status, body } = match fetched {
        Ok(fetched) => fetched,
        Err(problem) => return problem.into(),
    };
    let words = String::from_utf8_lossy(&body);
    let detail = format!("{status} {}", first_line(&words));
    match status {
        200..=299 if words.contains("Denied receivers") => SendOutcome::Refused { detail },
        200..=299 => SendOutcome::Accepted { detail },
        400 if words.contains("Sender missing") => SendOutcome::Deferred { detail },
        400 | 413 | 414 => SendOutcome::Refused { detail },
        _ => SendOutcome::Deferred { detail },
    }
}

/// Enough of a body for a log line. A denied receiver is a phone number, and what follows it is left out.
fn first_line(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let line = line.split("are:").next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(120).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_words_are_read_with_the_status() {
        let table = [
            (202, "0: Accepted for delivery", "accepted"),
            (202, "3: Queued for later delivery", "accepted"),
            (202, "Sent.", "accepted"),
            (202, "0: Accepted for delivery Denied receivers are: 1112223333", "refused"),
            (403, "Authorization failed for sendsms", "deferred"),
            (403, "Not routable. Do not try again.", "deferred"),
            (503, "Temporal failure, try again later.", "deferred"),
            (400, "Sender missing and no global set, rejected", "deferred"),
            (400, "Charset or body misformed, rejected", "refused"),
            (400, "Number(s) has/have been denied by white- and/or black-lists.", "refused"),
            (404, "Unknown request.", "deferred"),
            (302, "", "deferred"),
            (500, "\u{fffd}", "deferred"),
        ];
        for (status, body, expected) in table {
            let outcome = read(Ok(Fetched { status, body: body.into() }));
            let (kind, detail) = match outcome {
                SendOutcome::Accepted { detail } => ("accepted", detail),
                SendOutcome::Refused { detail } => ("refused", detail),
                SendOutcome::Deferred { detail } => ("deferred", detail),
                SendOutcome::Uncertain { detail } => ("uncertain", detail),
            };
            assert_eq!(kind, expected, "{status} {body}");
            assert!(detail.starts_with(&status.to_string()) && !detail.contains("1112223333"), "{detail}");
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
