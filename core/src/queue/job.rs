//! The jobs on the queue: versioned, ASCII-only JSON.
//!
//! # How the JSON may change
//!
//! During a deployment, jobs of the old program are on the queue, and warm functions of the old program take jobs of
//! the new one. So a change **expands before it contracts**. Every job is a JSON object with `v` and `type`, for ever.
//! `v` is the version that a program must be able to read to understand the job. It is not the version of the program
//! that wrote the job.
//!
//! | change | how |
//! |---|---|
//! | a new field that an old program may ignore | optional, with a default; `v` stays; a new file among the fixtures |
//! | a new kind of job | a new `type`; `v` stays: an old program does not know the type, and leaves the job on the queue |
//! | a field whose meaning changes, or that no program may ignore | one release reads the next `v` and still writes the old one; the release after it writes the next `v` |
//! | a field that is no longer needed | programs read it for ever; they write it until no released program needs it |
//!
//! A program that cannot read a job gives the job back to the queue. There the job and its group wait for the new
//! function, longer each time. The job becomes a dead letter only after more than an hour. Every released form of a job
//! is in `core/tests/fixtures/jobs/`, and programs read it for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::broadcast_key::BroadcastKey;
use crate::model::message::{ConnectionId, Incoming, MessageId, Notice, Report};
use crate::util::hex::hex;

/// A job for the Lambda function `responder`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Job {
    /// Processes a message: phases, commit, deliver.
    Incoming {
        /// The message.
        message: Box<Incoming>,
    },
    /// Sends a message that is not a reply: outgoing phase, commit, deliver.
    Notice {
        /// The message.
        notice: Box<Notice>,
    },
    /// Tells the apps the final status of a message: report phase, commit, deliver.
    Report {
        /// The report.
        report: Box<Report>,
    },
    /// Continues a broadcast: puts a job on the queue for each part that is not done.
    Broadcast {
        /// The key of the broadcast.
        key: BroadcastKey,
    },
    /// Puts the messages of one part of a broadcast on the queue.
    Part {
        /// The key of the broadcast.
        key: BroadcastKey,
        /// The number of the part, from 0.
        part: u32,
    },
    /// Runs a scheduled job for one due time.
    Scheduled {
        /// The name of the job, with its app first.
        name: String,
        /// The due time.
        due: Timestamp,
    },
    /// Sends the entries of a connection's outbox.
    Deliver {
        /// The connection of the outbox.
        connection: ConnectionId,
    },
}

/// The number of broadcast parts that are worked on at the same time.
const LANES: u32 = 4;

/// The newest version of the JSON that this program reads. It reads all versions up to this one, for ever.
const READS: u64 = 1;

/// The version that this program writes. Every program that may read its jobs must read at least this version.
const WRITES: u64 = 1;

// A program must read the version that it writes. In the first release of a change of version it reads the next version
// and still writes the old one.
const _: () = assert!(WRITES <= READS);

/// The maximum number of characters of a job's type that an error repeats.
const LONGEST_KIND: usize = 32;

#[derive(Serialize)]
struct Envelope<J> {
    v: u64,
    #[serde(flatten)]
    job: J,
}

/// The reason why a queued body is not a [`Job`] of this program.
///
/// No variant repeats a value of the body, since it may contain a phone number or the text of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// A later program wrote the body. A later program may read it, so leave it on the queue.
    #[error("the job has version {0}, and this program reads versions up to {READS}")]
    Version(u64),
    /// The body is a job whose type or fields this program does not know. A later program may read it, so leave it on
    /// the queue.
    #[error("the job is of type {kind:?} with fields that this program cannot read")]
    Unknown {
        /// The type, as the job names it.
        kind: String,
    },
    /// The body never was a job. No program will ever read it.
    #[error("not a job: {0}")]
    Malformed(&'static str),
}

impl JobError {
    /// Returns whether a later program may read the same body.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Version(_) | Self::Unknown { .. } => true,
            Self::Malformed(_) => false,
        }
    }
}

/// A job with the data that a FIFO queue needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The job.
    pub job: Job,
    /// The message group. Jobs of the same group are done in turn. Hex SHA-256, of the connection in most cases.
    pub group: String,
    /// The deduplication id. Jobs with the same id are one job. Hex SHA-256.
    pub dedupe_id: String,
}

impl Job {
    /// Returns the job as JSON in ASCII. SQS takes only the characters of XML 1.0, and text messages may contain
    /// others.
    ///
    /// ```
    /// use threadless::queue::Job;
    /// use threadless::ConnectionId;
    /// let connection = ConnectionId::new("k".parse()?, "ሰላም".parse()?);
    /// let body = Job::Deliver { connection }.to_json();
    /// assert!(body.is_ascii() && body.contains(r"\u1230"));
    /// assert!(Job::from_json(&body).is_ok());
    /// # Ok::<(), threadless::InvalidName>(())
    /// ```
    pub fn to_json(&self) -> String {
        // Maps with text keys and no failing serializer in them: this has a JSON form.
        let json = serde_json::to_string(&Envelope { v: WRITES, job: self }).unwrap_or_default();
        ascii(&json)
    }

    /// Reads a job that [`Job::to_json`] wrote, of this program or of any program that was released before it.
    ///
    /// Ignores fields that this program does not know. A body of a later version, of an unknown type, or with a field
    /// that cannot be read is an error that [a later program may not have](JobError::is_transient). Only a body without
    /// the envelope is [malformed](JobError::Malformed). The envelope is a JSON object with a whole number `v` and a
    /// text `type`.
    ///
    /// ```
    /// use threadless::queue::Job;
    /// for later in [r#"{"v":9}"#, r#"{"v":1,"type":"postcard"}"#, r#"{"v":1,"type":"deliver","to":"all"}"#] {
    ///     assert!(Job::from_json(later).unwrap_err().is_transient(), "{later}");
    /// }
    /// for none in ["", "hello", "[]", "{}", r#"{"type":"deliver"}"#, r#"{"v":1}"#] {
    ///     assert!(!Job::from_json(none).unwrap_err().is_transient(), "{none}");
    /// }
    /// ```
    pub fn from_json(body: &str) -> Result<Self, JobError> {
        let value: Value =
            serde_json::from_str(body).map_err(|_| JobError::Malformed("the body is not JSON"))?;
        let version = value.as_object().and_then(|object| object.get("v")?.as_u64());
        let Some(version) = version else {
            return Err(JobError::Malformed("the body is not a JSON object with a whole number in v"));
        };
        if version > READS {
            return Err(JobError::Version(version));
        }
        let Some(kind) = value["type"].as_str() else {
            return Err(JobError::Malformed("the field type is missing"));
        };
        let kind = kind.chars().take(LONGEST_KIND).collect();
        Self::deserialize(value).map_err(|_| JobError::Unknown { kind })
    }

    /// Returns the message group of the job. Jobs of one group are done in turn. For most jobs the group is the hex
    /// SHA-256 of the connection. A broadcast and a scheduled job each have their own group. The parts of all
    /// broadcasts share [`LANES`] groups, so that many broadcasts leave room for conversations.
    fn group(&self) -> String {
        let hash = |parts: &[&str]| hex(&Sha256::digest(parts.join(" ")));
        match self {
            Self::Incoming { message } => hex(&message.connection.digest()),
            Self::Notice { notice } => hex(&notice.connection.digest()),
            Self::Report { report } => hex(&report.connection.digest()),
            Self::Deliver { connection } => hex(&connection.digest()),
            Self::Broadcast { key } => hash(&["broadcast", key.as_str()]),
            Self::Scheduled { name, .. } => hash(&["scheduled", name]),
            Self::Part { part, .. } => hash(&["lane", &(part % LANES).to_string()]),
        }
    }
}

impl Ticket {
    /// Makes the ticket for a message that arrived. A second delivery of the same message gets the same ticket.
    pub fn incoming(message: Incoming) -> Self {
        let dedupe = ["incoming", message.id.as_str()].join(" ");
        Self::new(Job::Incoming { message: Box::new(message) }, &dedupe)
    }

    /// Makes the ticket for a message that is not a reply. The same notice gets the same ticket.
    pub fn notice(notice: Notice) -> Self {
        let dedupe = ["notice", notice.id.as_str()].join(" ");
        Self::new(Job::Notice { notice: Box::new(notice) }, &dedupe)
    }

    /// Makes the ticket for the final status of a message. A second report of the same status gets the same ticket.
    pub fn report(report: Report) -> Self {
        let dedupe = ["report", report.id.as_str()].join(" ");
        Self::new(Job::Report { report: Box::new(report) }, &dedupe)
    }

    /// Makes the ticket for an outbox that is due since `since`. A second call with the same time makes the same
    /// ticket, and for five minutes the queue drops it. A sweep that finds the outbox again a minute later passes the
    /// time of that minute, since the first job may have failed to send it.
    pub fn deliver(connection: ConnectionId, since: Timestamp) -> Self {
        let dedupe = ["deliver", &since.as_millisecond().to_string()].join(" ");
        Self::new(Job::Deliver { connection }, &dedupe)
    }

    /// Makes the ticket for a scheduled job at one due time. A second tick that finds the job due gets the same ticket.
    pub(crate) fn scheduled(name: String, due: Timestamp) -> Self {
        let dedupe = ["scheduled", &due.as_millisecond().to_string()].join(" ");
        Self::new(Job::Scheduled { name, due }, &dedupe)
    }

    /// Makes the ticket for a broadcast that is due since `since`, by the rule of [`Ticket::deliver`].
    pub(crate) fn broadcast(key: BroadcastKey, since: Timestamp) -> Self {
        let dedupe = ["broadcast", &since.as_millisecond().to_string()].join(" ");
        Self::new(Job::Broadcast { key }, &dedupe)
    }

    /// Makes the ticket for one part of a broadcast that is due again at `until`.
    pub(crate) fn part(key: BroadcastKey, part: u32, until: Timestamp) -> Self {
        let dedupe = ["part", key.as_str(), &part.to_string(), &until.as_millisecond().to_string()].join(" ");
        Self::new(Job::Part { key, part }, &dedupe)
    }

    fn new(job: Job, dedupe: &str) -> Self {
        let group = job.group();
        let dedupe_id = hex(&Sha256::digest([&group, dedupe].join(" ")));
        Self { job, group, dedupe_id }
    }

    /// Returns the id of the message of the job, for logs.
    pub fn message_id(&self) -> Option<&MessageId> {
        match &self.job {
            Job::Incoming { message } => Some(&message.id),
            Job::Notice { notice } => Some(&notice.id),
            Job::Report { report } => Some(&report.message),
            Job::Deliver { .. } | Job::Broadcast { .. } | Job::Part { .. } | Job::Scheduled { .. } => None,
        }
    }
}

/// Returns JSON with every character outside printable ASCII as a `\u` escape.
fn ascii(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Incoming {
        Incoming {
            id: MessageId::from("m1"),
            connection: ConnectionId::new("k".parse().unwrap(), "+251911".parse().unwrap()),
            text: text.to_owned(),
            received_at: Timestamp::UNIX_EPOCH,
            recipient: Some("1234".into()),
            raw: Some(vec![0xd8, 0x00]),
            details: [("smsc".to_owned(), "usb0".to_owned())].into(),
        }
    }

    #[test]
    fn every_character_survives_the_queue_as_ascii() {
        let text: String = (0..=0x1_ffff).filter_map(char::from_u32).collect();
        let job = Job::Incoming { message: Box::new(message(&text)) };
        let body = job.to_json();
        assert!(body.bytes().all(|b| (0x20..0x7f).contains(&b)));
        assert_eq!(Job::from_json(&body).unwrap(), job);
    }

    #[test]
    fn tickets_are_equal_where_the_work_is() {
        let (one, two) = (Ticket::incoming(message("a")), Ticket::incoming(message("a")));
        assert_eq!(one, two);
        let deliver = Ticket::deliver(message("a").connection, Timestamp::UNIX_EPOCH);
        assert_eq!(deliver.group, one.group);
        assert_ne!(deliver.dedupe_id, one.dedupe_id);
        assert_eq!((one.group.len(), one.dedupe_id.len()), (64, 64));
    }
}
