//! The store as an environment sees it: the memory store, behind the gate, observed by the judge.

use async_trait::async_trait;
use jiff::Timestamp;
use threadless::broadcast::{Broadcast, BroadcastKey, BroadcastMessage};
use threadless::store::{
    Advanced, Broadcasts, Commit, Committed, Connections, DueCursor, DueIndex, DuePage, GuessLog, Guesses,
    History, HistoryRow, JobRecord, Jobs, Lease, Loaded, Number, Numbers, Opened, Outbox, Outboxes, Record,
    Settled, Settlement, StatusUpdate, StoreError, Taken, Unusable,
};
use threadless::{BackendName, ConnectionId, Contact, ContactId, MessageId};

use crate::plan::Call;
use crate::port::Port;
use crate::world::short;

type Answer<T> = Result<T, StoreError>;

#[async_trait]
impl Connections for Port {
    async fn open_backend(&self, backend: &BackendName, now: Timestamp) -> Answer<()> {
        self.call(Call::OpenBackend, || self.world.store.open_backend(backend, now)).await
    }

    async fn load(&self, connection: &ConnectionId, message: &MessageId, now: Timestamp) -> Answer<Loaded> {
        self.call(Call::Load, || async {
            let loaded = self.world.store.load(connection, message, now).await?;
            let record = &loaded.record;
            self.log(|| {
                let (version, seen) = (record.version, loaded.seen);
                format!("load {} for {message}: v{version} seen {seen}", short(connection))
            });
            Ok(loaded)
        })
        .await
    }

    async fn records(&self, connections: &[ConnectionId]) -> Answer<Vec<Option<Record>>> {
        self.call(Call::Load, || self.world.store.records(connections)).await
    }

    async fn commit(&self, commit: Commit<'_>) -> Answer<Committed> {
        self.call(Call::Commit, || async {
            let before = self.world.store.load(commit.connection, commit.message, commit.now).await?;
            let committed = self.world.store.commit(commit.clone()).await?;
            self.log(|| {
                let name = short(commit.connection);
                let replies: Vec<&str> = commit.replies.iter().map(|entry| entry.text.as_str()).collect();
                let outcome = match &committed {
                    Committed::Yes(outbox) => format!("outbox {}", texts(outbox)),
                    Committed::Conflict => "conflict".to_owned(),
                };
                let lease = commit.lease.is_some();
                format!("commit {name} {} {replies:?} lease {lease}: {outcome}", commit.message)
            });
            if let Committed::Yes(_) = committed {
                self.saw_commit(&commit, &before);
            }
            Ok(committed)
        })
        .await
    }

    async fn contact(&self, id: &ContactId) -> Answer<Option<Contact>> {
        self.call(Call::Contact, || self.world.store.contact(id)).await
    }

    async fn contact_of(&self, connection: &ConnectionId) -> Answer<Option<Contact>> {
        self.call(Call::Contact, || self.world.store.contact_of(connection)).await
    }
}

#[async_trait]
impl Outboxes for Port {
    async fn take_lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Answer<Taken> {
        self.call(Call::TakeLease, || async {
            let before = self.world.store.load(connection, &MessageId::from("judge"), now).await?;
            let taken = self.world.store.take_lease(connection, owner, until, now).await?;
            self.log(|| {
                let name = short(connection);
                match &taken {
                    Taken::Yes { outbox, abandoned, .. } => {
                        format!("take {name}: outbox {} abandoned {abandoned}", texts(outbox))
                    }
                    Taken::No => format!("take {name}: no"),
                }
            });
            if let Taken::Yes { lease, .. } = &taken {
                self.saw_taking(connection, &before, lease, now);
                self.knows(connection);
            }
            Ok(taken)
        })
        .await
    }

    async fn extend_lease(&self, connection: &ConnectionId, lease: &Lease) -> Answer<bool> {
        self.call(Call::ExtendLease, || async {
            let extended = self.world.store.extend_lease(connection, lease).await?;
            self.log(|| format!("extend {}: {extended}", short(connection)));
            Ok(extended)
        })
        .await
    }

    async fn settle(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        outbox: &Outbox,
        settlement: Settlement,
    ) -> Answer<Settled> {
        self.saw_settlement(outbox, &settlement);
        self.call(Call::Settle, || async {
            let settled = self.world.store.settle(connection, lease, outbox, settlement.clone()).await?;
            self.log(|| {
                let head = outbox.entries.front().map(|head| head.text.as_str());
                let how = match &settlement {
                    Settlement::Done => "done".to_owned(),
                    Settlement::Deferred(entry) => {
                        format!("deferred, attempts {} uncertain {}", entry.attempts, entry.uncertain)
                    }
                    Settlement::Passed(_) => "passed".to_owned(),
                };
                format!("settle {} {head:?} {how}: {}", short(connection), left(&settled))
            });
            if let (Settled::Released, Settlement::Deferred(entry)) = (&settled, &settlement) {
                self.saw_put_back(entry);
            }
            self.knows_by(connection, &settled);
            Ok(settled)
        })
        .await
    }

    async fn withdraw(
        &self,
        connection: &ConnectionId,
        lease: &Lease,
        at: usize,
        id: &MessageId,
    ) -> Answer<Settled> {
        self.call(Call::Withdraw, || async {
            let settled = self.world.store.withdraw(connection, lease, at, id).await?;
            self.log(|| format!("withdraw {} {at} {id}: {}", short(connection), left(&settled)));
            self.knows_by(connection, &settled);
            Ok(settled)
        })
        .await
    }

    async fn refill(&self, connection: &ConnectionId, lease: &Lease) -> Answer<Settled> {
        self.call(Call::Refill, || async {
            let settled = self.world.store.refill(connection, lease).await?;
            self.log(|| format!("refill {}: {}", short(connection), left(&settled)));
            self.knows_by(connection, &settled);
            Ok(settled)
        })
        .await
    }
}

#[async_trait]
impl DueIndex for Port {
    async fn due_page(&self, now: Timestamp, after: Option<&DueCursor>, limit: usize) -> Answer<DuePage> {
        self.call(Call::Due, || async {
            let page = self.world.store.due_page(now, after, limit).await?;
            if !page.due.is_empty() {
                self.log(|| format!("due: {}", page.due.len()));
            }
            Ok(page)
        })
        .await
    }
}

#[async_trait]
impl History for Port {
    async fn record(&self, row: &HistoryRow) -> Answer<()> {
        self.saw_row(row);
        let written = self
            .call(Call::Record, || async {
                self.world.store.record(row).await?;
                self.log(|| {
                    let HistoryRow { id, state, attempts, uncertain, .. } = row;
                    format!("row {id} {} attempts {attempts} uncertain {uncertain}", state.as_str())
                });
                self.watch_row(&row.connection, row.at, &row.id).await;
                Ok(())
            })
            .await;
        self.row_is_written(row, written.is_ok());
        written
    }

    async fn report(&self, step: &StatusUpdate, now: Timestamp) -> Answer<Advanced> {
        self.call(Call::Report, || async {
            let moved = self.world.store.report(step, now).await?;
            self.log(|| format!("report {} {}: {moved:?}", step.id, step.state.as_str()));
            self.saw_report(step, moved);
            self.watch_row(&step.connection, step.at, &step.id).await;
            Ok(moved)
        })
        .await
    }

    async fn history(
        &self,
        connection: &ConnectionId,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<HistoryRow>> {
        self.world.store.history(connection, now, limit).await
    }

    async fn keep_unusable(&self, unusable: &Unusable) -> Answer<()> {
        self.world.store.keep_unusable(unusable).await
    }

    async fn unusable(&self, backend: &BackendName, now: Timestamp, limit: usize) -> Answer<Vec<Unusable>> {
        self.world.store.unusable(backend, now, limit).await
    }

    async fn history_from(
        &self,
        connection: &ConnectionId,
        from: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<HistoryRow>> {
        self.world.store.history_from(connection, from, now, limit).await
    }

    async fn rows(&self, wanted: &[(ConnectionId, Timestamp, MessageId)]) -> Answer<Vec<Option<HistoryRow>>> {
        self.call(Call::Rows, || self.world.store.rows(wanted)).await
    }
}

#[async_trait]
impl Numbers for Port {
    async fn note_number(&self, connection: &ConnectionId, at: Timestamp) -> Answer<()> {
        self.world.store.note_number(connection, at).await
    }

    async fn numbers(&self, backend: &BackendName, now: Timestamp, limit: usize) -> Answer<Vec<Number>> {
        self.world.store.numbers(backend, now, limit).await
    }

    async fn forget(&self, connection: &ConnectionId) -> Answer<()> {
        self.world.store.forget(connection).await
    }
}

#[async_trait]
impl Broadcasts for Port {
    async fn open_broadcast(&self, broadcast: &Broadcast, parts: &[Vec<BroadcastMessage>]) -> Answer<Opened> {
        self.call(Call::OpenBroadcast, || async {
            let opened = self.world.store.open_broadcast(broadcast, parts).await?;
            self.log(|| format!("open broadcast {}: {}", broadcast.key, matches!(opened, Opened::Now(_))));
            self.saw_broadcast(&opened, parts);
            Ok(opened)
        })
        .await
    }

    async fn stage_broadcast(
        &self,
        broadcast: &Broadcast,
        parts: &[Vec<BroadcastMessage>],
    ) -> Answer<Opened> {
        self.call(Call::OpenBroadcast, || async {
            let opened = self.world.store.stage_broadcast(broadcast, parts).await?;
            self.log(|| format!("stage broadcast {}: {}", broadcast.key, matches!(opened, Opened::Now(_))));
            self.saw_staged(&opened, parts);
            Ok(opened)
        })
        .await
    }

    async fn broadcast(&self, key: &BroadcastKey, now: Timestamp) -> Answer<Option<Broadcast>> {
        self.call(Call::Broadcast, || self.world.store.broadcast(key, now)).await
    }

    async fn broadcast_part(&self, key: &BroadcastKey, part: u32) -> Answer<Vec<BroadcastMessage>> {
        self.call(Call::Part, || self.world.store.broadcast_part(key, part)).await
    }

    async fn part_is_fanned_out(&self, key: &BroadcastKey, part: u32) -> Answer<()> {
        self.call(Call::PartIsSpread, || async {
            self.world.store.part_is_fanned_out(key, part).await?;
            self.log(|| format!("part {part} of {key} is spread"));
            Ok(())
        })
        .await
    }

    async fn postpone_broadcast(&self, key: &BroadcastKey, until: Option<Timestamp>) -> Answer<()> {
        self.call(Call::Postpone, || self.world.store.postpone_broadcast(key, until)).await
    }
}

#[async_trait]
impl Jobs for Port {
    async fn job(&self, name: &str) -> Answer<Option<JobRecord>> {
        self.call(Call::Job, || self.world.store.job(name)).await
    }

    async fn put_job(&self, name: &str, seen: Option<&JobRecord>, record: &JobRecord) -> Answer<bool> {
        self.call(Call::PutJob, || async {
            let put = self.world.store.put_job(name, seen, record).await?;
            self.log(|| {
                let JobRecord { started, done, state, .. } = record;
                format!("job {name} started {started} done {done:?} state {state:?}: {put}")
            });
            if put {
                self.saw_job(seen, record);
            }
            Ok(put)
        })
        .await
    }
}

fn texts(outbox: &Outbox) -> String {
    let texts: Vec<String> =
        outbox.entries.iter().map(|entry| format!("{}?{}", entry.text, entry.uncertain)).collect();
    let more = if outbox.spilled > 0 { format!(" and {} pieces", outbox.spilled) } else { String::new() };
    format!("[{}]{more}", texts.join(", "))
}

fn left(settled: &Settled) -> String {
    match settled {
        Settled::Remaining(outbox) => format!("remaining {}", texts(outbox)),
        Settled::Released => "released".to_owned(),
        Settled::Lost => "lost".to_owned(),
    }
}

/// The message tester is not simulated.
#[async_trait]
impl GuessLog for Port {
    async fn guesses(&self, backend: &BackendName, client: &str, now: Timestamp) -> Answer<Guesses> {
        self.world.store.guesses(backend, client, now).await
    }

    async fn note_guess(&self, backend: &BackendName, client: &str, now: Timestamp) -> Answer<()> {
        self.world.store.note_guess(backend, client, now).await
    }
}
