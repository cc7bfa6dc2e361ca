//! How fast a connection is answered: what the loop guard goes by.

use jiff::{SignedDuration, Timestamp};

/// How many replies a connection was given since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyRate {
    /// When the present hour began: with the first reply after the hour before.
    pub since: Timestamp,
    /// The replies since then.
    pub replies: u32,
}

impl Default for ReplyRate {
    /// Of a connection that was never answered.
    fn default() -> Self {
        Self { since: Timestamp::UNIX_EPOCH, replies: 0 }
    }
}

impl ReplyRate {
    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    /// As it stands now: an hour that is over counts no more.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        if now.duration_since(self.since) < Self::HOUR { self } else { Self { since: now, replies: 0 } }
    }

    /// With one more reply.
    pub(crate) fn and_one(self) -> Self {
        Self { replies: self.replies.saturating_add(1), ..self }
    }
}
