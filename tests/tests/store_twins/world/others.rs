//! Backends, contacts, numbers, broadcasts and jobs.

use std::collections::BTreeSet;

use threadless::broadcast::{Broadcast, BroadcastMessage};
use threadless::store::{Opened, Unusable};

use super::*;

impl World {
    pub(super) async fn ask_the_rest(&mut self, call: &Call) -> Result<(), String> {
        let now = self.now;
        let ago = |seconds: i64| now - SignedDuration::from_secs(seconds);
        let backend = self.people[0].connection.backend.clone();
        match *call {
            Call::OpenBackend => both!(self.twins, store => store.open_backend(&backend, now)),
            Call::Contacts { who } => {
                let person = &self.people[who];
                both!(self.twins, store => store.contact_of(&person.connection))?;
                for contact in &person.contacts {
                    both!(self.twins, store => store.contact(contact))?;
                }
                Ok(())
            }
            Call::Unusable { ago: seconds } => {
                let (raw, problems) = (format!("text={}", self.next()), vec!["text: is odd".to_owned()]);
                let unusable = Unusable::new(backend, ago(seconds), raw, problems);
                both!(self.twins, store => store.keep_unusable(&unusable))
            }
            Call::UnusableList { limit } => {
                both!(self.twins, store => store.unusable(&backend, now, limit)).map(drop)
            }
            Call::Number { who, ago: seconds } => {
                let (who, at) = (&self.people[who].connection, ago(seconds));
                both!(self.twins, store => store.note_number(who, at))
            }
            Call::Numbers { limit } => {
                both!(self.twins, store => store.numbers(&backend, now, limit)).map(drop)
            }
            Call::Forget { who } => {
                let who = &self.people[who].connection;
                both!(self.twins, store => store.forget(who))
            }
            Call::Job { job } => self.read_job(job).await,
            Call::PutJob { job, seen, done, state } => self.put_job(job, seen, done, state).await,
            ref broadcast => self.ask_of_broadcasts(broadcast).await,
        }
    }

    async fn ask_of_broadcasts(&mut self, call: &Call) -> Result<(), String> {
        let now = self.now;
        let key = |nth: usize| format!("broadcast-{nth}").parse::<BroadcastKey>().unwrap();
        match call {
            Call::OpenBroadcast { key: nth, parts } => {
                let (key, digest) = (key(*nth), format!("digest {}", self.next()));
                let message = |nth: usize| BroadcastMessage {
                    connections: vec![self.people[nth % PEOPLE].connection.clone()],
                    send: 0,
                    text: (nth % 2 == 1).then(|| format!("text {nth}")),
                };
                let parts: Vec<Vec<BroadcastMessage>> =
                    parts.iter().map(|messages| (0..*messages).map(message).collect()).collect();
                let sizes = parts.iter().map(|part| u32::try_from(part.len()).unwrap()).collect();
                let (text, fanned_out) = ("to all".to_owned(), BTreeSet::new());
                let broadcast = Broadcast { key, digest, text, created_at: now, sizes, fanned_out };
                let opened = both!(self.twins, store => store.open_broadcast(&broadcast, &parts))?;
                if let Opened::Now(broadcast) = opened {
                    self.broadcasts.insert(broadcast.key, u32::try_from(parts.len()).unwrap());
                }
                Ok(())
            }
            Call::Broadcast { key: nth } => {
                let key = key(*nth);
                both!(self.twins, store => store.broadcast(&key, now))?;
                for part in 0..self.broadcasts.get(&key).copied().unwrap_or(1) {
                    both!(self.twins, store => store.broadcast_part(&key, part))?;
                }
                Ok(())
            }
            Call::Spread { key: nth, part } => {
                let key = key(*nth);
                both!(self.twins, store => store.part_is_fanned_out(&key, *part))
            }
            Call::Postpone { key: nth, seconds } => {
                let until = seconds.map(|seconds| now + SignedDuration::from_secs(seconds));
                let key = key(*nth);
                both!(self.twins, store => store.postpone_broadcast(&key, until))
            }
            _ => Ok(()),
        }
    }

    async fn read_job(&mut self, job: usize) -> Result<(), String> {
        let name = format!("app.job{job}");
        let read = both!(self.twins, store => store.job(&name))?;
        self.jobs.entry(name).or_default().extend(read);
        Ok(())
    }

    async fn put_job(
        &mut self,
        job: usize,
        seen: Option<Back>,
        done: bool,
        state: Option<u8>,
    ) -> Result<(), String> {
        self.read_job(job).await?;
        let name = format!("app.job{job}");
        let known = seen.and_then(|back| from_newest(&self.jobs[&name], back)).cloned();
        let (version, started) = (known.as_ref().map_or(0, |seen| seen.version), self.now);
        let (done, state) = (done.then_some(self.now), state.map(|state| format!("{{\"at\":{state}}}")));
        let outgoing = self.broadcasts.keys().cloned().collect();
        let record = JobRecord { version, started, done, state, outgoing };
        both!(self.twins, store => store.put_job(&name, known.as_ref(), &record)).map(drop)
    }
}
