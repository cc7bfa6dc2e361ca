//! Loads and commits.

use super::*;

impl World {
    pub(super) fn message(&mut self, who: usize, pick: Pick) -> MessageId {
        let known = match pick {
            Pick::New => None,
            Pick::Old(back) => from_newest(&self.people[who].messages, back).cloned(),
        };
        known.unwrap_or_else(|| {
            let message = MessageId::from(format!("m{}", self.next()).as_str());
            self.people[who].messages.push(message.clone());
            message
        })
    }

    /// Loads the connection, and returns whether the message was committed.
    pub(super) async fn load(&mut self, who: usize, message: &MessageId) -> Result<bool, String> {
        let (now, person) = (self.now, &mut self.people[who]);
        let loaded = both!(self.twins, store => store.load(&person.connection, message, now))?;
        person.outboxes.push(loaded.record.outbox.clone());
        person.contacts.extend(loaded.contact.as_ref().map(|contact| contact.id().clone()));
        person.seen.push((loaded.record, loaded.contact));
        Ok(loaded.seen)
    }

    /// Commits as the program does: a known message is not committed, and no lease is taken if a valid one exists.
    pub(super) async fn commit(&mut self, who: usize, draft: &Draft) -> Result<(), String> {
        let message = self.message(who, draft.message);
        if self.load(who, &message).await? {
            return Ok(());
        }
        let seen = match draft.seen {
            Pick::New => 0,
            Pick::Old(back) => back,
        };
        let (seen, contact) = from_newest(&self.people[who].seen, seen).cloned().unwrap();
        let contact = self.change(who, draft.contact, &seen, contact).await?;
        let replies = self.entries(&message, &draft.replies);
        let mut session = Session::default();
        if let Some(value) = draft.session {
            session.set("value", &value).unwrap();
        }
        let lease = draft
            .lease
            .filter(|_| seen.lease_at(self.now).is_none())
            .map(|seconds| seen.next_lease(self.owner(), self.now + SignedDuration::from_secs(seconds)));
        let opted_out = match draft.opted_out {
            Some(true) => Some(self.now),
            Some(false) => None,
            None => seen.outbox.opted_out,
        };
        let reply_rate = if draft.reply_counted {
            ReplyRate { since: seen.reply_rate.since.max(self.now), replies: seen.reply_rate.replies + 1 }
        } else {
            seen.reply_rate
        };
        let (now, person) = (self.now, &mut self.people[who]);
        let (connection, message, session, contact) =
            (&person.connection, &message, &session, contact.as_ref());
        let commit = || threadless::store::Commit {
            connection,
            seen: &seen,
            message,
            arrived: draft.reply_counted.then_some(now),
            session,
            contact,
            replies: replies.clone(),
            opted_out,
            reply_rate,
            forms: None,
            lease: lease.clone(),
            now,
        };
        if let Committed::Yes(outbox) = both!(self.twins, store => store.commit(commit()))? {
            person.outboxes.push(outbox);
            person.leases.extend(lease);
        }
        Ok(())
    }

    /// Commits many messages without a reply, one after the other.
    pub(super) async fn burst(&mut self, who: usize, messages: usize) -> Result<(), String> {
        let draft = Draft {
            seen: Pick::New,
            message: Pick::New,
            session: None,
            contact: Change::Nothing,
            replies: Vec::new(),
            lease: None,
            opted_out: None,
            reply_counted: false,
        };
        for _ in 0..messages {
            self.now += SignedDuration::from_millis(1);
            self.commit(who, &draft).await?;
        }
        Ok(())
    }

    /// Returns a name for a lease holder that no other has.
    pub(super) fn owner(&mut self) -> String {
        format!("owner {}", self.next())
    }

    fn entries(&mut self, message: &MessageId, replies: &[Reply]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for reply in replies {
            let nth = self.next();
            let text = format!("reply {nth} {}", "x".repeat(reply.bytes));
            let mut entry = Entry::new(message.reply(nth), text, Some(message.clone()), self.now);
            let to = |nth: usize| self.people[nth % PEOPLE].connection.clone();
            entry.confirms = reply.confirms;
            entry.recipients = (0..reply.recipients).map(|nth| Recipient::from(&to(nth))).collect();
            entry.otherwise = (0..reply.otherwise).map(to).collect();
            entries.push(entry);
        }
        entries
    }

    /// Returns the message's change of the contact, based on the contact that was read.
    async fn change(
        &mut self,
        who: usize,
        change: Change,
        seen: &threadless::store::Record,
        before: Option<Contact>,
    ) -> Result<Option<ContactChange>, String> {
        let now = self.now;
        let person = &self.people[who];
        let made = ContactId::of(&person.connection, seen.contacts_made);
        let present = || before.clone().unwrap_or_else(|| Contact::new(made, now));
        let after = match change {
            Change::Nothing => return Ok(None),
            Change::Name(name) => {
                let mut contact = present();
                contact.set_name(format!("name {name}"));
                Some(contact)
            }
            Change::Language => {
                let mut contact = present();
                contact.set_language("am".parse::<Language>().unwrap());
                Some(contact)
            }
            Change::Field(value) => {
                let mut contact = present();
                contact.set("field", &value).unwrap();
                Some(contact)
            }
            Change::Leave => None,
            Change::Join(other) => {
                let other = &self.people[other].connection;
                both!(self.twins, store => store.contact_of(other))?
            }
        };
        let ids = after.iter().map(|contact| contact.id().clone());
        self.people[who].contacts.extend(ids);
        Ok((before != after).then_some(ContactChange { before, after }))
    }
}
