//! The plan of a commit, the same for every store: which entries fit in the record, and which move out of it.

use std::collections::VecDeque;
use std::mem;

use super::recent::Seen;
use crate::model::contact::Contact;
use crate::planted::{self, Plant};

use super::{Commit, Entry, Outbox, Recent, Record};

/// The maximum number of outbox entries in one record.
pub(crate) const ENTRIES: usize = 32;

/// The maximum number of bytes of text and recipients of the outbox in one record. `DynamoDB` allows 400 KB for an
/// item.
pub(crate) const BYTES: usize = 65_536;

/// The planned writes of one commit.
#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    /// The entries to append in the record itself.
    pub(crate) append: Vec<Entry>,
    /// The chunks of entries to write beside the record, in order.
    pub(crate) chunks: Vec<Vec<Entry>>,
    /// The message ids to keep in the record.
    pub(crate) recent: Recent,
    /// The message ids to write beside the record.
    pub(crate) spill: Vec<Seen>,
    /// The contacts to write beside the record. Each is written only if the stored contact has the version before.
    pub(crate) contacts: Vec<Contact>,
    /// The record after all these writes.
    pub(crate) after: Record,
}

impl Plan {
    pub(crate) fn of(commit: &Commit<'_>) -> Self {
        let seen = commit.seen;
        let mut recent = seen.recent.clone();
        let spill = if planted::is(Plant::IdForgotten) {
            Vec::new()
        } else {
            recent.remember(commit.message, commit.arrived, commit.now)
        };

        // Once an entry waits outside the record, every later entry waits behind it. This keeps the order.
        let mut inside = seen.outbox.spilled == 0 || planted::is(Plant::PieceOvertaken);
        let mut room = if inside { Room::of(&seen.outbox.entries) } else { Room::default() };
        let mut append = Vec::new();
        let mut chunks = Vec::new();
        let mut chunk = Vec::new();
        for entry in commit.replies.iter().cloned() {
            if room.take(&entry) {
                if inside {
                    append.push(entry);
                } else {
                    chunk.push(entry);
                }
                continue;
            }
            if !chunk.is_empty() {
                chunks.push(mem::take(&mut chunk));
            }
            inside = false;
            room = Room::default();
            room.take(&entry);
            chunk.push(entry);
        }
        if !chunk.is_empty() {
            chunks.push(chunk);
        }

        let mut after = seen.clone();
        after.version += 1;
        after.session = commit.session.clone();
        after.recent = recent.clone();
        after.reply_rate = commit.reply_rate;
        if let Some(mark) = commit.forms {
            after.forms = Some(mark.to_owned());
        }
        let mut contacts = Vec::new();
        if let Some(change) = commit.contact {
            after.contact = change.id().cloned();
            after.contacts_made += u32::from(change.makes_one());
            contacts = change.writes(commit.connection);
        }
        after.outbox = Outbox {
            entries: seen.outbox.entries.iter().chain(&append).cloned().collect(),
            spilled: seen.outbox.spilled + u32::try_from(chunks.len()).unwrap_or(u32::MAX),
            opted_out: commit.opted_out,
        };
        if let Some(lease) = &commit.lease {
            after.lease = Some(lease.clone());
            after.fence = lease.fence;
        }
        Self { append, chunks, recent, spill, contacts, after }
    }
}

/// The used room in a record's outbox.
#[derive(Default)]
struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    fn of(entries: &VecDeque<Entry>) -> Self {
        Self { entries: entries.len(), bytes: entries.iter().map(Entry::bytes).sum() }
    }

    /// Takes room for an entry. Returns `false` if the entry does not fit. An empty record has room for any one entry.
    fn take(&mut self, entry: &Entry) -> bool {
        let fits = self.entries < ENTRIES && self.bytes + entry.bytes() <= BYTES;
        if fits || self.entries == 0 {
            self.entries += 1;
            self.bytes += entry.bytes();
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::ReplyRate;
    use super::*;
    use crate::model::message::{ConnectionId, MessageId};
    use crate::model::session::Session;

    fn entry(bytes: usize) -> Entry {
        Entry::new(MessageId::random(), "x".repeat(bytes), None, Timestamp::UNIX_EPOCH)
    }

    fn plan(waiting: usize, spilled: u32, replies: Vec<Entry>) -> Plan {
        let mut seen = Record::new(Timestamp::UNIX_EPOCH);
        seen.outbox = Outbox { entries: (0..waiting).map(|_| entry(10)).collect(), spilled, opted_out: None };
        Plan::of(&Commit {
            connection: &ConnectionId::new("k".parse().unwrap(), "1".parse().unwrap()),
            seen: &seen,
            message: &MessageId::random(),
            arrived: None,
            session: &Session::default(),
            contact: None,
            replies,
            opted_out: None,
            reply_rate: ReplyRate::default(),
            forms: None,
            lease: None,
            now: Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn a_record_has_room_for_32_entries_and_64_kb_and_for_any_one_entry() {
        // The number of entries that wait, with ten bytes each; the sizes of the replies; those that stay and that move.
        let table: [(usize, &[usize], usize, &[usize]); 8] = [
            (31, &[1], 1, &[]),
            (31, &[1, 2], 1, &[1]),
            (32, &[1], 0, &[1]),
            (0, &[1; 70], 32, &[32, 6]),
            (1, &[BYTES - 10], 1, &[]),
            (1, &[BYTES - 9], 0, &[1]),
            (0, &[BYTES + 1, 1], 1, &[1]),
            (0, &[40_000, BYTES - 40_000, BYTES + 1, 1], 2, &[1, 1]),
        ];
        for (waiting, sizes, stay, moved) in table {
            let replies: Vec<Entry> = sizes.iter().map(|bytes| entry(*bytes)).collect();
            let plan = plan(waiting, 0, replies.clone());
            assert_eq!(plan.append, replies[..stay], "{waiting} {sizes:?}");
            assert_eq!(plan.chunks.concat(), replies[stay..], "{waiting} {sizes:?}");
            let chunks: Vec<usize> = plan.chunks.iter().map(Vec::len).collect();
            assert_eq!(chunks, moved, "{waiting} {sizes:?}");
            let after = plan.after.outbox;
            assert_eq!((after.entries.len(), after.spilled as usize), (waiting + stay, moved.len()));
        }
    }

    #[test]
    fn what_fits_stays_in_the_record() {
        let plan = plan(30, 0, vec![entry(1), entry(2)]);
        assert_eq!((plan.append.len(), plan.chunks.len(), plan.after.outbox.entries.len()), (2, 0, 32));
    }

    #[test]
    fn what_does_not_fit_moves_out_in_order() {
        let replies: Vec<Entry> = (1..=5).map(|n| entry(30_000 + n)).collect();
        let plan = plan(31, 0, replies.clone());
        assert_eq!(plan.append, replies[..1]);
        assert_eq!(plan.chunks, [replies[1..3].to_vec(), replies[3..].to_vec()]);
        assert_eq!(plan.after.outbox.spilled, 2);
    }

    #[test]
    fn nothing_overtakes_what_has_moved_out() {
        let plan = plan(1, 3, vec![entry(1)]);
        assert_eq!((plan.append.len(), plan.chunks.len(), plan.after.outbox.spilled), (0, 1, 4));
    }
}
