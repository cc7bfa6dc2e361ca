//! The sweep. It finds outboxes and broadcasts that were left behind or have become due, and puts jobs for them on the
//! queue. It never sends.
//!
//! The sweep has no fixed limit: it reads all due entries, page by page, within its time. Backends take turns, so a
//! gateway with thousands of waiting conversations delays no other backend. If the queue is already long, the sweep
//! adds jobs only as fast as the workers take them, because a new message of any backend waits behind the jobs on the
//! queue.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::model::message::BackendName;
use crate::project::Project;
use crate::queue::Ticket;
use crate::store::{Due, DueCursor, StoreError, Waiting};
use crate::util::clock::{Deadline, after};

/// The time limit of one sweep. It is less than the time-out of the Lambda function `tick`, and less than the minute
/// until the next sweep.
const BUDGET: Duration = Duration::from_secs(40);

/// The number of index entries in one page.
const PAGE: usize = 1000;

/// The number of entries of one backend that are held in memory. Further entries are read later. This limits the
/// memory.
const HELD: usize = 10_000;

/// The number of jobs in one call of the queue: the limit of SQS.
const BATCH: usize = 10;

/// The number of calls of the queue that run at the same time.
const AT_ONCE: usize = 16;

/// The number of jobs that a sweep adds whatever the length of the queue. It adds more jobs only while fewer than this
/// number wait on the queue.
const LONG_QUEUE: usize = 2000;

/// The wait before the sweep checks the length of the queue again. The count of SQS is some seconds late.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The time ahead for which the sweep counts the conversations that wait. It is more than the longest wait between two
/// attempts.
const COUNTED_AHEAD: SignedDuration = SignedDuration::from_hours(2);

/// The result of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// The number of outboxes and broadcasts that were due.
    pub due: usize,
    /// The number of them for which a job is on the queue now.
    pub enqueued: usize,
    /// The number of entries that were skipped because they cannot be read.
    pub unreadable: usize,
}

impl Swept {
    /// Returns whether a job is on the queue for everything that was due.
    fn is_complete(self) -> bool {
        self.enqueued >= self.due && self.unreadable == 0
    }
}

/// Puts a job on the queue for each due outbox and each due broadcast, each in its own group, within 40 seconds. Run it
/// every minute. Two runs at the same time do no harm.
///
/// # Errors
/// The store could not be read to the end. Jobs for the entries that were read are on the queue.
pub async fn sweep(project: &Project) -> Result<Swept, StoreError> {
    let mut sweep = Sweep {
        project,
        now: project.ports.clock.now(),
        deadline: Deadline::within(BUDGET),
        room: LONG_QUEUE,
        done: Swept::default(),
        counted: BTreeMap::new(),
    };
    let swept = sweep.run().await;
    let Swept { due, enqueued, unreadable } = sweep.done;
    if !sweep.done.is_complete() {
        error!(due, enqueued, unreadable, outcome = "incomplete", "the next sweep continues");
    } else if due > 0 {
        info!(due, enqueued, unreadable, outcome = "complete", "sweep");
    }
    swept.map(|()| sweep.done)
}

/// The name of a lane. Each backend has its own lane, and all broadcasts share one: `None`.
type Name = Option<BackendName>;

/// The due entries of one lane that still go on the queue.
#[derive(Default)]
struct Lane {
    held: VecDeque<Due>,
    /// The place where the rest of the lane begins, if there were too many entries to hold.
    rest: Option<DueCursor>,
}

struct Sweep<'a> {
    project: &'a Project,
    now: Timestamp,
    deadline: Deadline,
    /// The number of jobs that may go on the queue before its length is checked again.
    room: usize,
    done: Swept,
    /// For each backend: the number of conversations that wait, and the time since which the first of them is due.
    counted: BTreeMap<BackendName, (u64, Option<Timestamp>)>,
}

impl Sweep<'_> {
    async fn run(&mut self) -> Result<(), StoreError> {
        let mut lanes = BTreeMap::new();
        // If a read fails, the entries that were read before it still go on the queue.
        let mut read = self.read_all(&mut lanes).await;
        if read.is_ok() {
            self.record();
        }
        while self.put_on_the_queue(&mut lanes).await && read.is_ok() {
            lanes.retain(|_, lane| lane.rest.is_some());
            if lanes.is_empty() {
                break;
            }
            for (name, lane) in &mut lanes {
                read = read.and(self.read_rest(name, lane).await);
            }
        }
        read
    }

    /// Reads the whole index, and holds as many entries of each lane as allowed.
    async fn read_all(&mut self, lanes: &mut BTreeMap<Name, Lane>) -> Result<(), StoreError> {
        let mut from: Option<DueCursor> = None;
        loop {
            let ahead = after(self.now, COUNTED_AHEAD);
            let page = self.project.ports.store.due_page(ahead, from.as_ref(), PAGE).await?;
            self.done.unreadable += page.unreadable;
            for due in page.due {
                self.count(&due);
                if due.since > self.now {
                    continue;
                }
                self.done.due += 1;
                let lane: &mut Lane = lanes.entry(name_of(&due)).or_default();
                if lane.rest.is_none() {
                    lane.held.push_back(due);
                }
            }
            if page.next.is_none() || self.deadline.remaining().is_zero() {
                return Ok(());
            }
            for lane in lanes.values_mut().filter(|lane| lane.rest.is_none() && lane.held.len() >= HELD) {
                lane.rest.clone_from(&page.next);
            }
            from = page.next;
        }
    }

    fn count(&mut self, due: &Due) {
        if let Waiting::Outbox(connection) = &due.waiting {
            let (number, first) = self.counted.entry(connection.backend.clone()).or_default();
            *number += 1;
            *first = Some(first.map_or(due.since, |first| first.min(due.since)));
        }
    }

    /// Records for each backend how many conversations wait, and since when the first of them is due.
    fn record(&self) {
        let seconds = |since: Timestamp| self.now.duration_since(since).as_secs();
        for (backend, _) in self.project.backends() {
            let (number, first) = self.counted.get(backend).copied().unwrap_or_default();
            self.project.metrics.swept(backend, number, first.map_or(0, seconds));
        }
        for (backend, (number, first)) in &self.counted {
            if self.project.installed(backend).is_none() {
                self.project.metrics.swept(backend, *number, first.map_or(0, seconds));
            }
        }
    }

    /// Reads a lane from the place where the last read stopped, and skips the entries of other lanes.
    async fn read_rest(&self, name: &Name, lane: &mut Lane) -> Result<(), StoreError> {
        while let Some(from) = lane.rest.take() {
            let page = self.project.ports.store.due_page(self.now, Some(&from), PAGE).await?;
            lane.held.extend(page.due.into_iter().filter(|due| name_of(due) == *name));
            lane.rest = page.next;
            if lane.held.len() >= HELD || self.deadline.remaining().is_zero() {
                break;
            }
        }
        Ok(())
    }

    /// Puts the held entries on the queue, one of each lane in turn. Returns `false` if the time is up or the queue
    /// takes nothing.
    async fn put_on_the_queue(&mut self, lanes: &mut BTreeMap<Name, Lane>) -> bool {
        let mut turns: VecDeque<&mut Lane> = lanes.values_mut().collect();
        loop {
            let room = self.room().await;
            let mut tickets = Vec::new();
            while tickets.len() < room.min(BATCH * AT_ONCE)
                && let Some(lane) = turns.pop_front()
            {
                if let Some(due) = lane.held.pop_front() {
                    tickets.push(self.ticket(due));
                    turns.push_back(lane);
                }
            }
            if tickets.is_empty() {
                return turns.is_empty();
            }
            self.room -= tickets.len();
            let calls: Vec<Vec<Ticket>> = tickets.chunks(BATCH).map(<[Ticket]>::to_vec).collect();
            let put = join_all(calls.into_iter().map(|call| self.put(call))).await;
            let put: usize = put.into_iter().sum();
            self.done.enqueued += put;
            if put == 0 {
                return false;
            }
        }
    }

    fn ticket(&self, due: Due) -> Ticket {
        // A second sweep of the same minute makes the same ticket. A sweep of the next minute must not: the first job
        // may have failed to send the outbox, and for five minutes the queue drops the same ticket.
        let since = due.since.max(minute_of(self.now));
        match due.waiting {
            Waiting::Outbox(connection) => Ticket::deliver(connection, since),
            Waiting::Broadcast(key) => Ticket::broadcast(key, since),
        }
    }

    /// Makes one call of the queue. Returns the number of jobs that the queue took.
    async fn put(&self, tickets: Vec<Ticket>) -> usize {
        let count = tickets.len();
        match self.project.ports.queue.enqueue_all(tickets).await {
            Ok(()) => count,
            Err(problem) => {
                warn!(jobs = count, outcome = "not_enqueued", error = %problem, "sweep");
                0
            }
        }
    }

    /// Returns the number of jobs that may go on the queue now. If the queue is long, waits until there is room.
    /// Returns 0 if the time is up.
    async fn room(&mut self) -> usize {
        loop {
            if self.deadline.remaining().is_zero() {
                return 0;
            }
            if self.room > 0 {
                return self.room;
            }
            match self.project.ports.queue.waiting().await {
                Ok(Some(waiting)) => self.room = LONG_QUEUE.saturating_sub(waiting),
                Ok(None) => self.room = usize::MAX,
                Err(problem) => {
                    warn!(outcome = "not_counted", error = %problem, "the number of waiting jobs is unknown");
                    self.room = LONG_QUEUE;
                }
            }
            // Waits even if there is room, because the queue does not count the last jobs yet.
            if self.room < usize::MAX {
                sleep(LOOK_AGAIN.min(self.deadline.remaining())).await;
            }
        }
    }
}

/// Returns the beginning of the minute that contains this moment.
fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

fn name_of(due: &Due) -> Name {
    match &due.waiting {
        Waiting::Outbox(connection) => Some(connection.backend.clone()),
        Waiting::Broadcast(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_complete_if_everything_that_was_due_is_on_the_queue() {
        for (due, enqueued, unreadable, complete) in
            [(0, 0, 0, true), (2, 2, 0, true), (2, 1, 0, false), (2, 2, 1, false), (0, 0, 1, false)]
        {
            let swept = Swept { due, enqueued, unreadable };
            assert_eq!(swept.is_complete(), complete, "{swept:?}");
        }
    }
}
