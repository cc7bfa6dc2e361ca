//! Processing of one input (a message, a notice or a report): claim → phases → commit → deliver. Inline and queued
//! inputs take the same steps.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, debug, info, info_span, warn};

use super::history::write_history;
use crate::app::contact_lookup::Directory;
use crate::app::snapshot::Snapshot;
use crate::consent::ConsentChange;
use crate::metrics::{Event, Timing};
use crate::model::contact::Contact;
use crate::model::language::Language;
use crate::model::message::{ConnectionId, MessageId, State};
use crate::pipeline::deliver::{self, Delivery};
use crate::pipeline::input::Input;
use crate::pipeline::screen::Screened;
use crate::planted::{self, Plant};
use crate::project::Project;
use crate::router::budget::Budget;
use crate::router::{Disposition, Outcome};
use crate::store::{Commit, Committed, Entry, HistoryRow, Lease, Loaded, Outbox, Record, StoreError};
use crate::util::clock::Deadline;
use crate::util::random;

/// The result of processing a message or another input of a [job](crate::queue::Job).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handling {
    /// The phases ran, and their effect is committed.
    Done {
        /// The kind of handler that dealt with the input.
        disposition: Disposition,
        /// The number of replies.
        replies: usize,
    },
    /// The input was processed before. Nothing new happened.
    Duplicate,
}

/// Processes one input. `Ok` means that its effect is committed, now or earlier. Messages that could not be delivered
/// yet wait in the outbox. `Err` means that nothing happened.
///
/// `delivery` is called after the commit: it gets the end of the budget and returns the moment until which replies may be
/// sent.
pub(crate) async fn process(
    project: &Project,
    input: Input,
    budget: Budget,
    delivery: impl FnOnce(Deadline) -> Deadline + Send,
) -> Result<Handling, StoreError> {
    let (connection, id) = (input.connection().clone(), input.id().clone());
    let span = info_span!("message", backend = connection.backend.as_str(), message_id = id.as_str());
    let what = input.as_str();
    async {
        let (begun, is_message) = (Instant::now(), matches!(input, Input::Message(_)));
        let claim = Claim { project, input, owner: random::unique_id() };
        let turn = project.turns.take(&connection, budget.deadline).await;
        let Effect { handling, rows, queued, work } = claim.run_to_commit(&budget).await?;
        drop(turn);
        let ConnectionId { backend, identity } = &connection;
        let replies = handling.replies();
        if let (Handling::Done { .. }, true) = (handling, is_message) {
            project.metrics.count(backend, Event::Handled, 1);
            project.metrics.time(backend, Timing::Handling, begun.elapsed());
        }
        project.metrics.count(backend, Event::Replied, if is_message { replies } else { 0 });
        let (backend, identity) = (backend.as_str(), identity.masked());
        info!(backend, identity, message_id = id.as_str(), outcome = handling.as_str(), replies, "{what}");
        let deliver = async {
            let recorded = match work {
                Some(work) => deliver::deliver(project, work, delivery(budget.deadline)).await,
                None => Vec::new(),
            };
            // Only a message that was not tried yet needs a row that says so.
            let waiting = queued.into_iter().filter(|row| !recorded.contains(&row.id)).collect();
            write_history(project, waiting).await;
        };
        tokio::join!(write_history(project, rows), deliver);
        Ok(handling)
    }
    .instrument(span)
    .await
}

impl Handling {
    fn replies(self) -> usize {
        match self {
            Self::Done { replies, .. } => replies,
            Self::Duplicate => 0,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Done { disposition: Disposition::Filtered, .. } => "filtered",
            Self::Done { disposition: Disposition::Handled, .. } => "handled",
            Self::Done { disposition: Disposition::FellBack, .. } => "fell_back",
            Self::Done { disposition: Disposition::Unhandled, .. } => "unhandled",
            Self::Duplicate => "duplicate",
        }
    }
}

/// One input before its commit, with an owner name that no other attempt has.
struct Claim<'a> {
    project: &'a Project,
    input: Input,
    owner: String,
}

/// An effect that is committed, and the work that is left.
struct Effect {
    handling: Handling,
    /// The rows of history to write at once.
    rows: Vec<HistoryRow>,
    /// The rows of the new messages in the outbox. If the delivery tries a message, it writes a newer row for it.
    queued: Vec<HistoryRow>,
    /// The outbox to deliver.
    work: Option<Delivery>,
}

impl Claim<'_> {
    /// Reads the connection, runs the phases and commits. Repeats this when another process changed the connection in
    /// between.
    async fn run_to_commit(&self, budget: &Budget) -> Result<Effect, StoreError> {
        let backend = &self.input.connection().backend;
        let (opened, loaded) = tokio::join!(self.project.open_backend(backend), self.load());
        opened?;
        let mut loaded = loaded?;
        let mut ran: Option<Ran> = None;
        let mut races = 0;
        loop {
            if loaded.seen && !planted::is(Plant::DuplicateHandled) {
                return Ok(self.seen_before(loaded, ran).await);
            }
            let now = self.now();
            let outcome = match ran.take() {
                // Only the outbox or the lease changed, so the phases would see the same record again. This does not
                // hold for the contact, which may have changed. So the phases run again if they changed the contact.
                Some(Ran { version, outcome, .. })
                    if (version == loaded.record.version || planted::is(Plant::OutcomeKept))
                        && outcome.contact.is_none() =>
                {
                    outcome
                }
                _ => self.run_phases(&loaded, now, budget).await?,
            };
            match self.commit(&loaded, &outcome, now).await? {
                Ok(effect) => return Ok(effect),
                Err(Conflicted { takeover }) => {
                    ran = Some(Ran { version: loaded.record.version, outcome, takeover });
                }
            }
            races += 1;
            if budget.deadline.remaining().is_zero() {
                return Err(StoreError::Unavailable(format!(
                    "{races} times another process changed the connection first"
                )));
            }
            sleep(random::up_to(Duration::from_millis(10 * u64::from(1_u32 << races.min(5))))).await;
            loaded = self.load().await?;
        }
    }

    /// Reads the record of the connection. An earlier version of Threadless, or earlier settings, may have stored the
    /// person under other forms of the identity. So the first claim of a person under the present rules for numbers
    /// also reads the records of these forms, and takes over what they hold. The commit then writes the mark of the
    /// rules, and the next claim reads one record again.
    async fn load(&self) -> Result<Loaded, StoreError> {
        let store = &self.project.ports.store;
        let (connection, id) = (self.input.connection(), self.input.id());
        let mut loaded = store.load(connection, id, self.now()).await?;
        let others = self.others(&loaded);
        if loaded.seen || others.is_empty() {
            return Ok(loaded);
        }
        let records: Vec<Record> = store.records(&others).await?.into_iter().flatten().collect();
        if records.is_empty() {
            return Ok(loaded);
        }
        debug!(records = records.len(), outcome = "taken_over", "the person is stored under other forms");
        loaded.record.take_over(&records);
        loaded.seen = loaded.record.recent.contains(id);
        loaded.arrived = loaded.record.recent.arrival_of(id);
        if let (None, Some(contact)) = (&loaded.contact, &loaded.record.contact) {
            loaded.contact = store.contact(contact).await?;
        }
        Ok(loaded)
    }

    /// Returns the other connections whose records this claim takes over.
    fn others(&self, loaded: &Loaded) -> Vec<ConnectionId> {
        let (connection, mark) = (self.input.connection(), loaded.record.forms.as_deref());
        let mut others = self.project.other_connections(connection, mark);
        // The form in which the gateway wrote the identity may be an unusual one.
        if let Some(written) = self.input.written().filter(|_| !others.is_empty() || mark.is_none()) {
            let written = ConnectionId::new(connection.backend.clone(), written);
            if !others.contains(&written) && written != *connection {
                others.push(written);
            }
        }
        others
    }

    /// Returns the mark that the commit writes, if this claim took over what other records hold.
    fn mark(&self, loaded: &Loaded) -> Option<&'static str> {
        let mark = self.project.mark_of(&self.input.connection().backend);
        (!self.others(loaded).is_empty()).then_some(mark)
    }

    async fn run_phases(
        &self,
        loaded: &Loaded,
        now: Timestamp,
        budget: &Budget,
    ) -> Result<Outcome, StoreError> {
        let Project { router, about, .. } = self.project;
        let directory = Directory::of(Arc::clone(&self.project.ports.store));
        let (known, about) = (Snapshot::of(loaded, directory.clone()), Arc::clone(about));
        if self.consent_change(loaded, now).is_some() {
            let session = known.session;
            return Ok(Outcome::without_phases(Disposition::Handled, session));
        }
        if budget.is_spent() {
            return Err(StoreError::Unavailable("too little time was left for the apps".to_owned()));
        }
        let late = budget.begin_run();
        let share = budget.clone();
        let outcome = match &self.input {
            Input::Message(message) => {
                router.run_message(Arc::clone(message), known, about, now, share).await
            }
            Input::Notice(notice) => router.run_outgoing(notice, known, about, now, share).await,
            Input::Report(report) => router.run_report(report, known, about, now, share).await,
        };
        for (app, phase) in &outcome.failures {
            self.project.metrics.app_failed(app, phase);
        }
        // The store was slow, or other processes were faster, and so an app was cut short. Its effect would be lost. At
        // the next attempt the message has the whole time again.
        if late && budget.was_cut_short() {
            return Err(StoreError::Unavailable("too little time was left for the apps".to_owned()));
        }
        directory.all_answered().map(|()| outcome)
    }

    async fn commit(
        &self,
        loaded: &Loaded,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<Result<Effect, Conflicted>, StoreError> {
        let connection = self.input.connection();
        let seen = &loaded.record;
        let screened = self.screened(loaded, outcome, now);
        let replies = &screened.entries;
        let something_due =
            if seen.outbox.holds_up() { seen.outbox.is_due(now) } else { !replies.is_empty() };
        // An entry for other recipients need not wait for a message that this connection's gateway does not take.
        let something_due = something_due || replies.iter().any(Entry::is_sending);
        let lease = (something_due && seen.lease_at(now).is_none())
            .then(|| seen.next_lease(&self.owner, deliver::lease_end(self.project, connection, now)));
        let committed = self
            .project
            .ports
            .store
            .commit(Commit {
                connection,
                seen,
                message: self.input.id(),
                arrived: self.input.arrived(),
                session: &outcome.session,
                contact: outcome.contact.as_ref(),
                replies: replies.clone(),
                opted_out: screened.opted_out.filter(|_| !planted::is(Plant::OptOutForgotten)),
                reply_rate: screened.reply_rate,
                lease: lease.clone(),
                forms: self.mark(loaded),
                now,
            })
            .await?;
        let takeover = Takeover {
            happened: seen.lease.is_some(),
            new: replies.iter().map(|new| new.id.clone()).collect(),
        };
        let Committed::Yes(outbox) = committed else {
            debug!(outcome = "conflict", "another process changed the connection first");
            return Ok(Err(Conflicted { takeover }));
        };
        let work = lease.map(|lease| self.delivery(lease, outbox, &takeover));
        screened.log();
        if self.consent_change(loaded, now).is_some_and(|change| change.opted_out.is_some())
            && seen.outbox.opted_out.is_none()
        {
            self.project.metrics.count(&connection.backend, Event::OptedOut, 1);
        }
        Ok(Ok(self.effect(outcome, screened, work)))
    }

    fn effect(&self, outcome: &Outcome, screened: Screened, work: Option<Delivery>) -> Effect {
        let connection = self.input.connection();
        let replies = || screened.entries.iter().filter(|entry| !entry.is_sending());
        let handling = Handling::Done { disposition: outcome.disposition, replies: replies().count() };
        let queued =
            replies().map(|entry| HistoryRow::outgoing(connection, entry, State::Queued, None)).collect();
        let mut rows: Vec<HistoryRow> = self.input.row(self.input.arrived()).into_iter().collect();
        rows.extend(screened.held_back);
        Effect { handling, rows, queued, work }
    }

    /// Returns the effect of an input that is committed already: by another process, or by our own write whose answer
    /// was lost. In the second case the lease bears our name.
    async fn seen_before(&self, loaded: Loaded, ran: Option<Ran>) -> Effect {
        let rows = self.input.row(loaded.arrived).into_iter().collect();
        let record = loaded.record;
        if planted::is(Plant::LeaseMistaken)
            && let Some(lease) = &record.lease
        {
            let (connection, lease) = (self.input.connection().clone(), lease.clone());
            let mistaken = Delivery { connection, lease, outbox: record.outbox, abandoned: false };
            let (handling, queued) = (Handling::Duplicate, Vec::new());
            return Effect { handling, rows, queued, work: Some(mistaken) };
        }
        if let (Some(lease), Some(Ran { outcome, takeover, .. })) = (&record.lease, ran)
            && lease.owner == self.owner
        {
            let handling =
                Handling::Done { disposition: outcome.disposition, replies: outcome.replies.len() };
            let work = Some(self.delivery(lease.clone(), record.outbox, &takeover));
            return Effect { handling, rows, queued: Vec::new(), work };
        }
        // A process that died may have left replies in the outbox. The next process for this connection sends them.
        let connection = self.input.connection();
        let work = if record.outbox.is_empty() || record.lease_at(self.now()).is_some() {
            None
        } else {
            deliver::take(self.project, connection).await.unwrap_or_else(|problem| {
                warn!(outcome = "lease_not_taken", error = %problem, "the sweep will send the outbox");
                None
            })
        };
        Effect { handling: Handling::Duplicate, rows, queued: Vec::new(), work }
    }

    fn now(&self) -> Timestamp {
        self.project.ports.clock.now()
    }

    fn delivery(&self, lease: Lease, outbox: Outbox, takeover: &Takeover) -> Delivery {
        let abandoned = takeover.leaves_doubt(&outbox) && !planted::is(Plant::DoubtForgottenAtCommit);
        Delivery { connection: self.input.connection().clone(), lease, outbox, abandoned }
    }

    /// Returns the consent change that the message asks for, such as an opt-out. The apps do not see such a message.
    fn consent_change(&self, loaded: &Loaded, now: Timestamp) -> Option<ConsentChange> {
        let Project { consent, about, .. } = self.project;
        match &self.input {
            Input::Message(message) => {
                let opted_out = loaded.record.outbox.opted_out;
                consent.change_of(&message.text, opted_out, spoken_to(loaded), about, now)
            }
            Input::Notice(_) | Input::Report(_) => None,
        }
    }

    /// Returns the entries that go out and the rows of those that are held back.
    fn screened(&self, loaded: &Loaded, outcome: &Outcome, now: Timestamp) -> Screened {
        let texts = outcome.replies.iter().map(|reply| reply.text.as_str());
        let mut replies: Vec<Entry> =
            texts.enumerate().map(|(at, text)| self.input.entry(at, text, now)).collect();
        let change = self.consent_change(loaded, now);
        if let Some(confirmation) = change.as_ref().and_then(|change| change.confirmation.as_ref()) {
            let Project { router, about, .. } = self.project;
            let text = router.catalogues().say(confirmation, spoken_to(loaded), &about.languages);
            let confirms = !planted::is(Plant::ConfirmationHeldBack);
            replies.push(Entry { confirms, ..self.input.entry(0, &text, now) });
        }
        if planted::is(Plant::RepliesReversed) {
            replies.reverse();
        }
        if planted::is(Plant::ReplyDropped) && replies.len() > 1 {
            replies.pop();
        }
        let sends = outcome.sends.iter().enumerate();
        replies.extend(sends.map(|(at, sending)| self.input.sending(at, sending, now)));
        let connection = self.input.connection();
        let installed = self.project.installed(&connection.backend);
        Screened::of(connection, &loaded.record, change.as_ref(), installed, replies, now)
    }
}

/// Returns the language that the contact of the connection chose.
fn spoken_to(loaded: &Loaded) -> Option<&Language> {
    loaded.contact.as_ref().and_then(Contact::language)
}

/// A commit that failed. Either another process changed the connection first, or this commit is done already and only
/// its answer was lost.
struct Conflicted {
    takeover: Takeover,
}

/// The phases of one attempt, with the version of the record that they ran on.
struct Ran {
    version: u64,
    outcome: Outcome,
    takeover: Takeover,
}

/// The facts about a former lease holder, for a commit that takes the delivery lease.
struct Takeover {
    /// Whether a former holder let its lease expire.
    happened: bool,
    /// The entries that this commit appends.
    new: Vec<MessageId>,
}

impl Takeover {
    /// Returns whether the former holder may have sent the head of the outbox. It cannot have sent an entry that this
    /// commit added.
    fn leaves_doubt(&self, outbox: &Outbox) -> bool {
        self.happened && outbox.entries.front().is_some_and(|head| !self.new.contains(&head.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_entry_that_was_there_before_the_takeover_is_in_doubt() {
        let outbox = |ids: &[&str]| Outbox {
            entries: ids.iter().map(|id| Entry::new((*id).into(), "", None, Timestamp::UNIX_EPOCH)).collect(),
            ..Outbox::default()
        };
        let table: [(bool, &[&str], bool); 5] = [
            (true, &["old", "new"], true),
            (true, &["moved in by the former holder", "old"], true),
            (true, &["new"], false),
            (true, &[], false),
            (false, &["old", "new"], false),
        ];
        for (happened, entries, doubt) in table {
            let takeover = Takeover { happened, new: vec!["new".into()] };
            assert_eq!(takeover.leaves_doubt(&outbox(entries)), doubt, "{happened} {entries:?}");
        }
    }

    /// The answer to our own commit was lost. The store repeated the write, and the second one met a conflict.
    #[cfg(feature = "testing")]
    #[tokio::test]
    async fn a_commit_whose_answer_was_lost_is_known_by_its_lease() {
        let bench = crate::testing::Bench::new(crate::Router::new());
        let now = bench.project.ports.clock.now();
        let message = crate::Incoming {
            id: "m".into(),
            connection: bench.connection("1"),
            text: "hello".to_owned(),
            received_at: now,
            recipient: None,
            raw: None,
            details: std::collections::BTreeMap::new(),
        };
        let input = Input::Message(Arc::new(message));
        let claim = Claim { project: &bench.project, input, owner: "me".to_owned() };
        let done = Handling::Done { disposition: Disposition::Handled, replies: 0 };
        for (owner, expected) in [("me", (done, Some("me"))), ("other", (Handling::Duplicate, None))] {
            let mut record = crate::store::Record::new(now);
            record.outbox.entries.push_back(Entry::new("m-1".into(), "", None, now));
            record.lease = Some(
                record.next_lease(owner, deliver::lease_end(&bench.project, claim.input.connection(), now)),
            );
            let outcome = Outcome::without_phases(Disposition::Handled, record.session.clone());
            let takeover = Takeover { happened: false, new: Vec::new() };
            let loaded = Loaded { record, contact: None, seen: true, arrived: None };
            let ran = Ran { version: 0, outcome, takeover };
            let Effect { handling, work, .. } = claim.seen_before(loaded, Some(ran)).await;
            let owner = work.as_ref().map(|work| work.lease.owner.as_str());
            assert_eq!((handling, owner), expected);
        }
    }
}
