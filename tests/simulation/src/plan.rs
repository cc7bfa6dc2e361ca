//! The plan of a history. It has every event and every fault as data, so a shorter plan is a shorter history.

use std::fmt;

/// A history before it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed from which the plan was made. It also decides all noise.
    pub seed: u64,
    /// The setup of the project.
    pub shape: Shape,
    /// The events, in the order of time.
    pub events: Vec<Event>,
}

/// The setup of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct Shape {
    /// Whether the backends answer first and process messages later.
    pub queued: bool,
    /// Whether an app wants delivery reports.
    pub reports: bool,
    /// Whether an app has a scheduled job.
    pub jobs: bool,
    /// Whether processing changes between inline and queued during the history.
    pub flips: bool,
    /// Whether calls take different times. If not, each call takes a millisecond.
    pub noise: bool,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The number by which other events refer to this event. It stays the same when the plan becomes shorter.
    pub id: u32,
    /// The time of the event, in milliseconds from the start.
    pub at: u64,
    /// The kind of the event.
    pub what: What,
}

/// The number of a person. Three people belong to each of two backends.
pub type Person = u8;

/// The number of people.
pub const PEOPLE: u8 = 6;

/// The kind of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A person sends a message.
    Message {
        /// The person.
        from: Person,
        /// The request in the message.
        says: Says,
        /// Whether the gateway gives the message an id.
        named: bool,
    },
    /// Kannel posts a message once more.
    Repeat {
        /// The event of the message.
        of: u32,
    },
    /// The gateway treats its next messages in this manner.
    Gateway {
        /// The backend: 0 or 1.
        backend: u8,
        /// The manner.
        manner: Manner,
        /// The number of messages.
        count: u8,
    },
    /// A call goes wrong.
    Fault {
        /// The call.
        call: Call,
        /// The number of such calls that succeed before.
        after: u8,
        /// The fault.
        fault: Fault,
    },
    /// A caller sends a broadcast to several people.
    Broadcast {
        /// The recipients.
        to: Vec<Person>,
    },
    /// The clocks of environments that start from now on are wrong.
    Clock {
        /// The error of the clocks, in milliseconds.
        by: i64,
        /// Whether the clocks of waiting environments become wrong too.
        jump: bool,
    },
    /// Every environment is replaced by a new one.
    Redeploy {
        /// Whether running environments are killed.
        kill: bool,
        /// Whether processing changes from then on between inline and queued.
        flip: bool,
    },
    /// No tick comes for some minutes.
    Silence {
        /// The number of minutes.
        minutes: u8,
    },
    /// The operator moves the dead letters back.
    Redrive,
}

/// The request of a message to the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Count the message, and give one reply.
    Count,
    /// Give several replies.
    Many(u8),
    /// Send a text to other people, and give a reply.
    Tell(Vec<Person>),
    /// Send a text to the contact behind a person's number, and give a reply.
    TellContact(Person),
    /// Count the message slowly, and give one reply after this number of milliseconds.
    Slow(u16),
    /// The first app fails, and the second app counts the message.
    Fail,
    /// The first app hangs, and the second app counts the message.
    Hang,
    /// Count the message without a reply.
    Quiet,
    /// Count the message in the contact too.
    Name,
    /// Use the contact of that person from now on.
    Join(Person),
    /// Send no more messages.
    Stop,
    /// Send messages again.
    Start,
}

/// The gateway's treatment of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// The answer.
    pub answer: Answer,
    /// The report, if the gateway takes the message and reports are requested.
    pub report: Option<ReportOf>,
}

/// The gateway's answer to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The gateway takes the message and says so.
    Accept,
    /// The gateway refuses the message for good.
    Refuse,
    /// The gateway does not take the message now.
    Defer,
    /// The gateway takes the message, and its answer is lost at once.
    Lose,
    /// The gateway takes the message and never answers.
    TakeAndHang,
    /// The gateway does not take the message and never answers.
    Hang,
    /// The gateway takes the message and says so after this number of milliseconds.
    Slow(u16),
    /// The gateway takes the message only after this number of milliseconds, even if the sender no longer waits, and
    /// then says so.
    TakeLate(u16),
}

/// A delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportOf {
    /// The status in the report: delivered, failed, or a sequence of two.
    pub status: ReportedStatus,
    /// The milliseconds between the acceptance of the message and the report.
    pub delay: u32,
    /// The number of times that the report comes.
    pub times: u8,
}

/// The content of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedStatus {
    /// The phone has the message.
    Delivered,
    /// The phone will not get the message.
    Failed,
    /// First a failure, and a little later a delivery.
    FailedThenDelivered,
    /// A delivery, and then a late report that the message is on its way.
    DeliveredThenUnderway,
}

/// A call of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Call {
    Any,
    OpenBackend,
    Load,
    Commit,
    TakeLease,
    ExtendLease,
    Settle,
    Withdraw,
    Refill,
    Due,
    Record,
    Rows,
    Report,
    Contact,
    OpenBroadcast,
    Broadcast,
    Part,
    PartIsSpread,
    Postpone,
    Job,
    PutJob,
    Enqueue,
    EnqueueAll,
    Send,
    /// The queue's own call, by which a finished job leaves it.
    Delete,
}

/// The way in which a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call returns an error, and nothing was done.
    ErrorBefore,
    /// The call returns an error, although it was done.
    ErrorAfter,
    /// The environment dies, and nothing was done.
    CrashBefore,
    /// The environment dies, although the call was done.
    CrashAfter,
    /// The environment freezes for this number of milliseconds before the call is done.
    FreezeBefore(u32),
    /// The environment freezes for this number of milliseconds after the call is done.
    FreezeAfter(u32),
    /// The call is done this number of milliseconds later.
    Slow(u32),
    /// The client makes the call twice, because the first answer was lost. The second answer counts.
    Twice,
    /// This call and the next ones are throttled: each returns an error, and nothing was done.
    Throttle(u8),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, at, what } = self;
        write!(f, "#{id} at {}.{:03} s: {what:?}", at / 1000, at % 1000)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {:?}", self.seed, self.shape)?;
        for event in &self.events {
            writeln!(f, "  {event}")?;
        }
        Ok(())
    }
}
