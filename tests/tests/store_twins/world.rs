//! A running history: its observations so far, and the real calls that random calls become.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use threadless::broadcast::BroadcastKey;
use threadless::store::{
    Committed, Due, Entry, JobRecord, Lease, Outbox, ReplyRate, Settled, Settlement, Taken,
};
use threadless::{ConnectionId, Contact, ContactChange, ContactId, Language, MessageId, Recipient, Session};

use crate::calls::{Back, Call, Change, Draft, PEOPLE, Pick, Reply};
use crate::person::{Person, from_newest};
use crate::twins::{Twins, both};

mod commits;
mod delivery;
mod log;
mod others;

/// The present time, the past and the people of one history.
pub(crate) struct World {
    pub(crate) twins: Twins,
    pub(crate) now: Timestamp,
    pub(crate) people: Vec<Person>,
    /// The broadcasts by key, with the number of parts of the last broadcast that was accepted under the key.
    pub(crate) broadcasts: BTreeMap<BroadcastKey, u32>,
    /// The records of each job that were read, the newest last.
    pub(crate) jobs: BTreeMap<String, Vec<JobRecord>>,
    names: usize,
}

impl World {
    pub(crate) fn new(twins: Twins) -> Self {
        let person = |nth: usize| {
            let identity = format!("+2519{nth}#a").parse().unwrap();
            Person::new(ConnectionId::new("k".parse().unwrap(), identity))
        };
        Self {
            twins,
            // The time is so far in the future that nothing expires by this machine's clock.
            now: Timestamp::from_millisecond(4_000_000_000_123).unwrap(),
            people: (0..PEOPLE).map(person).collect(),
            broadcasts: BTreeMap::new(),
            jobs: BTreeMap::new(),
            names: 0,
        }
    }

    /// Returns a number that nothing else has.
    fn next(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    /// Makes one call of both stores, at a moment that no other call has.
    pub(crate) async fn play(&mut self, call: &Call) -> Result<(), String> {
        self.now += SignedDuration::from_millis(1);
        match call {
            Call::Wait(ms) => {
                self.now += SignedDuration::from_millis(*ms);
                Ok(())
            }
            Call::Load { who, message } => {
                let message = self.message(*who, *message);
                self.load(*who, &message).await.map(drop)
            }
            Call::Commit { who, draft } => self.commit(*who, draft).await,
            Call::Burst { who, messages } => self.burst(*who, *messages).await,
            Call::Take { .. }
            | Call::Extend { .. }
            | Call::Settle { .. }
            | Call::Withdraw { .. }
            | Call::Refill { .. }
            | Call::Due { .. } => self.deliver(call).await,
            Call::Record { .. }
            | Call::Report { .. }
            | Call::History { .. }
            | Call::HistoryFrom { .. }
            | Call::Rows => self.write_log(call).await,
            _ => self.ask_the_rest(call).await,
        }
    }
}
