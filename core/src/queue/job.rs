//! What travels on the queue: versioned, ASCII-only JSON.
//!
//! # How the JSON may change
//!
//! While a new program is deployed, jobs of the old one are on the queue and warm functions of the old one take jobs of
//! the new one. So a change **expands before it contracts**. Every job is a JSON object with `v` and `type`, for ever.
//! `v` is the version that a program must read to understand the job, not the version of the program that wrote it.
//!
//! | change | how |
//! |---|---|
//! | a new field that an old program may leave out | optional, with a default; `v` stays; a new file among the fixtures |
//! | a new kind of job | a new `type`; `v` stays: an old program does not know the type, and lets the job wait |
//! | a field whose meaning changes, or that nobody may leave out | one release reads the next `v` and still writes the old one; the release after it writes the next `v` |
//! | a field that is no longer needed | it is still read, for ever; it is written until no released program needs it |
//!
//! A program that meets a job which it cannot read gives it back to the queue, where it waits for the new function, and
//! its group with it, for longer each time and for over an hour before it is a dead letter. Forms that were released are
//! in `core/tests/fixtures/jobs/`, and are read for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::broadcast_key::BroadcastKey;
use crate::model::message::{ConnectionId, Incoming, MessageId, Notice, Report};
use crate::util::hex::hex;

/// Work for the responder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Job {
    /// Handle a message: phases, commit, deliver.
    Incoming {
        /// The message.
        message: Box<Incoming>,
    },
    /// Send a message that nobody asked for: outgoing phase, commit, deliver.
    Notice {
        /// The message.
        notice: Box<Notice>,
    },
    /// Have the apps learn what became of a message: report phase, commit, deliver.
    Report {
        /// The report.
        report: Box<Report>,
    },
    /// Go on with a broadcast: a job for each part of it that is not done.
    Broadcast {
        /// Which.
        key: BroadcastKey,
    },
    /// Put the messages of one part of a broadcast on the queue.
    Part {
        /// Of which broadcast.
        key: BroadcastKey,
        /// Which part, from 0.
        part: u32,
    },
    /// Run a scheduled job for one due time.
    Scheduled {
        /// The job, led by its app.
        name: String,
        /// When it was due.
        due: Timestamp,
    },
    /// Send what is in a connection's outbox.
    Deliver {
        /// Whose outbox.
        connection: ConnectionId,
    },
}

/// How many parts of broadcasts are worked on at once.
const LANES: u32 = 4;

/// The newest version of the JSON that this program reads. It reads all versions up to this one, for ever.
const READS: u64 = 1;

/// The version that this program writes: the oldest program that may read its jobs reads this version.
const WRITES: u64 = 1;

// A program reads what it writes, and what the program after it writes may differ by one release.
const _: () = assert!(WRITES <= READS);

/// The most characters of a job's type that an error repeats.
const LONGEST_KIND: usize = 32;

#[derive(Serialize)]
struct Envelope<J> {
    v: u64,
    #[serde(flatten)]
    job: J,
}

/// Why a queued body is not a [`Job`] of this program.
///
/// No variant repeats a value of the body: it may hold a phone number or the text of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// A later program wrote it. A later program may read it: leave it on the queue.
    #[error("the job has version {0}, and this program reads versions up to {READS}")]
    Version(u64),
    /// It is a job, of a kind or with fields that this program does not know. A later program may read it: leave it
    /// on the queue.
    #[error("the job is of type {kind:?} with fields that this program cannot read")]
    Unknown {
        /// The type, as the job names it.
        kind: String,
    },
    /// It never was a job. Nobody will ever read it.
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

/// A job with what a FIFO queue wants to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The job.
    pub job: Job,
    /// Jobs with the same group are done in turn: hex SHA-256 of the connection.
    pub group: String,
    /// Jobs with the same dedupe id are one job: hex SHA-256.
    pub dedupe_id: String,
}

impl Job {
    /// The job as JSON in ASCII: SQS takes only characters of XML 1.0, and text messages know more than those.
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

    /// Reads the job that [`Job::to_json`] wrote, of this program or of any one that was released before it.
    ///
    /// Fields that this program does not know are left out. A body of a later version, of a kind that is unknown
    /// here, or with a field that cannot be read is an error that [a later program may not
    /// have](JobError::is_transient); only a body without the envelope, a JSON object with a whole number `v` and a text
    /// `type`, is [malformed](JobError::Malformed).
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
        let value: Value = serde_json::from_str(body).map_err(|_| JobError::Malformed("no JSON"))?;
        let version = value.as_object().and_then(|object| object.get("v")?.as_u64());
        let Some(version) = version else {
            return Err(JobError::Malformed("no JSON object with a whole number v"));
        };
        if version > READS {
            return Err(JobError::Version(version));
        }
        let Some(kind) = value["type"].as_str() else { return Err(JobError::Malformed("no type")) };
        let kind = kind.chars().take(LONGEST_KIND).collect();
        Self::deserialize(value).map_err(|_| JobError::Unknown { kind })
    }

    /// Whose job it is: jobs of one owner are done in turn. Hex SHA-256 of the connection; a broadcast is an owner of
    /// its own, and its parts are those of [`LANES`], so that many broadcasts leave room for conversations.
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
    /// For a message that arrived. A second delivery of the same message gets the same ticket.
    pub fn incoming(message: Incoming) -> Self {
        let dedupe = ["incoming", message.id.as_str()].join(" ");
        Self::new(Job::Incoming { message: Box::new(message) }, &dedupe)
    }

    /// For a message that nobody asked for. The same notice gets the same ticket.
    pub fn notice(notice: Notice) -> Self {
        let dedupe = ["notice", notice.id.as_str()].join(" ");
        Self::new(Job::Notice { notice: Box::new(notice) }, &dedupe)
    }

    /// For what became of a message. A second report of the same gets the same ticket.
    pub fn report(report: Report) -> Self {
        let dedupe = ["report", report.id.as_str()].join(" ");
        Self::new(Job::Report { report: Box::new(report) }, &dedupe)
    }

    /// For an outbox that is due since `since`. Whoever asks with the same time gets the same ticket, and the queue drops
    /// it for five minutes: a sweep that finds the outbox again a minute later asks with the time of that minute, since
    /// the first job may have come to nothing.
    pub fn deliver(connection: ConnectionId, since: Timestamp) -> Self {
        let dedupe = ["deliver", &since.as_millisecond().to_string()].join(" ");
        Self::new(Job::Deliver { connection }, &dedupe)
    }

    /// For a scheduled job at one due time. A second tick that finds it due gets the same ticket.
    pub(crate) fn scheduled(name: String, due: Timestamp) -> Self {
        let dedupe = ["scheduled", &due.as_millisecond().to_string()].join(" ");
        Self::new(Job::Scheduled { name, due }, &dedupe)
    }

    /// For a broadcast that is due since `since`, by the rule of [`Ticket::deliver`].
    pub(crate) fn broadcast(key: BroadcastKey, since: Timestamp) -> Self {
        let dedupe = ["broadcast", &since.as_millisecond().to_string()].join(" ");
        Self::new(Job::Broadcast { key }, &dedupe)
    }

    /// For one part of a broadcast, which is looked for again at `until`.
    pub(crate) fn part(key: BroadcastKey, part: u32, until: Timestamp) -> Self {
        let dedupe = ["part", key.as_str(), &part.to_string(), &until.as_millisecond().to_string()].join(" ");
        Self::new(Job::Part { key, part }, &dedupe)
    }

    fn new(job: Job, dedupe: &str) -> Self {
        let group = job.group();
        let dedupe_id = hex(&Sha256::digest([&group, dedupe].join(" ")));
        Self { job, group, dedupe_id }
    }

    /// The id of the message it is about, for logs.
    pub fn message_id(&self) -> Option<&MessageId> {
        match &self.job {
            Job::Incoming { message } => Some(&message.id),
            Job::Notice { notice } => Some(&notice.id),
            Job::Report { report } => Some(&report.message),
            Job::Deliver { .. } | Job::Broadcast { .. } | Job::Part { .. } | Job::Scheduled { .. } => None,
        }
    }
}

/// JSON with everything beyond printable ASCII as `\u` escapes.
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
