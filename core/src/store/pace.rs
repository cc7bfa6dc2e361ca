//! The reply rate of a connection, which the loop guard limits.

use jiff::{SignedDuration, Timestamp};

/// The number of replies to a connection in the present hour, and the time when this hour began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyRate {
    /// The time when the present hour began. The first reply after the previous hour begins it.
    pub since: Timestamp,
    /// The number of replies since then.
    pub replies: u32,
}

impl Default for ReplyRate {
    /// Returns the rate of a connection that never got a reply.
    fn default() -> Self {
        Self { since: Timestamp::UNIX_EPOCH, replies: 0 }
    }
}

impl ReplyRate {
    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    /// Returns the rate at this moment. An hour that is over no longer counts.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        if now.duration_since(self.since) < Self::HOUR { self } else { Self { since: now, replies: 0 } }
    }

    /// Returns the rate with one more reply.
    pub(crate) fn and_one(self) -> Self {
        Self { replies: self.replies.saturating_add(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn replies_count_for_an_hour_from_the_first_one() {
        let rate = ReplyRate { since: at(0), replies: 4 };
        assert_eq!(rate.and_one(), ReplyRate { since: at(0), replies: 5 });
        for (now, expected) in [(0, rate), (3599, rate), (3600, ReplyRate { since: at(3600), replies: 0 })] {
            assert_eq!(rate.at(at(now)), expected, "{now}");
        }
        assert_eq!(ReplyRate::default().at(at(9)), ReplyRate { since: at(9), replies: 0 });
    }
}
