//! The phases, with their names in the log.

/// One phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Filter,
    Parse,
    Handle,
    Fallback,
    Cleanup,
    Outgoing,
    Report,
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Parse => "parse",
            Self::Handle => "handle",
            Self::Fallback => "fallback",
            Self::Cleanup => "cleanup",
            Self::Outgoing => "outgoing",
            Self::Report => "report",
        }
    }

    /// Returns the consequence, for the log, if an app has not done this phase.
    pub(super) fn without_it(self) -> &'static str {
        match self {
            Self::Filter => "the message goes on as if this app had let it through",
            Self::Parse => "the message goes on without what this app would have read or changed",
            Self::Handle => "unless this app had replied already, the next app is asked",
            Self::Fallback => {
                "unless this app had replied already, the next app is asked, and perhaps nobody answers"
            }
            Self::Cleanup => "what this app does at the end of each message is not done for this one",
            Self::Outgoing => "the reply goes on as it was, and this app can neither change nor cancel it",
            Self::Report => "this app does not learn what became of the message",
        }
    }
}
