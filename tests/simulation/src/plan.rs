//! The plan of a history: every event and every fault as data, so that a shorter plan is a shorter history.

use std::fmt;

/// A history before it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed that it was made of, which also decides all noise.
    pub seed: u64,
    /// How the project is set up.
    pub shape: Shape,
    /// What happens, in the order of its time.
    pub events: Vec<Event>,
}

/// How the project is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct Shape {
    /// Whether the backends answer first and handle later.
    pub queued: bool,
    /// Whether an app wants delivery reports.
    pub reports: bool,
    /// Whether an app has a scheduled job.
    pub jobs: bool,
    /// Whether the way of handling changes in between.
    pub flips: bool,
    /// Whether calls take differing times, or a millisecond each.
    pub noise: bool,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, by which others refer to it: the same however short the plan becomes.
    pub id: u32,
    /// When it happens, in milliseconds from the start.
    pub at: u64,
    /// What happens.
    pub what: What,
}

/// A person: two backends with three numbers each.
pub type Person = u8;

/// How many people there are.
pub const PEOPLE: u8 = 6;

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A person texts.
    Message {
        /// Who.
        from: Person,
        /// What it asks for.
        says: Says,
        /// Whether the gateway has an id for it.
        named: bool,
    },
    /// Kannel posts a message once more.
    Repeat {
        /// The event of the message.
        of: u32,
    },
    /// The gateway does this with its next messages.
    Gateway {
        /// At which backend: 0 or 1.
        backend: u8,
        /// What it does.
        manner: Manner,
        /// With how many messages.
        count: u8,
    },
    /// A call goes wrong.
    Fault {
        /// Which call.
        call: Call,
        /// How many such calls go well before.
        after: u8,
        /// How it goes wrong.
        fault: Fault,
    },
    /// Someone has a text sent to several people.
    Broadcast {
        /// To whom.
        to: Vec<Person>,
    },
    /// The clocks of environments that start from now on go wrong.
    Clock {
        /// By so many milliseconds.
        by: i64,
        /// Whether those that wait for an event jump, too.
        jump: bool,
    },
    /// Every environment is replaced by a new one.
    Redeploy {
        /// Whether what is running is killed.
        kill: bool,
        /// Whether messages are handled at another time from then on: inline or queued.
        flip: bool,
    },
    /// No tick comes for so many minutes.
    Silence {
        /// Minutes.
        minutes: u8,
    },
    /// The operator moves the dead letters back.
    Redrive,
}

/// What a message asks the app for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// To be counted: one reply.
    Count,
    /// Several replies.
    Many(u8),
    /// Something for others, and a reply.
    Tell(Vec<Person>),
    /// Something for whoever is behind a person's number, and a reply.
    TellContact(Person),
    /// To be counted slowly: one reply after so many milliseconds.
    Slow(u16),
    /// To be counted by the second app, after the first one failed.
    Fail,
    /// The same after the first app hung.
    Hang,
    /// To be counted without a reply.
    Quiet,
    /// To be counted with the contact.
    Name,
    /// To have the contact of that person from now on.
    Join(Person),
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
}

/// What a gateway does with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// What it answers.
    pub answer: Answer,
    /// What it reports, if it takes the message and reports are asked for.
    pub report: Option<ReportOf>,
}

/// What a gateway answers to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It takes it and says so.
    Accept,
    /// It refuses it for good.
    Refuse,
    /// It does not take it now.
    Defer,
    /// It takes it, and the answer is lost at once.
    Lose,
    /// It takes it, and never answers.
    TakeAndHang,
    /// It does not take it, and never answers.
    Hang,
    /// It takes it and says so after so many milliseconds.
    Slow(u16),
    /// It takes it only after so many milliseconds, whoever still waits, and says so.
    TakeLate(u16),
}

/// A delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportOf {
    /// Delivered, failed, or first under way and then delivered.
    pub fate: ReportedFate,
    /// How many milliseconds after the message was taken.
    pub delay: u32,
    /// How often it comes.
    pub times: u8,
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedFate {
    /// The phone has it.
    Delivered,
    /// The phone will not have it.
    Failed,
    /// First the one, then, a little later, the other.
    FailedThenDelivered,
    /// Delivered, and then a late word that it is on its way.
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
    /// The queue's own: what is done leaves it.
    Delete,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error, and nothing was done.
    ErrorBefore,
    /// An error, although it was done.
    ErrorAfter,
    /// The environment dies, and nothing was done.
    CrashBefore,
    /// The environment dies, although it was done.
    CrashAfter,
    /// The environment freezes for so many milliseconds before it is done.
    FreezeBefore(u32),
    /// The environment freezes for so many milliseconds when it is done.
    FreezeAfter(u32),
    /// It is done so many milliseconds later.
    Slow(u32),
    /// The client did it twice, since the first answer was lost: the second answer counts.
    Twice,
    /// This and the next calls are throttled: an error each, and nothing was done.
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
