//! What travels on the queue: versioned, ASCII-only JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::broadcast::BroadcastKey;
use crate::hex::hex;
use crate::message::{ConnectionId, Incoming, MessageId, Notice, Report};

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

/// The version of the JSON that this program writes, and the only one it reads.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Envelope<J> {
    v: u32,
    #[serde(flatten)]
    job: J,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

/// Why a queued body is not a [`Job`].
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A later program wrote it. A later program may read it: leave it on the queue.
    #[error("the job has version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// It never was a job. Nobody will ever read it.
    #[error("not a job: {0}")]
    Malformed(String),
}

impl JobError {
    /// Whether the same body may be read elsewhere or later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Version(_))
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
        let json = serde_json::to_string(&Envelope { v: VERSION, job: self }).unwrap_or_default();
        ascii(&json)
    }

    /// The job that [`Job::to_json`] wrote.
    pub fn from_json(body: &str) -> Result<Self, JobError> {
        let malformed = |problem: serde_json::Error| JobError::Malformed(problem.to_string());
        match serde_json::from_str::<VersionOnly>(body).map_err(malformed)?.v {
            VERSION => Ok(serde_json::from_str::<Envelope<Self>>(body).map_err(malformed)?.job),
            other => Err(JobError::Version(other)),
        }
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

    /// For an outbox that is due since `since`. A second sweep that finds it gets the same ticket.
    pub fn deliver(connection: ConnectionId, since: Timestamp) -> Self {
        let dedupe = ["deliver", &since.as_millisecond().to_string()].join(" ");
        Self::new(Job::Deliver { connection }, &dedupe)
    }

    /// For a scheduled job at one due time. A second tick that finds it due gets the same ticket.
    pub(crate) fn scheduled(name: String, due: Timestamp) -> Self {
        let dedupe = ["scheduled", &due.as_millisecond().to_string()].join(" ");
        Self::new(Job::Scheduled { name, due }, &dedupe)
    }

    /// For a broadcast that is due since `since`. A second sweep that finds it gets the same ticket.
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
    fn a_later_version_is_left_for_a_later_program() {
        let later = Job::from_json(r#"{"v":2,"type":"unheard-of"}"#).unwrap_err();
        assert!(later.is_transient(), "{later}");
        for garbage in
            ["", "{}", "null", r#"{"v":1}"#, r#"{"v":1,"type":"x"}"#, r#"{"v":1,"type":"deliver"}"#]
        {
            assert!(!Job::from_json(garbage).unwrap_err().is_transient(), "{garbage}");
        }
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
