//! Finds outboxes and broadcasts that were left behind, or whose time has come, and puts them on the queue. It never
//! sends.
//!
//! It has no fixed limit: it goes through all that is due, page by page, within its time. Backends take turns, so that
//! a gateway behind which thousands of conversations wait holds up nobody else's. On a queue that is long already it
//! adds jobs as fast as the responders take them: a new message of any backend waits behind what is there.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::model::message::BackendName;
use crate::project::Project;
use crate::queue::Ticket;
use crate::store::{Due, DueCursor, StoreError, Waiting};
use crate::util::clock::Deadline;

/// How long one sweep may take: less than the function `tick` may, and less than the minute until the next one.
const BUDGET: Duration = Duration::from_secs(40);

/// How many entries of the index are read at once.
const PAGE: usize = 1000;

/// From so many entries of one backend on, its further ones are read later: what bounds the memory.
const HELD: usize = 10_000;

/// How many jobs go in one call of the queue: as many as SQS takes.
const BATCH: usize = 10;

/// How many calls of the queue are made at once.
const AT_ONCE: usize = 16;

/// A sweep adds so many jobs however long the queue is, and further ones only while fewer wait there.
const LONG_QUEUE: usize = 2000;

/// How long it waits before it looks again whether the queue is shorter. SQS counts some seconds late.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// So many outboxes and broadcasts were due.
    pub due: usize,
    /// So many of them are on the queue now.
    pub enqueued: usize,
    /// So many entries were passed over because they cannot be read.
    pub unreadable: usize,
}

/// Enqueues a job for each outbox and each broadcast that is due, into its own group, within 40 seconds. Run it every
/// minute; running it twice at once does no harm.
///
/// # Errors
/// The store could not be read to the end. What was read until then is on the queue.
pub async fn sweep(project: &Project) -> Result<Swept, StoreError> {
    let mut sweep = Sweep {
        project,
        now: project.ports.clock.now(),
        deadline: Deadline::within(BUDGET),
        room: LONG_QUEUE,
        done: Swept::default(),
    };
    let swept = sweep.run().await;
    let Swept { due, enqueued, unreadable } = sweep.done;
    if enqueued < due || unreadable > 0 {
        error!(due, enqueued, unreadable, outcome = "swept_in_part", "the next sweep goes on");
    } else if due > 0 {
        info!(due, enqueued, unreadable, outcome = "swept", "sweep");
    }
    swept.map(|()| sweep.done)
}

/// Whose turn it is: each backend has a lane of its own, and the broadcasts have one. `None` are the broadcasts.
type Name = Option<BackendName>;

/// What of one lane is to be put on the queue.
#[derive(Default)]
struct Lane {
    held: VecDeque<Due>,
    /// Where the rest of it begins, if it was too much to be held.
    rest: Option<DueCursor>,
}

struct Sweep<'a> {
    project: &'a Project,
    now: Timestamp,
    deadline: Deadline,
    /// How many more jobs may go on the queue before it is asked how long it is.
    room: usize,
    done: Swept,
}

impl Sweep<'_> {
    async fn run(&mut self) -> Result<(), StoreError> {
        let mut lanes = BTreeMap::new();
        // Others need not wait for what cannot be read.
        let mut read = self.read_all(&mut lanes).await;
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

    /// Reads the whole index, and keeps of each lane as much as may be held.
    async fn read_all(&mut self, lanes: &mut BTreeMap<Name, Lane>) -> Result<(), StoreError> {
        let mut from: Option<DueCursor> = None;
        loop {
            let page = self.project.ports.store.due_page(self.now, from.as_ref(), PAGE).await?;
            self.done.due += page.due.len();
            self.done.unreadable += page.unreadable;
            for due in page.due {
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

    /// Reads on where a lane was left, past what is of others.
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

    /// Puts what is held on the queue, one of each lane in turn. `false`: there is no more time, or the queue takes
    /// nothing.
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
        // A second sweep of the same minute asks for the same. One of the next minute does not: what is due since the
        // same moment still may have been looked at in vain, and the queue drops the same ticket for five minutes.
        let since = due.since.max(minute_of(self.now));
        match due.waiting {
            Waiting::Outbox(connection) => Ticket::deliver(connection, since),
            Waiting::Broadcast(key) => Ticket::broadcast(key, since),
        }
    }

    /// One call of the queue. Returns how many jobs it took.
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

    /// Returns how many jobs may go on the queue now; waits for some if the queue is long. None: the time is over.
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
                    warn!(outcome = "not_counted", error = %problem, "nobody knows how long the queue is");
                    self.room = LONG_QUEUE;
                }
            }
            // Also where there is room: what was just put there is not counted yet.
            if self.room < usize::MAX {
                sleep(LOOK_AGAIN.min(self.deadline.remaining())).await;
            }
        }
    }
}

/// The beginning of the minute in which a moment is.
fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

fn name_of(due: &Due) -> Name {
    match &due.waiting {
        Waiting::Outbox(connection) => Some(connection.backend.clone()),
        Waiting::Broadcast(_) => None,
    }
}
