//! Delivery: leases, and the settlement of outbox entries.

use super::*;
use crate::calls::What;

impl World {
    pub(super) async fn deliver(&mut self, call: &Call) -> Result<(), String> {
        match *call {
            Call::Take { who, seconds, as_whom } => {
                let again = match as_whom {
                    Pick::New => None,
                    Pick::Old(back) => self.lease(who, back),
                };
                let owner = again.map_or_else(|| self.owner(), |lease| lease.owner);
                self.take(who, &owner, seconds).await.map(drop)
            }
            Call::Extend { who, lease, seconds } => {
                let Some(lease) = self.lease(who, lease) else { return Ok(()) };
                let lease = Lease { until: self.now + SignedDuration::from_secs(seconds), ..lease };
                let who = &self.people[who].connection;
                both!(self.twins, store => store.extend_lease(who, &lease)).map(drop)
            }
            Call::Settle { who, lease, outbox, what } => {
                let (Some(lease), Some(outbox)) = (self.lease(who, lease), self.outbox(who, outbox)) else {
                    return Ok(());
                };
                let settlement = match (what, outbox.entries.front()) {
                    (What::Deferred(seconds), Some(head)) => {
                        Settlement::Deferred(self.deferred(head, seconds))
                    }
                    (What::Passed(seconds), Some(head)) => Settlement::Passed(self.deferred(head, seconds)),
                    _ => Settlement::Done,
                };
                self.settle(who, &lease, &outbox, settlement).await.map(drop)
            }
            Call::Withdraw { who, lease, outbox, at, other } => {
                let (Some(lease), Some(outbox)) = (self.lease(who, lease), self.outbox(who, outbox)) else {
                    return Ok(());
                };
                let Some(entry) = outbox.entries.get(at) else { return Ok(()) };
                let id = if other { MessageId::from("another") } else { entry.id.clone() };
                let person = &self.people[who].connection;
                let settled = both!(self.twins, store => store.withdraw(person, &lease, at, &id))?;
                self.keep(who, &settled);
                Ok(())
            }
            Call::Refill { who, lease } => {
                let Some(lease) = self.lease(who, lease) else { return Ok(()) };
                self.refill(who, &lease).await.map(drop)
            }
            Call::Due { limit } => self.due(limit).await,
            _ => Ok(()),
        }
    }

    fn lease(&self, who: usize, back: Back) -> Option<Lease> {
        from_newest(&self.people[who].leases, back).cloned()
    }

    fn outbox(&self, who: usize, back: Back) -> Option<Outbox> {
        from_newest(&self.people[who].outboxes, back).cloned()
    }

    fn deferred(&self, head: &Entry, seconds: i64) -> Entry {
        let next_attempt = Some(self.now + SignedDuration::from_secs(seconds));
        let (attempts, uncertain) = (head.attempts + 1, head.uncertain + u32::from(seconds % 2 == 0));
        Entry { attempts, uncertain, next_attempt, ..head.clone() }
    }

    fn keep(&mut self, who: usize, settled: &Settled) {
        if let Settled::Remaining(outbox) = settled {
            self.people[who].outboxes.push(outbox.clone());
        }
    }

    async fn take(&mut self, who: usize, owner: &str, seconds: i64) -> Result<Taken, String> {
        let (now, person) = (self.now, &mut self.people[who]);
        let (connection, until) = (&person.connection, now + SignedDuration::from_secs(seconds));
        let taken = both!(self.twins, store => store.take_lease(connection, owner, until, now))?;
        if let Taken::Yes { lease, outbox, .. } = &taken {
            person.leases.push(lease.clone());
            person.outboxes.push(outbox.clone());
        }
        Ok(taken)
    }

    async fn settle(
        &mut self,
        who: usize,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Result<Settled, String> {
        let person = &self.people[who].connection;
        let settled = both!(self.twins, store => store.settle(person, lease, outbox, settlement.clone()))?;
        self.keep(who, &settled);
        Ok(settled)
    }

    async fn refill(&mut self, who: usize, lease: &Lease) -> Result<Settled, String> {
        let person = &self.people[who].connection;
        let settled = both!(self.twins, store => store.refill(person, lease))?;
        self.keep(who, &settled);
        Ok(settled)
    }

    /// Reads due entries. If the limit cuts between entries with the same time, each store may choose among them.
    pub(crate) async fn due(&mut self, limit: usize) -> Result<(), String> {
        let now = self.now;
        let since = |due: Vec<Due>| due.iter().map(|due| due.since).collect::<Vec<_>>();
        let all = both!(self.twins, store => store.due(now, 100_000))?;
        if limit < all.len() {
            let due = both!(self.twins, store => async { store.due(now, limit).await.map(since) })?;
            if due != since(all[..limit].to_vec()) {
                return Err(format!("{limit} of {all:?}: {due:?}"));
            }
        }
        Ok(())
    }

    /// Sends all waiting entries, so that the entries in chunks are compared too.
    pub(crate) async fn drain(&mut self) -> Result<(), String> {
        self.now += SignedDuration::from_hours(48);
        for who in 0..self.people.len() {
            let owner = self.owner();
            let Taken::Yes { lease, mut outbox, .. } = self.take(who, &owner, 600).await? else { continue };
            loop {
                let settled = if outbox.entries.is_empty() {
                    self.refill(who, &lease).await?
                } else {
                    self.settle(who, &lease, &outbox, Settlement::Done).await?
                };
                match settled {
                    Settled::Remaining(left) => outbox = left,
                    Settled::Released => break,
                    Settled::Lost => return Err("a lease was lost to nobody".to_owned()),
                }
            }
        }
        self.due(100_000).await
    }
}
