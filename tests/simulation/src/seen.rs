//! The observations of the judge during a history: effects at the store, jobs on the queue, messages at the gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use threadless::broadcast::BroadcastMessage;
use threadless::queue::Job;
use threadless::store::{
    Advanced, Commit, Entry, HistoryRow, JobRecord, Lease, Loaded, Opened, Outbox, Settled, Settlement,
    State, StatusUpdate,
};
use threadless::{Clock as _, ConnectionId, ContactId, FinalStatus, MessageId, Outgoing, Recipient};

use crate::app;
use crate::plan::Says;
use crate::port::Port;
use crate::world::short;

/// The observations of one history.
#[derive(Default)]
pub(crate) struct Seen {
    /// The broken promises, each with a description.
    pub(crate) broken: Vec<(&'static str, String)>,
    /// The messages that Kannel posts, by their future ids.
    pub(crate) posted: BTreeMap<MessageId, (u32, Says)>,
    /// The events whose message was answered with 200, and the broadcasts that were accepted.
    pub(crate) acknowledged: BTreeSet<u32>,
    /// The effects, in the order in which they were committed.
    pub(crate) commits: Vec<(ConnectionId, MessageId)>,
    /// The messages that were committed to an outbox.
    pub(crate) entries: BTreeMap<MessageId, SeenEntry>,
    /// The ids of these messages in the order in which the gateway took them.
    pub(crate) arrivals: BTreeMap<ConnectionId, Vec<MessageId>>,
    /// The messages in the order in which the queue took them.
    pub(crate) accepted: BTreeMap<ConnectionId, Vec<MessageId>>,
    /// The notices that the queue took.
    pub(crate) notices: BTreeMap<MessageId, (ConnectionId, String)>,
    /// The final statuses of messages, by a report that moved the row forward.
    pub(crate) ends: BTreeSet<(ConnectionId, MessageId, &'static str)>,
    /// The broadcasts, including those of jobs: each message with the connections of its recipient.
    pub(crate) broadcasts: BTreeMap<String, Vec<BroadcastMessage>>,
    /// The broadcasts that a run of a job stored, although the run may not be decided.
    staged: BTreeMap<String, Vec<BroadcastMessage>>,
    /// The texts of the broadcasts.
    pub(crate) broadcast_texts: BTreeMap<String, String>,
    /// The contacts that were written.
    pub(crate) contacts: BTreeSet<ContactId>,
    /// The reports that were answered with 200: message and state.
    pub(crate) reported: Vec<(String, State)>,
    /// The due times for which a job was on the queue.
    pub(crate) scheduled: BTreeSet<Timestamp>,
    /// The last due time that counts as started. It is in the future if a clock was fast.
    pub(crate) started: Option<Timestamp>,
    /// The state of the job when it was last done.
    pub(crate) job_state: Option<String>,
    /// The due times for which a job was done.
    pub(crate) done: Vec<Timestamp>,
    /// The opt-outs and opt-ins of people: the number of the moment, and whether the person has opted out.
    opted: BTreeMap<ConnectionId, Vec<(u64, bool)>>,
    /// The moment at which an environment last read an outbox.
    known: BTreeMap<(usize, ConnectionId), u64>,
    /// The last values of rows: rank, attempts, uncertain attempts.
    rows: BTreeMap<(ConnectionId, i64, MessageId), (u8, u32, u32)>,
    /// The writes of rows that are running or failed.
    unwritten: BTreeMap<MessageId, i32>,
    moments: u64,
}

/// The observations of a message in an outbox.
#[derive(Debug)]
pub(crate) struct SeenEntry {
    pub(crate) connection: ConnectionId,
    pub(crate) text: String,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) confirms: bool,
    /// The place of the message among all committed messages.
    pub(crate) place: usize,
    pub(crate) created_at: Timestamp,
    /// The number of the moment at which the message was committed.
    pub(crate) moment: u64,
    /// The number of times that the gateway took the message.
    pub(crate) taken: u32,
    /// The number of times that the gateway refused the message.
    pub(crate) refused: u32,
    /// The number of uncertain attempts that any process wrote, or began to write.
    pub(crate) doubt: u32,
    /// The uncertain attempts and the attempts that are recorded in the outbox.
    kept: (u32, u32),
}

impl Seen {
    fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }

    /// Returns whether a person had opted out at any time from a moment on.
    pub(crate) fn was_out_since(&self, connection: &ConnectionId, moment: u64) -> bool {
        let changes = self.opted.get(connection).map_or(&[][..], Vec::as_slice);
        let before = changes.iter().rev().find(|(at, _)| *at < moment);
        before.is_some_and(|(_, out)| *out) || changes.iter().any(|(at, out)| *at >= moment && *out)
    }

    /// Returns whether all started writes of a row are done.
    pub(crate) fn is_written(&self, id: &MessageId) -> bool {
        self.unwritten.get(id).is_none_or(|open| *open == 0)
    }

    /// Records a job that the queue took for the first time.
    pub(crate) fn saw_job(&mut self, job: &Job) {
        match job {
            Job::Incoming { message } => {
                let accepted = self.accepted.entry(message.connection.clone()).or_default();
                if !accepted.contains(&message.id) {
                    accepted.push(message.id.clone());
                }
            }
            Job::Notice { notice } => {
                self.notices.insert(notice.id.clone(), (notice.connection.clone(), notice.text.clone()));
            }
            Job::Scheduled { due, .. } => {
                self.scheduled.insert(*due);
            }
            _ => {}
        }
    }
}

impl Port {
    /// Records a commit that took effect.
    pub(crate) fn saw_commit(&self, commit: &Commit<'_>, before: &Loaded) {
        let (connection, id) = (commit.connection, commit.message);
        let name = format!("{id} of {}", short(connection));
        let was_out = before.record.outbox.opted_out.is_some();
        if let Some(lease) = &commit.lease {
            self.saw_taking(connection, before, lease, commit.now);
        }
        let mut broken = Vec::new();
        {
            let mut state = self.world.lock();
            let seen = &mut state.seen;
            if seen.commits.iter().any(|(whose, known)| whose == connection && known == id) {
                broken.push(("each effect once", format!("{name} was committed again")));
            }
            let says = seen.posted.get(id).map(|(event, says)| (*event, says.clone()));
            let out = match says {
                Some((_, Says::Stop)) => true,
                Some((_, Says::Start)) => false,
                _ => was_out,
            };
            if commit.opted_out.is_some() != out {
                broken.push(("an opt-out holds", format!("{name} made it {:?}", commit.opted_out)));
            }
            let wanted = match &says {
                Some((event, says)) => Some(app::effect(&app::tag(*event), says)),
                None => seen.notices.get(id).map(|(_, text)| vec![text.clone()]),
            };
            let texts: Vec<&String> =
                commit.replies.iter().filter(|entry| !entry.confirms).map(|entry| &entry.text).collect();
            if let Some(wanted) = wanted
                && !out
                && texts != wanted.iter().collect::<Vec<_>>()
            {
                broken.push(("each effect whole", format!("{name} came to {texts:?} and not {wanted:?}")));
            }
            let moment = seen.moment();
            if out != was_out {
                seen.opted.entry(connection.clone()).or_default().push((moment, out));
            }
            seen.known.insert((self.environment, connection.clone()), moment);
            for entry in &commit.replies {
                if out && !entry.confirms && !entry.is_sending() {
                    broken.push(("an opt-out holds", format!("{name} queued {:?} all the same", entry.text)));
                }
                let place = seen.entries.len();
                let new = SeenEntry {
                    connection: connection.clone(),
                    text: entry.text.clone(),
                    recipients: entry.recipients.clone(),
                    confirms: entry.confirms,
                    place,
                    created_at: entry.created_at,
                    moment,
                    taken: 0,
                    refused: 0,
                    doubt: 0,
                    kept: (0, 0),
                };
                if seen.entries.insert(entry.id.clone(), new).is_some() {
                    broken.push(("each effect once", format!("{} is in an outbox again", entry.id)));
                }
            }
            seen.contacts.extend(commit.contact.and_then(|change| change.id().cloned()));
            seen.commits.push((connection.clone(), id.clone()));
        }
        for (promise, how) in broken {
            self.world.broken(promise, how);
        }
    }

    /// Records that a lease was taken. At that moment no other lease may be valid by the clock of the taker. A call
    /// that is repeated because its answer was lost finds its own lease.
    pub(crate) fn saw_taking(
        &self,
        connection: &ConnectionId,
        before: &Loaded,
        taken: &Lease,
        now: Timestamp,
    ) {
        if let Some(lease) = before.record.lease_at(now).filter(|lease| lease.owner != taken.owner) {
            let how = format!("that of {} until {} is taken at {now}", short(connection), lease.until);
            self.world.broken("a lease holds until its end", how);
        }
    }

    /// Records that this environment read an outbox.
    pub(crate) fn knows(&self, connection: &ConnectionId) {
        let mut state = self.world.lock();
        let moment = state.seen.moment();
        state.seen.known.insert((self.environment, connection.clone()), moment);
    }

    pub(crate) fn knows_by(&self, connection: &ConnectionId, settled: &Settled) {
        if let Settled::Remaining(_) = settled {
            self.knows(connection);
        }
    }

    /// Records the uncertain attempts that a settlement contains.
    pub(crate) fn saw_settlement(&self, outbox: &Outbox, settlement: &Settlement) {
        let heads = outbox.entries.front().into_iter();
        let deferred = match settlement {
            Settlement::Deferred(entry) | Settlement::Passed(entry) => Some(entry),
            Settlement::Done => None,
        };
        let mut state = self.world.lock();
        for entry in heads.chain(deferred) {
            if let Some(seen) = state.seen.entries.get_mut(&entry.id) {
                seen.doubt = seen.doubt.max(entry.uncertain);
            }
        }
    }

    /// Records an entry that was put back. Its counts of attempts may only grow.
    pub(crate) fn saw_put_back(&self, entry: &Entry) {
        let now = (entry.uncertain, entry.attempts);
        let mut state = self.world.lock();
        let Some(seen) = state.seen.entries.get_mut(&entry.id) else { return };
        let before = std::mem::replace(&mut seen.kept, now);
        drop(state);
        if now.0 < before.0 || now.1 < before.1 {
            let how = format!("(doubt, attempts) of {:?} went from {before:?} to {now:?}", entry.text);
            self.world.broken("doubt only grows", how);
        }
    }

    /// Records a row that is about to be written.
    pub(crate) fn saw_row(&self, row: &HistoryRow) {
        let mut state = self.world.lock();
        *state.seen.unwritten.entry(row.id.clone()).or_default() += 1;
        if let Some(seen) = state.seen.entries.get_mut(&row.id) {
            seen.doubt = seen.doubt.max(row.uncertain);
        }
    }

    pub(crate) fn row_is_written(&self, row: &HistoryRow, written: bool) {
        if written {
            *self.world.lock().seen.unwritten.entry(row.id.clone()).or_default() -= 1;
        }
    }

    /// Compares a written row with its former value.
    pub(crate) async fn watch_row(&self, connection: &ConnectionId, at: Timestamp, id: &MessageId) {
        use threadless::store::History as _;
        let wanted = [(connection.clone(), at, id.clone())];
        let Ok(rows) = self.world.store.rows(&wanted).await else { return };
        let Some(row) = rows.into_iter().flatten().next() else { return };
        let now = (row.state.rank(), row.attempts, row.uncertain);
        let key = (connection.clone(), at.as_millisecond(), id.clone());
        let before = self.world.lock().seen.rows.insert(key, now);
        if let Some(before) = before
            && (before.0 > now.0 || before.1 > now.1 || before.2 > now.2)
        {
            self.world
                .broken("states only forward", format!("the row of {id} went from {before:?} to {now:?}"));
        }
    }

    /// Records the effect of a report at the store.
    pub(crate) fn saw_report(&self, step: &StatusUpdate, moved: Advanced) {
        let final_status = match step.state {
            State::Delivered => FinalStatus::Delivered,
            State::Failed => FinalStatus::Failed,
            _ => return,
        };
        if moved == Advanced::Forward {
            let end = (step.connection.clone(), step.id.clone(), final_status.as_str());
            if !self.world.lock().seen.ends.insert(end) {
                self.world.broken("states only forward", format!("{} came to its end twice", step.id));
            }
        }
    }

    pub(crate) fn saw_broadcast(&self, opened: &Opened, parts: &[Vec<BroadcastMessage>]) {
        if let Opened::Now(broadcast) = opened {
            let mut state = self.world.lock();
            let messages = parts.iter().flatten().cloned().collect();
            state.seen.broadcasts.insert(broadcast.key.to_string(), messages);
            state.seen.broadcast_texts.insert(broadcast.key.to_string(), broadcast.text.clone());
        }
    }

    /// Records the broadcasts that a run of a job stores. They go out only if this run is the decided one.
    pub(crate) fn saw_staged(&self, opened: &Opened, parts: &[Vec<BroadcastMessage>]) {
        if let Opened::Now(broadcast) = opened {
            let messages = parts.iter().flatten().cloned().collect();
            self.world.lock().seen.staged.insert(broadcast.key.to_string(), messages);
        }
    }

    pub(crate) fn saw_job(&self, before: Option<&JobRecord>, after: &JobRecord) {
        self.world.lock().seen.started = Some(after.started);
        let started = before.is_some_and(|before| before.started < after.started);
        if started && !self.world.lock().seen.scheduled.contains(&after.started) {
            let how = format!("a job counts as started for {}, and was never on the queue", after.started);
            self.world.broken("nothing acknowledged is lost", how);
        }
        let Some(done) = after.done.filter(|done| before.and_then(|before| before.done) != Some(*done))
        else {
            return;
        };
        let mut state = self.world.lock();
        for key in &after.outgoing {
            if let Some(messages) = state.seen.staged.remove(key.as_str()) {
                state.seen.broadcasts.insert(key.to_string(), messages);
            }
        }
        state.seen.done.push(done);
        state.seen.job_state.clone_from(&after.state);
    }

    /// Records that a message is about to be given to the gateway.
    pub(crate) async fn sees_sending(&self, message: &Outgoing, limit: Duration) {
        self.sees_cover(message, limit).await;
        let mut state = self.world.lock();
        let seen = &mut state.seen;
        let known = seen.known.get(&(self.environment, message.connection.clone())).copied().unwrap_or(0);
        let out = seen.opted.get(&message.connection).and_then(|changes| changes.last()).copied();
        let confirms = seen.entries.get(&message.id).is_some_and(|entry| entry.confirms);
        drop(state);
        if let Some((since, true)) = out
            && known >= since
            && !confirms
        {
            self.world.broken("an opt-out holds", format!("{:?} is sent after it", message.text));
        }
    }

    /// Checks that a lease covers a send from its beginning to its end, unless calls take longer than they should.
    async fn sees_cover(&self, message: &Outgoing, limit: Duration) {
        use threadless::store::Connections as _;
        let unusual = self.world.lock().unusual;
        let Ok(loaded) = self.world.store.load(&message.connection, &message.id, self.now()).await else {
            return;
        };
        let covered = loaded.record.lease.is_some_and(|lease| self.now() + limit <= lease.until);
        if !covered && !unusual {
            self.world.broken("a send is covered by a lease", format!("{:?} is not", message.text));
        }
    }

    /// Records that the gateway took or refused a message.
    pub(crate) fn saw_at_gateway(&self, message: &Outgoing, taken: bool) {
        let mut state = self.world.lock();
        let seen = &mut state.seen;
        let right = match seen.entries.get_mut(&message.id) {
            Some(entry) if entry.connection == message.connection && entry.text == message.text => {
                if taken {
                    entry.taken += 1;
                } else {
                    entry.refused += 1;
                }
                true
            }
            _ => false,
        };
        if taken {
            seen.arrivals.entry(message.connection.clone()).or_default().push(message.id.clone());
        }
        drop(state);
        if !right {
            self.world.broken("nothing is sent that was not committed", format!("{:?}", message.text));
        }
    }
}
