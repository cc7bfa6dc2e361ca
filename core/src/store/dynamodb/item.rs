//! The conversion of records to items and back, attribute by attribute.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys;
use crate::model::contact::{Contact, ContactId, Stored};
use crate::model::language::Language;
use crate::model::message::{ConnectionId, MessageId, State};
use crate::model::session::Session;
use crate::store::{
    Direction, Entry, HistoryRow, Lease, Outbox, Recent, Record, ReplyRate, StoreError, Unusable,
};

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The names of attributes. Each is written in this one place.
pub(super) mod names {
    pub(crate) const VERSION: &str = "version";
    pub(crate) const CREATED_AT: &str = "created_at";
    pub(crate) const SESSION: &str = "session";
    pub(crate) const CONTACT: &str = "contact";
    pub(crate) const CONTACTS_MADE: &str = "contacts_made";
    pub(crate) const FORMS: &str = "forms";
    pub(crate) const NAME: &str = "name";
    pub(crate) const LANGUAGE: &str = "language";
    pub(crate) const FIELDS: &str = "fields";
    pub(crate) const CONNECTIONS: &str = "connections";
    pub(crate) const RECENT: &str = "recent";
    pub(crate) const ARRIVALS: &str = "arrivals";
    pub(crate) const ARRIVED_AT: &str = "arrived_at";
    pub(crate) const IDS_SPILLED_AT: &str = "ids_spilled_at";
    pub(crate) const OUTBOX: &str = "outbox";
    pub(crate) const SPILLED: &str = "spilled";
    pub(crate) const OPTED_OUT: &str = "opted_out_at";
    pub(crate) const PACE_SINCE: &str = "pace_since";
    pub(crate) const PACE: &str = "pace";
    pub(crate) const RECIPIENTS: &str = "recipients";
    pub(crate) const OTHERWISE: &str = "otherwise";
    pub(crate) const STARTED: &str = "started_at";
    pub(crate) const DONE: &str = "done_at";
    pub(crate) const OUTGOING: &str = "outgoing";
    pub(crate) const DIGEST: &str = "digest";
    pub(crate) const SIZES: &str = "sizes";
    pub(crate) const FINISHED_PARTS: &str = "spread";
    pub(crate) const PIECES: &str = "pieces";
    pub(crate) const CONFIRMS: &str = "confirms";
    pub(crate) const REFUSED: &str = "refused";
    pub(crate) const LEASE_OWNER: &str = "lease_owner";
    pub(crate) const LEASE_UNTIL: &str = "lease_until";
    pub(crate) const FENCE: &str = "fence";
    pub(crate) const DUE_SHARD: &str = "due_shard";
    pub(crate) const DUE_AT: &str = "due_at";
    pub(crate) const ID: &str = "id";
    pub(crate) const NEXT: &str = "next_attempt";
    pub(crate) const TEXT: &str = "text";
    pub(crate) const REPLY_TO: &str = "in_reply_to";
    pub(crate) const ATTEMPTS: &str = "attempts";
    pub(crate) const UNCERTAIN: &str = "uncertain";
    pub(crate) const DIRECTION: &str = "direction";
    pub(crate) const STATE: &str = "state";
    pub(crate) const RANK: &str = "rank";
    pub(crate) const DETAIL: &str = "detail";
    pub(crate) const REPORTED_AT: &str = "reported_at";
    pub(crate) const RAW: &str = "raw";
    pub(crate) const PROBLEMS: &str = "problems";
    pub(crate) const USED_AT: &str = "used_at";
    pub(crate) const GUESSES: &str = "guesses";
    pub(crate) const TTL: &str = "ttl";
}
use names as n;

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

// Numbers are cheap to pass by value.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The range of times that can be read back from their milliseconds: all except the first and the last second that
/// exist.
const READABLE: (Timestamp, Timestamp) =
    (Timestamp::constant(-377_705_023_200, 0), Timestamp::constant(253_402_207_199, 0));

/// Returns a time, in milliseconds since 1970.
pub(super) fn time(at: Timestamp) -> AttributeValue {
    number(at.clamp(READABLE.0, READABLE.1).as_millisecond())
}

pub(super) fn bytes(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// Returns a list as JSON, which takes less space than a list of maps. Returns `None` for an empty list.
pub(super) fn of_list<T: Serialize>(list: &[T]) -> Option<AttributeValue> {
    (!list.is_empty()).then(|| text(serde_json::to_string(list).unwrap_or_default()))
}

/// A reader of the attributes of one item. Every error names the item and the attribute.
pub(super) struct Reader<'a> {
    what: &'a str,
    item: &'a Item,
}

impl<'a> Reader<'a> {
    pub(super) fn new(what: &'a str, item: &'a Item) -> Self {
        Self { what, item }
    }

    pub(super) fn bad(&self, name: &str) -> StoreError {
        StoreError::Unreadable { what: keys::shown(self.what), problem: format!("bad or missing {name}") }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, StoreError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.bad(name)),
        }
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, StoreError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(number)) => number.parse().map(Some).map_err(|_| self.bad(name)),
            Some(_) => Err(self.bad(name)),
        }
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let ms = self.number::<i64>(name)?;
        ms.map(|ms| Timestamp::from_millisecond(ms).map_err(|_| self.bad(name))).transpose()
    }

    /// Reads the list that [`of_list`] wrote.
    pub(super) fn list<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, StoreError> {
        let list = self.text(name)?.map(serde_json::from_str).transpose();
        list.map(Option::unwrap_or_default).map_err(|_| self.bad(name))
    }

    fn entries(&self, name: &str) -> Result<Vec<Entry>, StoreError> {
        match self.item.get(name) {
            None => Ok(Vec::new()),
            Some(AttributeValue::L(list)) => list.iter().map(|entry| to_entry(self.what, entry)).collect(),
            Some(_) => Err(self.bad(name)),
        }
    }
}

/// Converts a connection's item to a record. If there is no item, the connection is new.
pub(super) fn to_record(what: &str, item: Option<&Item>, now: Timestamp) -> Result<Record, StoreError> {
    let Some(item) = item else { return Ok(Record::new(now)) };
    let read = Reader::new(what, item);
    let session = read.text(n::SESSION)?.map(Session::from_json).transpose();
    let recent = match item.get(n::RECENT) {
        None => Some(Recent::default()),
        Some(AttributeValue::B(packed)) => Recent::from_bytes(packed.as_ref()).map(|recent| {
            let arrivals = item.get(n::ARRIVALS).and_then(|arrivals| arrivals.as_b().ok());
            recent.with_arrivals(arrivals.map_or(&[][..], |arrivals| arrivals.as_ref()))
        }),
        Some(_) => None,
    };
    let fence = read.number(n::FENCE)?.unwrap_or(0);
    let lease = match (read.text(n::LEASE_OWNER)?, read.time(n::LEASE_UNTIL)?) {
        (Some(owner), Some(until)) => Some(Lease { owner: owner.to_owned(), until, fence }),
        _ => None,
    };
    let reply_rate = match (read.time(n::PACE_SINCE)?, read.number(n::PACE)?) {
        (Some(since), Some(replies)) => ReplyRate { since, replies },
        _ => ReplyRate::default(),
    };
    Ok(Record {
        version: read.number(n::VERSION)?.ok_or_else(|| read.bad(n::VERSION))?,
        created_at: read.time(n::CREATED_AT)?.ok_or_else(|| read.bad(n::CREATED_AT))?,
        session: session.map_err(|_| read.bad(n::SESSION))?.unwrap_or_default(),
        contact: read.text(n::CONTACT)?.map(ContactId::from),
        contacts_made: read.number(n::CONTACTS_MADE)?.unwrap_or(0),
        recent: recent.ok_or_else(|| read.bad(n::RECENT))?,
        outbox: to_outbox(what, item)?,
        lease,
        fence,
        reply_rate,
        forms: read.text(n::FORMS)?.map(str::to_owned),
    })
}

/// Converts a contact's item to the contact.
pub(super) fn to_contact(id: &ContactId, item: &Item) -> Result<Contact, StoreError> {
    let what = keys::of_contact(id);
    let read = Reader::new(&what, item);
    let connection = |value: &AttributeValue| keys::to_connection(value.as_s().ok()?);
    let connections = match item.get(n::CONNECTIONS) {
        Some(AttributeValue::L(list)) => list.iter().map(connection).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let language = read.text(n::LANGUAGE)?.map(str::parse::<Language>).transpose();
    let stored = Stored {
        version: read.number(n::VERSION)?.ok_or_else(|| read.bad(n::VERSION))?,
        created_at: read.time(n::CREATED_AT)?.ok_or_else(|| read.bad(n::CREATED_AT))?,
        name: read.text(n::NAME)?.unwrap_or_default().to_owned(),
        language: language.map_err(|_| read.bad(n::LANGUAGE))?,
        fields_json: read.text(n::FIELDS)?.map(str::to_owned),
        connections: connections.ok_or_else(|| read.bad(n::CONNECTIONS))?,
    };
    stored.contact(id.clone()).map_err(|_| read.bad(n::FIELDS))
}

/// Returns the outbox of a connection's item.
pub(super) fn to_outbox(what: &str, item: &Item) -> Result<Outbox, StoreError> {
    let read = Reader::new(what, item);
    let spilled = read.number(n::SPILLED)?.unwrap_or(0);
    let opted_out = read.time(n::OPTED_OUT)?;
    Ok(Outbox { entries: read.entries(n::OUTBOX)?.into(), spilled, opted_out })
}

/// Returns the entries of a chunk of an outbox.
pub(super) fn to_entries(what: &str, item: &Item) -> Result<Vec<Entry>, StoreError> {
    Reader::new(what, item).entries(n::OUTBOX)
}

pub(super) fn of_entries(entries: &[Entry]) -> AttributeValue {
    AttributeValue::L(entries.iter().map(of_entry).collect())
}

pub(super) fn of_entry(entry: &Entry) -> AttributeValue {
    let mut map = Item::from([
        (n::ID.to_owned(), text(entry.id.as_str())),
        (n::TEXT.to_owned(), text(&entry.text)),
        (n::CREATED_AT.to_owned(), time(entry.created_at)),
    ]);
    let optional = [
        (n::REPLY_TO, entry.in_reply_to.as_ref().map(|id| text(id.as_str()))),
        (n::ATTEMPTS, (entry.attempts > 0).then(|| number(entry.attempts))),
        (n::UNCERTAIN, (entry.uncertain > 0).then(|| number(entry.uncertain))),
        (n::NEXT, entry.next_attempt.map(time)),
        (n::REFUSED, entry.refused.as_ref().map(text)),
        (n::CONFIRMS, entry.confirms.then_some(AttributeValue::Bool(true))),
        (n::RECIPIENTS, of_list(&entry.recipients)),
        (n::OTHERWISE, of_list(&entry.otherwise)),
    ];
    map.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    AttributeValue::M(map)
}

fn to_entry(what: &str, value: &AttributeValue) -> Result<Entry, StoreError> {
    let AttributeValue::M(map) = value else { return Err(Reader::new(what, &Item::new()).bad(n::OUTBOX)) };
    let read = Reader::new(what, map);
    Ok(Entry {
        id: read.text(n::ID)?.ok_or_else(|| read.bad(n::ID))?.into(),
        text: read.text(n::TEXT)?.ok_or_else(|| read.bad(n::TEXT))?.to_owned(),
        in_reply_to: read.text(n::REPLY_TO)?.map(MessageId::from),
        created_at: read.time(n::CREATED_AT)?.ok_or_else(|| read.bad(n::CREATED_AT))?,
        attempts: read.number(n::ATTEMPTS)?.unwrap_or(0),
        uncertain: read.number(n::UNCERTAIN)?.unwrap_or(0),
        next_attempt: read.time(n::NEXT)?,
        refused: read.text(n::REFUSED)?.map(str::to_owned),
        confirms: map.contains_key(n::CONFIRMS),
        recipients: read.list(n::RECIPIENTS)?,
        otherwise: read.list(n::OTHERWISE)?,
    })
}

/// Converts an item of history to a row.
pub(super) fn to_row(connection: &ConnectionId, sk: &str, item: &Item) -> Result<HistoryRow, StoreError> {
    let read = Reader::new(sk, item);
    let (at, id) = keys::to_row(sk).ok_or_else(|| read.bad(keys::SK))?;
    let direction = match read.text(n::DIRECTION)? {
        Some("in") => Direction::In,
        Some("out") => Direction::Out,
        _ => return Err(read.bad(n::DIRECTION)),
    };
    Ok(HistoryRow {
        connection: connection.clone(),
        at,
        id,
        direction,
        state: to_state(sk, item)?,
        text: read.text(n::TEXT)?.unwrap_or_default().to_owned(),
        in_reply_to: read.text(n::REPLY_TO)?.map(MessageId::from),
        attempts: read.number(n::ATTEMPTS)?.unwrap_or(0),
        uncertain: read.number(n::UNCERTAIN)?.unwrap_or(0),
        detail: read.text(n::DETAIL)?.map(str::to_owned),
    })
}

/// Returns the state of an item of history.
pub(super) fn to_state(sk: &str, item: &Item) -> Result<State, StoreError> {
    let read = Reader::new(sk, item);
    read.text(n::STATE)?.and_then(State::named).ok_or_else(|| read.bad(n::STATE))
}

/// Converts an item to an unusable message of a backend.
pub(super) fn to_unusable(
    backend: &crate::BackendName,
    sk: &str,
    item: &Item,
) -> Result<Unusable, StoreError> {
    let read = Reader::new(sk, item);
    let problems = match item.get(n::PROBLEMS) {
        Some(AttributeValue::L(list)) => list.iter().filter_map(|one| one.as_s().ok()).cloned().collect(),
        _ => Vec::new(),
    };
    Ok(Unusable {
        backend: backend.clone(),
        at: read.time(n::CREATED_AT)?.ok_or_else(|| read.bad(n::CREATED_AT))?,
        raw: read.text(n::RAW)?.unwrap_or_default().to_owned(),
        problems,
    })
}

/// Returns whether an item's time to live is over. `DynamoDB` deletes the item within days, but from this moment it
/// counts as absent.
pub(super) fn is_expired(item: &Item, now: Timestamp) -> bool {
    let ttl = item.get(n::TTL).and_then(|ttl| ttl.as_n().ok()).and_then(|ttl| ttl.parse::<i64>().ok());
    ttl.is_some_and(|ttl| ttl <= now.as_second())
}

/// Returns an item's sort key, or an empty text if there is none.
pub(super) fn sort_key(item: &Item) -> &str {
    item.get(keys::SK).and_then(|sk| sk.as_s().ok()).map_or("", String::as_str)
}

#[cfg(test)]
mod hostile;
