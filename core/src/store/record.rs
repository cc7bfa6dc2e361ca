//! The record of a connection.

use std::cmp::Reverse;
use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pace::ReplyRate;
use super::recent::Recent;
use crate::model::contact::{Contact, ContactId};
use crate::model::message::{ConnectionId, MessageId, Outgoing};
use crate::model::recipient::Recipient;
use crate::model::session::Session;

/// The stored record of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The number of messages that were committed; 0 for a connection that is not stored yet.
    pub version: u64,
    /// The time when the connection was first seen.
    pub created_at: Timestamp,
    /// The data that the apps keep for the connection.
    pub session: Session,
    /// The contact behind the connection.
    pub contact: Option<ContactId>,
    /// The number of contacts that were made for the connection so far.
    pub contacts_made: u32,
    /// The ids of the messages that were processed last.
    pub recent: Recent,
    /// The messages to send.
    pub outbox: Outbox,
    /// The lease of the process that is sending them.
    pub lease: Option<Lease>,
    /// The number of leases on the outbox that were taken so far. It is the fence that a [`Commit`](super::Commit)
    /// checks.
    pub fence: u64,
    /// The recent reply rate.
    pub reply_rate: ReplyRate,
    /// The mark of the rules for numbers under which the records of the [other
    /// forms](crate::text::number::other_forms) of the identity were last taken over: the code of a country, or `-`.
    /// `None` if this never happened.
    pub forms: Option<String>,
}

/// The messages to send to one connection, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {
    /// The first entries.
    pub entries: VecDeque<Entry>,
    /// The number of further chunks that hold the rest.
    pub spilled: u32,
    /// The time since which the person has opted out. The entries are then not sent, except an entry that
    /// [confirms](Entry::confirms) the opt-out.
    pub opted_out: Option<Timestamp>,
}

/// One message in an outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The message's own id.
    pub id: MessageId,
    /// The text of the message.
    pub text: String,
    /// The message to which this message replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// The time when the message was written to the outbox.
    pub created_at: Timestamp,
    /// The number of times that the gateway was asked to take the message.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// The number of these attempts that may have sent the message, although we do not know that they did.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncertain: u32,
    /// The time from which the message may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Timestamp>,
    /// The reason why the gateway refused the message. The entry stays until everything that follows from the refusal
    /// is durable: a notice to the person's next connection, and a report to the apps. The gateway is not asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether the message confirms an opt-out. It then goes out in spite of the opt-out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirms: bool,
    /// The other recipients of the entry. If there are any, the entry is no message to this connection, but one message
    /// to each of these recipients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    /// The other connections of the same person, for the case that the gateway refuses the message for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<ConnectionId>,
}

/// The right to send the entries of a connection's outbox. Only its holder sends, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// A name that no other holder has.
    pub owner: String,
    /// The time when the lease expires, in case the holder dies.
    pub until: Timestamp,
    /// The number of this lease among all leases of the connection, from 1. A holder whose write found no lease
    /// compares it: either another process has taken the lease since, or that write itself gave the lease back.
    pub fence: u64,
}

/// The result of [`Connections::load`](super::Connections::load).
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The record of the connection.
    pub record: Record,
    /// The contact behind the connection. It may be a little older or newer than the record, but it is never the
    /// contact of another connection.
    pub contact: Option<Contact>,
    /// Whether the message was committed before.
    pub seen: bool,
    /// The time when the message [arrived](super::Commit::arrived), as that commit recorded it.
    pub arrived: Option<Timestamp>,
}

impl Record {
    /// Returns the record of a new connection.
    pub fn new(now: Timestamp) -> Self {
        Self {
            version: 0,
            created_at: now,
            session: Session::default(),
            contact: None,
            contacts_made: 0,
            recent: Recent::default(),
            outbox: Outbox::default(),
            lease: None,
            fence: 0,
            reply_rate: ReplyRate::default(),
            forms: None,
        }
    }

    /// Takes over what the records of the same person under other forms of the identity hold: an opt-out, the session,
    /// the contact and the ids of messages. Outboxes stay where they are.
    ///
    /// An opt-out wins, whichever record has it. The session comes from the record that had the last message, if that
    /// record has a session. The contact of this record stays; if it has none, the contact comes from the record that
    /// had the last message.
    pub fn take_over(&mut self, others: &[Record]) {
        let mut by_time: Vec<&Record> = others.iter().collect();
        by_time.sort_by_key(|record| Reverse(record.recent.last()));
        for other in &by_time {
            self.outbox.opted_out = self.outbox.opted_out.max(other.outbox.opted_out);
            self.contacts_made = self.contacts_made.max(other.contacts_made);
        }
        let session = by_time.iter().find(|other| !other.session.is_empty());
        if let Some(other) = session
            && (self.session.is_empty() || other.recent.last() > self.recent.last())
        {
            self.session = other.session.clone();
        }
        if self.contact.is_none() {
            self.contact = by_time.iter().find_map(|other| other.contact.clone());
        }
        self.recent.take_over(others.iter().map(|other| &other.recent));
    }

    /// Returns the next lease, for a commit on this record to take.
    pub fn next_lease(&self, owner: impl Into<String>, until: Timestamp) -> Lease {
        Lease { owner: owner.into(), until, fence: self.fence + 1 }
    }

    /// Returns the lease if it is still valid.
    pub fn lease_at(&self, now: Timestamp) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.until > now)
    }
}

impl Outbox {
    /// Returns whether nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.spilled == 0
    }

    /// Returns whether an entry may be sent now. The head decides, since the entries behind it wait for it.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.entries.front() {
            Some(head) => head.next_attempt.is_none_or(|at| at <= now),
            None => self.spilled > 0,
        }
    }

    /// Returns whether a new message to this connection would have to wait for another message to it. Entries for other
    /// recipients delay nothing: messages to the connection [pass](super::Settlement::Passed) them.
    pub fn holds_up(&self) -> bool {
        self.spilled > 0 || self.entries.iter().any(|entry| !entry.is_sending())
    }

    /// Returns the place of the first message to this connection itself, behind a head that is for other recipients.
    pub(crate) fn first_message(&self) -> Option<usize> {
        (1..self.entries.len()).find(|at| !self.entries[*at].is_sending())
    }
}

impl Entry {
    /// Makes a new message.
    pub fn new(
        id: MessageId,
        text: impl Into<String>,
        in_reply_to: Option<MessageId>,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            text: text.into(),
            in_reply_to,
            created_at,
            attempts: 0,
            uncertain: 0,
            next_attempt: None,
            refused: None,
            confirms: false,
            recipients: Vec::new(),
            otherwise: Vec::new(),
        }
    }

    /// Returns whether the entry is for other recipients, and not for the connection in whose outbox it is.
    pub fn is_sending(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Returns the approximate size of the entry in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let connection = |id: &ConnectionId| id.backend.as_str().len() + id.identity.as_str().len() + 4;
        let recipients = self.recipients.iter().map(|recipient| match recipient {
            Recipient::Connection(id) => connection(id),
            Recipient::Contact(id) => id.as_str().len() + 16,
        });
        self.text.len() + recipients.sum::<usize>() + self.otherwise.iter().map(connection).sum::<usize>()
    }

    /// Returns the message in the form that a backend sends.
    pub fn outgoing(&self, connection: &ConnectionId) -> Outgoing {
        Outgoing {
            to: connection.identity.as_str().to_owned(),
            id: self.id.clone(),
            connection: connection.clone(),
            text: self.text.clone(),
            in_reply_to: self.in_reply_to.clone(),
            created_at: self.created_at,
        }
    }
}

// serde requires this signature.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn connection(identity: &str) -> ConnectionId {
        ConnectionId::new("k".parse().unwrap(), identity.parse().unwrap())
    }

    fn reply() -> Entry {
        Entry::new("m".into(), "text", None, at(0))
    }

    fn sending() -> Entry {
        Entry { recipients: vec![Recipient::Connection(connection("2"))], ..reply() }
    }

    fn outbox(entries: &[Entry], spilled: u32) -> Outbox {
        Outbox { entries: entries.iter().cloned().collect(), spilled, opted_out: None }
    }

    #[test]
    fn the_head_of_an_outbox_decides_whether_it_is_due() {
        let later = Entry { next_attempt: Some(at(10)), ..reply() };
        let table: [(&[Entry], u32, i64, bool, bool); 7] = [
            (&[], 0, 0, true, false),
            (&[], 1, 0, false, true),
            (&[], 2, 0, false, true),
            (&[reply()], 0, 0, false, true),
            (&[later.clone(), reply()], 1, 9, false, false),
            (std::slice::from_ref(&later), 0, 10, false, true),
            (&[reply(), later.clone()], 0, 9, false, true),
        ];
        for (entries, spilled, now, is_empty, is_due) in table {
            let outbox = outbox(entries, spilled);
            assert_eq!((outbox.is_empty(), outbox.is_due(at(now))), (is_empty, is_due), "{outbox:?} {now}");
        }
    }

    #[test]
    fn only_messages_to_the_connection_itself_hold_up_others() {
        let table: [(&[Entry], u32, bool, Option<usize>); 7] = [
            (&[], 0, false, None),
            (&[], 1, true, None),
            (&[], 2, true, None),
            (&[sending(), sending()], 0, false, None),
            (&[sending(), sending(), reply(), reply()], 0, true, Some(2)),
            (&[reply()], 0, true, None),
            (&[reply(), reply()], 0, true, Some(1)),
        ];
        for (entries, spilled, holds_up, first_message) in table {
            let outbox = outbox(entries, spilled);
            assert_eq!((outbox.holds_up(), outbox.first_message()), (holds_up, first_message), "{outbox:?}");
        }
    }

    #[test]
    fn a_lease_counts_until_its_end_and_the_next_one_has_the_next_fence() {
        let mut record = Record::new(at(0));
        assert_eq!((record.lease_at(at(0)), record.next_lease("a", at(5)).fence), (None, 1));
        record.fence = 7;
        let lease = record.next_lease("b", at(5));
        assert_eq!(lease, Lease { owner: "b".to_owned(), until: at(5), fence: 8 });
        record.lease = Some(lease.clone());
        assert_eq!([4, 5, 6].map(|now| record.lease_at(at(now))), [Some(&lease), None, None]);
    }

    #[test]
    fn the_json_of_an_entry_has_only_the_fields_that_say_something() {
        let blank = r#"{"id":"m","text":"text","created_at":"1970-01-01T00:00:00Z""#;
        let tried = Entry { attempts: 2, uncertain: 1, ..reply() };
        for (entry, more) in [(reply(), "}"), (tried, r#","attempts":2,"uncertain":1}"#)] {
            let json = serde_json::to_string(&entry).unwrap();
            assert_eq!(json, format!("{blank}{more}"));
            assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
        }
    }

    #[test]
    fn the_size_of_an_entry_counts_the_text_and_everyone_it_names() {
        let contact: Recipient = ContactId::of(&connection("1"), 0).into();
        let of_contact = ContactId::of(&connection("1"), 0).as_str().len() + 16;
        let other = Recipient::Connection(connection("12345"));
        for (recipients, otherwise, bytes) in [
            (vec![], vec![], 4),
            (vec![other.clone()], vec![], 4 + 10),
            (vec![contact, other], vec![], 4 + of_contact + 10),
            (vec![], vec![connection("1"), connection("22")], 4 + 6 + 7),
        ] {
            assert_eq!(Entry { recipients, otherwise, ..reply() }.bytes(), bytes);
        }
    }
}
