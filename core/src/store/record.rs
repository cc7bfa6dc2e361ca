//! The record of a connection.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pace::ReplyRate;
use super::recent::Recent;
use crate::model::contact::{Contact, ContactId};
use crate::model::message::{ConnectionId, MessageId, Outgoing};
use crate::model::recipient::Recipient;
use crate::model::session::Session;

/// What is kept of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// How many messages were committed; 0 for a connection that is not stored yet.
    pub version: u64,
    /// When it was first heard of.
    pub created_at: Timestamp,
    /// What the apps remember of it.
    pub session: Session,
    /// Who is behind it.
    pub contact: Option<ContactId>,
    /// How many contacts were made for it so far.
    pub contacts_made: u32,
    /// The ids of the messages handled last.
    pub recent: Recent,
    /// What is to be sent.
    pub outbox: Outbox,
    /// Who is sending it.
    pub lease: Option<Lease>,
    /// How often a lease on the outbox was taken so far: the fence that a [`Commit`](super::Commit) is held to.
    pub fence: u64,
    /// How fast it was answered of late.
    pub pace: ReplyRate,
}

/// What is to be sent to one connection, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {
    /// The first entries.
    pub entries: VecDeque<Entry>,
    /// In how many further pieces the rest is kept.
    pub spilled: u32,
    /// Since when the person wants nothing: what is here goes nowhere then, but what [confirms](Entry::confirms).
    pub opted_out: Option<Timestamp>,
}

/// One message in an outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The message's own id.
    pub id: MessageId,
    /// What it says.
    pub text: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// When it was written to the outbox.
    pub created_at: Timestamp,
    /// How often the gateway was asked to take it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// How many of these attempts may have sent it although we do not know that they did.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncertain: u32,
    /// When it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Timestamp>,
    /// Why its gateway refused it. The entry stays until everything that follows from the refusal is durable: a notice
    /// by another way, a report to the apps. The gateway is not asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether it confirms a wish to opt out, and so goes out in spite of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirms: bool,
    /// Where it is to go from here: then it is no message to this connection, but one for each of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    /// Where else the same person can be reached, should the gateway refuse it for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<ConnectionId>,
}

/// The right to send what is in a connection's outbox. Its holder sends alone, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// A name that nobody else has.
    pub owner: String,
    /// When it ends by itself, should the holder die.
    pub until: Timestamp,
    /// The number of this lease among all leases of the connection, from 1. It tells a holder whose write found no
    /// lease whether the lease was taken by another since, or whether that write itself gave it back.
    pub fence: u64,
}

/// What [`Store::load`](super::Store::load) found.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The connection.
    pub record: Record,
    /// Who is behind it. The contact may be a little older or younger than the record, never the contact of another
    /// connection.
    pub contact: Option<Contact>,
    /// Whether the message was committed before.
    pub seen: bool,
    /// When it [arrived](super::Commit::arrived), as that commit wrote down.
    pub arrived: Option<Timestamp>,
}

impl Record {
    /// Of a connection that nobody has heard of before.
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
            pace: ReplyRate::default(),
        }
    }

    /// The lease that comes next, for a commit on this record to take.
    pub fn next_lease(&self, owner: impl Into<String>, until: Timestamp) -> Lease {
        Lease { owner: owner.into(), until, fence: self.fence + 1 }
    }

    /// The lease, if it is still good.
    pub fn lease_at(&self, now: Timestamp) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.until > now)
    }
}

impl Outbox {
    /// Whether nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.spilled == 0
    }

    /// Whether something may be sent now: the head decides, since the entries behind it wait for it.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.entries.front() {
            Some(head) => head.next_attempt.is_none_or(|at| at <= now),
            None => self.spilled > 0,
        }
    }

    /// Whether a message to this connection that is appended now would have to wait for another message to it.
    /// Entries that go to others hold up nothing: messages to the connection [pass](super::Settlement::Passed) them.
    pub fn holds_up(&self) -> bool {
        self.spilled > 0 || self.entries.iter().any(|entry| !entry.is_sending())
    }

    /// The place of the first message to this connection itself behind the head, which goes to others.
    pub(crate) fn first_message(&self) -> Option<usize> {
        (1..self.entries.len()).find(|at| !self.entries[*at].is_sending())
    }
}

impl Entry {
    /// A new message.
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

    /// Whether it goes to others, and not to the connection in whose outbox it is.
    pub fn is_sending(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let connection = |id: &ConnectionId| id.backend.as_str().len() + id.identity.as_str().len() + 4;
        let recipients = self.recipients.iter().map(|recipient| match recipient {
            Recipient::Connection(id) => connection(id),
            Recipient::Contact(id) => id.as_str().len() + 16,
        });
        self.text.len() + recipients.sum::<usize>() + self.otherwise.iter().map(connection).sum::<usize>()
    }

    /// The message as a backend sends it.
    pub fn outgoing(&self, connection: &ConnectionId) -> Outgoing {
        Outgoing {
            id: self.id.clone(),
            connection: connection.clone(),
            text: self.text.clone(),
            in_reply_to: self.in_reply_to.clone(),
            created_at: self.created_at,
        }
    }
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}
