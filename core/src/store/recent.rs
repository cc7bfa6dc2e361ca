//! The ids of the messages that a connection sent last, packed: twelve bytes a message.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::message::MessageId;

/// The ids of the messages that were handled last, the oldest first.
///
/// Kept as the first eight bytes of their SHA-256 and the second in which they were committed. Two different ids
/// of one connection share those eight bytes with a probability of 10⁻¹⁰ at 60,000 messages a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(Vec<Seen>);

/// One id in [`Recent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) hash: u64,
    pub(crate) seconds: u32,
}

impl Recent {
    /// How long at least an id is known.
    pub const HORIZON: SignedDuration = SignedDuration::from_hours(24);

    /// How many are kept in the connection's own record.
    pub const CAPACITY: usize = 32;

    /// How many of them move to records of their own when more come within the horizon.
    pub const SPILL: usize = 16;

    /// Whether the id is among them.
    pub fn contains(&self, id: &MessageId) -> bool {
        let hash = hash(id);
        self.0.iter().any(|seen| seen.hash == hash)
    }

    /// Adds an id. What no longer fits is returned, if it is younger than the horizon.
    pub(crate) fn remember(&mut self, id: &MessageId, now: Timestamp) -> Vec<Seen> {
        self.0.push(Seen { hash: hash(id), seconds: seconds(now) });
        if self.0.len() <= Self::CAPACITY {
            return Vec::new();
        }
        self.0.retain(|seen| !seen.is_old(now));
        if self.0.len() <= Self::CAPACITY { Vec::new() } else { self.0.drain(..Self::SPILL).collect() }
    }

    /// Eight bytes of hash and four of time for each, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let pack = |seen: &Seen| [&seen.hash.to_be_bytes()[..], &seen.seconds.to_be_bytes()].concat();
        self.0.iter().flat_map(pack).collect()
    }

    /// What [`Recent::to_bytes`] wrote; `None` if it is not that.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<12>();
        let unpack = |entry: &[u8; 12]| {
            let [h0, h1, h2, h3, h4, h5, h6, h7, s0, s1, s2, s3] = *entry;
            Seen {
                hash: u64::from_be_bytes([h0, h1, h2, h3, h4, h5, h6, h7]),
                seconds: u32::from_be_bytes([s0, s1, s2, s3]),
            }
        };
        rest.is_empty().then(|| Self(entries.iter().map(unpack).collect()))
    }
}

impl Seen {
    pub(crate) fn is_old(self, now: Timestamp) -> bool {
        i64::from(self.seconds) + Recent::HORIZON.as_secs() < now.as_second()
    }
}

/// The first eight bytes of the id's SHA-256.
pub(crate) fn hash(id: &MessageId) -> u64 {
    let digest: [u8; 32] = Sha256::digest(id.as_str()).into();
    let [h0, h1, h2, h3, h4, h5, h6, h7, ..] = digest;
    u64::from_be_bytes([h0, h1, h2, h3, h4, h5, h6, h7])
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> MessageId {
        MessageId::from(format!("m{n}").as_str())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_oldest_half_moves_out_when_more_come_than_fit() {
        let mut recent = Recent::default();
        for n in 0..Recent::CAPACITY {
            assert!(recent.remember(&id(n), at(1000)).is_empty());
        }
        let spilled = recent.remember(&id(99), at(1001));
        let hashes: Vec<u64> = spilled.iter().map(|seen| seen.hash).collect();
        assert_eq!(hashes, (0..Recent::SPILL).map(|n| hash(&id(n))).collect::<Vec<_>>());
        assert!(!recent.contains(&id(0)) && recent.contains(&id(16)) && recent.contains(&id(99)));
    }

    #[test]
    fn what_is_older_than_the_horizon_goes_first_and_for_good() {
        let mut recent = Recent::default();
        for n in 0..Recent::CAPACITY {
            recent.remember(&id(n), at(1000));
        }
        let day_after = 1000 + 24 * 3600 + 1;
        assert!(recent.contains(&id(0)), "kept as long as there is room");
        assert!(recent.remember(&id(99), at(day_after)).is_empty());
        assert_eq!(recent.to_bytes().len(), 12);
    }

    #[test]
    fn packing_can_be_undone() {
        let mut recent = Recent::default();
        recent.remember(&id(1), at(7));
        recent.remember(&id(2), at(1_700_000_000));
        assert_eq!(Recent::from_bytes(&recent.to_bytes()), Some(recent));
        assert_eq!(Recent::from_bytes(&[0; 13]), None);
    }
}
