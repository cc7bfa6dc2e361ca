//! An SQS FIFO queue with its dead letters: groups in order, at least once, visibility time-outs, receive counts.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use threadless::queue::{Queue, QueueError, Ticket};
use threadless::worker::{Failure, Record};

use crate::plan::{Call, Fault};
use crate::port::Port;

/// The values of `template.yaml`, in milliseconds and receives.
const VISIBILITY: u64 = 180_000;
const MAX_RECEIVES: u32 = 10;
/// The time for which SQS knows a deduplication id, in milliseconds.
const DEDUPE: u64 = 300_000;
/// The maximum number of messages of one batch.
const BATCH: usize = 10;

/// The queue.
#[derive(Default)]
pub(crate) struct Sqs {
    groups: BTreeMap<String, VecDeque<Message>>,
    dedupe: BTreeMap<String, u64>,
    dead: Vec<Message>,
    next: u64,
    /// The groups that lost their order, because one of their messages became a dead letter.
    pub(crate) disordered: std::collections::BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Message {
    id: String,
    group: String,
    body: String,
    receives: u32,
    visible_at: u64,
    /// The receive to which the handle belongs.
    handle: u64,
}

/// A batch as the queue hands it out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    handles: BTreeMap<String, (String, u64)>,
}

impl Sqs {
    /// Takes a job. Returns whether it was new.
    fn accept(&mut self, ticket: &Ticket, now: u64) -> bool {
        if self.dedupe.get(&ticket.dedupe_id).is_some_and(|at| at + DEDUPE > now) {
            return false;
        }
        self.dedupe.insert(ticket.dedupe_id.clone(), now);
        self.next += 1;
        let message = Message {
            id: format!("q{}", self.next),
            group: ticket.group.clone(),
            body: ticket.job.to_json(),
            receives: 0,
            visible_at: now,
            handle: 0,
        };
        self.groups.entry(ticket.group.clone()).or_default().push_back(message);
        true
    }

    /// Returns whether the queue is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.dead.is_empty()
    }

    /// Returns the time when the next group can be handed out, if one waits.
    pub(crate) fn next_visible(&self) -> Option<u64> {
        let free = |group: &VecDeque<Message>| group.iter().map(|message| message.visible_at).max();
        self.groups.values().filter_map(free).min()
    }

    /// Hands out a batch: some messages of each free group, in order. `roll` decides how many.
    pub(crate) fn receive(&mut self, now: u64, roll: u64) -> Option<Batch> {
        let mut free: Vec<String> = Vec::new();
        for (name, group) in &self.groups {
            if group.iter().all(|message| message.visible_at <= now) {
                free.push(name.clone());
            }
        }
        if free.is_empty() {
            return None;
        }
        let first = usize::try_from(roll).unwrap_or(0) % free.len();
        free.rotate_left(first);
        let most = [BATCH, BATCH, 1, 3][usize::try_from(roll >> 16).unwrap_or(0) % 4];
        let mut batch = Batch::default();
        for name in free {
            let Some(group) = self.groups.get_mut(&name) else { continue };
            while group.front().is_some_and(|head| head.receives >= MAX_RECEIVES) {
                self.dead.extend(group.pop_front());
                self.disordered.insert(name.clone());
            }
            for message in group.iter_mut().take(most - batch.records.len()) {
                if message.receives >= MAX_RECEIVES {
                    break;
                }
                self.next += 1;
                message.receives += 1;
                (message.visible_at, message.handle) = (now + VISIBILITY, self.next);
                batch.handles.insert(message.id.clone(), (name.clone(), message.handle));
                batch.records.push(Record {
                    id: message.id.clone(),
                    group: Some(name.clone()),
                    body: message.body.clone(),
                    receive_count: message.receives,
                    sent_at: None,
                });
            }
            if group.is_empty() {
                self.groups.remove(&name);
            }
            if batch.records.len() >= most {
                break;
            }
        }
        (!batch.records.is_empty()).then_some(batch)
    }

    /// Deletes a message of a batch, unless its handle belongs to an earlier receive.
    fn delete(&mut self, batch: &Batch, id: &str) {
        let Some((name, handle)) = batch.handles.get(id) else { return };
        let Some(group) = self.groups.get_mut(name) else { return };
        group.retain(|message| message.id != *id || message.handle != *handle);
        if group.is_empty() {
            self.groups.remove(name);
        }
    }

    /// Makes a message of a batch visible again at another time.
    fn postpone(&mut self, batch: &Batch, id: &str, visible_at: u64) {
        let Some((name, handle)) = batch.handles.get(id) else { return };
        let messages = self.groups.get_mut(name).into_iter().flatten();
        for message in messages.filter(|message| message.id == *id && message.handle == *handle) {
            message.visible_at = visible_at;
        }
    }

    /// Moves the dead letters back, in their order.
    pub(crate) fn redrive(&mut self, now: u64) -> usize {
        let dead = std::mem::take(&mut self.dead);
        let count = dead.len();
        for message in dead {
            let message = Message { receives: 0, visible_at: now, ..message };
            self.groups.entry(message.group.clone()).or_default().push_back(message);
        }
        count
    }
}

impl Port {
    /// Takes the batch item failures of the function `responder`. Finished jobs leave the queue.
    pub(crate) fn finish(&self, batch: &Batch, failures: &[Failure]) {
        for record in &batch.records {
            let failure = failures.iter().find(|failure| failure.id == record.id);
            let fault = self.fault(Call::Delete);
            let now = self.world.ms();
            let mut state = self.world.lock();
            match (failure, fault) {
                (Some(failure), None) => {
                    let wait = u64::try_from(failure.retry_after.as_millis()).unwrap_or(0);
                    state.sqs.postpone(batch, &record.id, now + wait);
                }
                (None, None) => state.sqs.delete(batch, &record.id),
                // The record is handed out again at once, although it is done.
                (None, Some(Fault::Twice)) => state.sqs.postpone(batch, &record.id, now + 10),
                // The queue got no answer, so the visibility time-out decides.
                (_, Some(_)) => {}
            }
        }
        self.world.wake.notify_one();
    }

    fn take(&self, ticket: &Ticket) {
        let now = self.world.ms();
        let new = {
            let mut state = self.world.lock();
            let new = state.sqs.accept(ticket, now);
            if new {
                state.seen.saw_job(&ticket.job);
            }
            new
        };
        self.log(|| {
            let job = ticket.job.to_json();
            format!("enqueue {}: {}", &job[..job.len().min(110)], if new { "new" } else { "known" })
        });
        self.world.wake.notify_one();
    }
}

#[async_trait]
impl Queue for Port {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), QueueError> {
        self.call(Call::Enqueue, || async {
            self.take(&ticket);
            Ok(())
        })
        .await
    }

    async fn enqueue_all(&self, tickets: Vec<Ticket>) -> Result<(), QueueError> {
        if tickets.is_empty() {
            return Ok(());
        }
        // SQS takes ten at a time, so a fault can come in between.
        for some in tickets.chunks(BATCH) {
            self.call(Call::EnqueueAll, || async {
                for ticket in some {
                    self.take(ticket);
                }
                Ok::<(), QueueError>(())
            })
            .await?;
        }
        Ok(())
    }
}
