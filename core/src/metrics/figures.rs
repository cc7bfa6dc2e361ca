//! The figures themselves: plain data that can be added up.

use std::collections::BTreeMap;

/// An event that is counted for each backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Event {
    /// A gateway delivered a message, and it is durable. A message that the gateway delivers again counts again.
    Received,
    /// The effect of a message is committed.
    Handled,
    /// A reply was put into an outbox.
    Replied,
    /// The gateway accepted a message.
    Sent,
    /// A message failed for good: the gateway refused it, a delivery report says so, or it expired.
    Failed,
    /// A message failed because it was older than a day. It is counted as failed too.
    Expired,
    /// The gateway did not take a message at this attempt. The message waits for its next attempt.
    Deferred,
    /// An attempt whose result is unknown: the gateway may have taken the message.
    Uncertain,
    /// A person opted out.
    OptedOut,
    /// A delivery report says that a message reached the phone.
    Delivered,
}

impl Event {
    /// All events, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::Received,
        Self::Handled,
        Self::Replied,
        Self::Sent,
        Self::Failed,
        Self::Expired,
        Self::Deferred,
        Self::Uncertain,
        Self::OptedOut,
        Self::Delivered,
    ];

    /// Returns the name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "Received",
            Self::Handled => "Handled",
            Self::Replied => "Replied",
            Self::Sent => "Sent",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
            Self::Deferred => "Deferred",
            Self::Uncertain => "Uncertain",
            Self::OptedOut => "OptedOut",
            Self::Delivered => "Delivered",
        }
    }
}

/// A duration that is measured for each backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Timing {
    /// The time that a job waited in the queue.
    Queue,
    /// The time from the begin of the work on a message to its commit.
    Handling,
    /// The time of one attempt at the gateway.
    Gateway,
}

impl Timing {
    /// All durations.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Handling, Self::Gateway];

    /// Returns the name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "QueueTime",
            Self::Handling => "HandlingTime",
            Self::Gateway => "GatewayTime",
        }
    }
}

/// The figures of one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// The number of events of each kind. An event that did not happen is missing.
    pub counts: BTreeMap<Event, u64>,
    /// The measured durations of each kind, in milliseconds.
    pub timings: BTreeMap<Timing, Vec<u64>>,
    /// The number of conversations with messages that still go out, if a sweep counted them.
    pub waiting: Option<u64>,
    /// The largest known age of a message that waits, in seconds.
    pub oldest: Option<u64>,
    /// The longest time since which a message is due and nobody has taken it, in seconds, if a sweep looked.
    pub overdue: Option<u64>,
}

impl Figures {
    /// Returns the number of events of a kind.
    pub fn count(&self, event: Event) -> u64 {
        self.counts.get(&event).copied().unwrap_or_default()
    }
}

/// An app and its phase. The phase of a scheduled job is `job`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AppPhase {
    /// The name of the app, or of the job.
    pub app: String,
    /// The name of the phase.
    pub phase: &'static str,
}

/// The figures of a time: those of each backend, and the failures of apps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// The figures by the name of the backend.
    pub backends: BTreeMap<String, Figures>,
    /// The number of failures of each app in each phase.
    pub app_errors: BTreeMap<AppPhase, u64>,
}

impl Tally {
    /// Returns whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.backends.is_empty() && self.app_errors.is_empty()
    }
}
