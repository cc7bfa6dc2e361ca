//! Sends of apps to people other than the sender of a message: the text, the recipients and the limits.

use crate::limits::MAX_REPLY_BYTES;
use crate::model::recipient::Recipient;

/// One text for several recipients, as [`Context::send`](crate::Context::send) accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The text.
    pub text: String,
    /// The recipients; each of them gets the text once.
    pub recipients: Vec<Recipient>,
}

/// The reason why [`Context::send`](crate::Context::send) refuses a call. No text of this call is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There are more recipients than the outbox of a connection should carry.
    #[error(
        "one send has at most {limit} recipients, not {0}: for more recipients, call the function `send`",
        limit = Sending::MAX_RECIPIENTS
    )]
    TooManyRecipients(usize),
    /// The message causes more sends than allowed.
    #[error("one message can cause at most {limit} sends", limit = Sending::MAX_SENDS)]
    TooManySends,
    /// The text is longer than gateways accept.
    #[error("a text has at most {limit} bytes, not {0}", limit = MAX_REPLY_BYTES)]
    LongText(usize),
    /// The outgoing phase ran for a message that nobody asked for. Such a message cannot cause another one; otherwise
    /// this would never end.
    #[error("an app cannot send while it handles a message that is not a reply")]
    Unasked,
}

impl Sending {
    /// The largest number of recipients of one [`Context::send`](crate::Context::send).
    pub const MAX_RECIPIENTS: usize = 100;

    /// The largest number of sends that one message can cause.
    pub const MAX_SENDS: usize = 32;

    /// Creates a send of one text to these recipients, each of them once.
    pub(crate) fn new<R: Into<Recipient>>(
        text: impl Into<String>,
        recipients: impl IntoIterator<Item = R>,
    ) -> Result<Self, SendError> {
        let sending = Self::unlimited(text, recipients)?;
        match sending.recipients.len() {
            0..=Self::MAX_RECIPIENTS => Ok(sending),
            many => Err(SendError::TooManyRecipients(many)),
        }
    }

    /// Does the same as [`Sending::new`] for any number of recipients.
    pub(crate) fn unlimited<R: Into<Recipient>>(
        text: impl Into<String>,
        recipients: impl IntoIterator<Item = R>,
    ) -> Result<Self, SendError> {
        let text = text.into();
        if text.len() > MAX_REPLY_BYTES {
            return Err(SendError::LongText(text.len()));
        }
        let mut distinct = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for recipient in recipients {
            let recipient = recipient.into();
            if seen.insert(recipient.clone()) {
                distinct.push(recipient);
            }
        }
        Ok(Self { text, recipients: distinct })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_twice_gets_it_once() {
        let to = |number: usize| format!("k:{number}").parse::<Recipient>().unwrap();
        let sending = Sending::new("x", [to(1), to(2), to(1)]).unwrap();
        assert_eq!(sending.recipients, [to(1), to(2)]);
        assert_eq!(Sending::new("x", (0..101).map(to)), Err(SendError::TooManyRecipients(101)));
        assert_eq!(Sending::new("x".repeat(10_001), [to(1)]), Err(SendError::LongText(10_001)));
    }
}
