//! The ids of the messages that a connection sent last, packed: twelve bytes for a message, and four for its time of
//! arrival.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::model::message::MessageId;

/// The ids of the messages that were processed last, the oldest first.
///
/// Each id is kept as the first eight bytes of its SHA-256 and the second in which it was committed. Two different ids
/// of one connection share those eight bytes with a probability of 10⁻¹⁰ at 60,000 messages a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(Vec<Seen>);

/// One id in [`Recent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) hash: u64,
    pub(crate) seconds: u32,
    /// The milliseconds between the message's arrival and `seconds`, or `None` if they were not recorded.
    age: Option<i32>,
}

impl Recent {
    /// The minimum time for which an id is known after its commit: 15 days, since a dead letter may come again for 14
    /// days.
    pub const HORIZON: SignedDuration = SignedDuration::from_hours(15 * 24);

    /// The number of ids in the connection's own record.
    pub const CAPACITY: usize = 32;

    /// The number of ids that move to records of their own if more ids come within the horizon.
    pub const SPILL: usize = 16;

    /// Returns whether the id is in the list.
    pub fn contains(&self, id: &MessageId) -> bool {
        let hash = hash(id);
        self.0.iter().any(|seen| seen.hash == hash)
    }

    /// Returns the recorded time of arrival of the message with this id. Returns `None` if the id is not in the list,
    /// or if no time was recorded.
    pub fn arrival_of(&self, id: &MessageId) -> Option<Timestamp> {
        let hash = hash(id);
        self.0.iter().rev().find(|seen| seen.hash == hash)?.arrived()
    }

    /// Returns the second in which the last message was committed.
    pub(crate) fn last(&self) -> Option<u32> {
        self.0.iter().map(|seen| seen.seconds).max()
    }

    /// Adds the ids of other lists, in the order of their times. The list may then have more than
    /// [`Recent::CAPACITY`] ids, until the next id is added.
    pub(crate) fn take_over<'a>(&mut self, others: impl IntoIterator<Item = &'a Self>) {
        let mut known: HashSet<u64> = self.0.iter().map(|seen| seen.hash).collect();
        let new = others.into_iter().flat_map(|other| &other.0).filter(|seen| known.insert(seen.hash));
        self.0.extend(new.copied().collect::<Vec<_>>());
        self.0.sort_by_key(|seen| seen.seconds);
    }

    /// Adds an id with the time when its message arrived, and returns the ids that must move out to make room. Forgets
    /// only ids beyond the horizon, and only as many as needed to make room.
    pub(crate) fn remember(
        &mut self,
        id: &MessageId,
        arrived: Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<Seen> {
        let seconds = seconds(now);
        let age = arrived.map(|arrived| i64::from(seconds) * 1000 - arrived.as_millisecond());
        let age = age.and_then(|age| i32::try_from(age).ok()).filter(|age| *age != UNKNOWN);
        self.0.push(Seen { hash: hash(id), seconds, age });
        let mut wanted = self.0.len().saturating_sub(Self::CAPACITY);
        self.0.retain(|seen| {
            let goes = wanted > 0 && seen.is_old(now);
            wanted -= usize::from(goes);
            !goes
        });
        // Usually one place is wanted. Many are wanted after other lists were taken over.
        let moved = wanted.div_ceil(Self::SPILL) * Self::SPILL;
        self.0.drain(..moved.min(self.0.len())).collect()
    }

    /// Returns eight bytes of hash and four bytes of time for each id, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let pack = |seen: &Seen| [&seen.hash.to_be_bytes()[..], &seen.seconds.to_be_bytes()].concat();
        self.0.iter().flat_map(pack).collect()
    }

    /// Reads the bytes that [`Recent::to_bytes`] wrote. Returns `None` for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<12>();
        let unpack = |entry: &[u8; 12]| {
            let [h0, h1, h2, h3, h4, h5, h6, h7, s0, s1, s2, s3] = *entry;
            Seen {
                hash: u64::from_be_bytes([h0, h1, h2, h3, h4, h5, h6, h7]),
                seconds: u32::from_be_bytes([s0, s1, s2, s3]),
                age: None,
            }
        };
        rest.is_empty().then(|| Self(entries.iter().map(unpack).collect()))
    }

    /// Returns the times of arrival: four bytes of the last id, then four bytes for each message, big-endian. Returns
    /// `None` if no time is known.
    ///
    /// These bytes are kept beside those of [`Recent::to_bytes`], because programs of earlier versions read and write
    /// only the latter. The last id tells whether the two belong together.
    pub fn arrivals_to_bytes(&self) -> Option<Vec<u8>> {
        self.0.iter().any(|seen| seen.age.is_some()).then(|| {
            let ages = self.0.iter().map(|seen| seen.age.unwrap_or(UNKNOWN).to_be_bytes());
            [self.mark()].into_iter().chain(ages).flatten().collect()
        })
    }

    /// Adds the times that [`Recent::arrivals_to_bytes`] wrote. Bytes that belong to other ids add nothing.
    #[must_use]
    pub fn with_arrivals(mut self, bytes: &[u8]) -> Self {
        if let (parts, []) = bytes.as_chunks::<4>()
            && let Some((mark, ages)) = parts.split_first()
            && *mark == self.mark()
            && ages.len() == self.0.len()
        {
            for (seen, age) in self.0.iter_mut().zip(ages) {
                seen.age = Some(i32::from_be_bytes(*age)).filter(|age| *age != UNKNOWN);
            }
        }
        self
    }

    /// Returns the mark of this list. The mark changes whenever an id is added.
    fn mark(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0.last().map_or(0, |seen| seen.hash).to_be_bytes();
        [a, b, c, d]
    }
}

/// The value for an age that was not recorded.
const UNKNOWN: i32 = i32::MIN;

impl Seen {
    /// Returns the time when the message arrived, to the millisecond.
    pub(crate) fn arrived(self) -> Option<Timestamp> {
        let age = i64::from(self.age?);
        Timestamp::from_millisecond(i64::from(self.seconds) * 1000 - age).ok()
    }

    /// Returns the second from which the id is no longer known, once it has moved out. One extra hour allows for clocks
    /// that differ.
    pub(crate) fn expires_at(self) -> i64 {
        i64::from(self.seconds) + Recent::HORIZON.as_secs() + 3600
    }

    pub(crate) fn is_old(self, now: Timestamp) -> bool {
        i64::from(self.seconds) + Recent::HORIZON.as_secs() < now.as_second()
    }
}

/// Returns the first eight bytes of the id's SHA-256.
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
            assert!(recent.remember(&id(n), Some(at(990)), at(1000)).is_empty());
        }
        let spilled = recent.remember(&id(99), None, at(1001));
        assert!(spilled.iter().all(|seen| seen.arrived() == Some(at(990))));
        let hashes: Vec<u64> = spilled.iter().map(|seen| seen.hash).collect();
        assert_eq!(hashes, (0..Recent::SPILL).map(|n| hash(&id(n))).collect::<Vec<_>>());
        assert!(!recent.contains(&id(0)) && recent.contains(&id(16)) && recent.contains(&id(99)));
    }

    #[test]
    fn what_is_older_than_the_horizon_goes_only_as_room_is_wanted() {
        let mut recent = Recent::default();
        for n in 0..Recent::CAPACITY {
            recent.remember(&id(n), None, at(1000));
        }
        let later = 1000 + Recent::HORIZON.as_secs() + 1;
        assert!(recent.contains(&id(0)), "kept as long as there is room");
        assert!(recent.remember(&id(99), None, at(later)).is_empty());
        assert!(!recent.contains(&id(0)) && recent.contains(&id(1)) && recent.contains(&id(99)));
        assert_eq!(recent.to_bytes().len(), 12 * Recent::CAPACITY);
    }

    #[test]
    fn what_is_within_the_horizon_moves_out_and_is_not_forgotten() {
        let mut recent = Recent::default();
        for n in 0..Recent::CAPACITY {
            recent.remember(&id(n), None, at(1000));
        }
        let spilled = recent.remember(&id(99), None, at(1000 + Recent::HORIZON.as_secs()));
        assert_eq!(spilled.len(), Recent::SPILL);
        assert_eq!(spilled[0].expires_at(), 1000 + Recent::HORIZON.as_secs() + 3600);
    }

    #[test]
    fn packing_can_be_undone() {
        let mut recent = Recent::default();
        recent.remember(&id(1), None, at(7));
        recent.remember(&id(2), None, at(1_700_000_000));
        assert_eq!(
            (Recent::from_bytes(&recent.to_bytes()), recent.arrivals_to_bytes()),
            (Some(recent), None)
        );
        assert_eq!(Recent::from_bytes(&[0; 13]), None);
    }

    #[test]
    fn arrivals_are_kept_to_the_millisecond_for_weeks_around_the_commit() {
        let mut recent = Recent::default();
        let (committed, week) = (1_700_000_000, 7 * 24 * 3600);
        let arrivals = [
            Some(at(committed)),
            Some(Timestamp::from_millisecond(committed * 1000 - 1).unwrap()),
            Some(Timestamp::from_millisecond(committed * 1000 + 999).unwrap()),
            None,
            Some(at(committed - 3 * week)),
            Some(at(committed + 3 * week)),
        ];
        for (n, arrived) in arrivals.into_iter().enumerate() {
            recent.remember(&id(n), arrived, at(committed));
        }
        recent.remember(&id(9), Some(at(0)), at(committed));
        let ids = Recent::from_bytes(&recent.to_bytes()).unwrap();
        let again = ids.clone().with_arrivals(&recent.arrivals_to_bytes().unwrap());
        assert_eq!(again, recent);
        for (n, arrived) in arrivals.into_iter().enumerate() {
            assert_eq!(again.arrival_of(&id(n)), arrived, "{n}");
        }
        assert_eq!(
            (again.arrival_of(&id(9)), again.arrival_of(&id(10))),
            (None, None),
            "too long ago, unknown"
        );
        // A program of an earlier version added an id and left the arrivals unchanged.
        let mut later = recent.clone();
        later.remember(&id(11), None, at(committed));
        let bytes = recent.arrivals_to_bytes().unwrap();
        let later = Recent::from_bytes(&later.to_bytes()).unwrap().with_arrivals(&bytes);
        assert!((0..12).all(|n| later.arrival_of(&id(n)).is_none()));
        for bytes in [&bytes[..bytes.len() - 1], &[][..], &[0; 32][..]] {
            assert_eq!(ids.clone().with_arrivals(bytes), ids, "{bytes:?}");
        }
    }
}
