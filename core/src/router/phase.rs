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
            Self::Filter => "the message is processed as if this app had not filtered it",
            Self::Parse => "the message is processed without the changes of this app",
            Self::Handle => "the next app is called, unless this app has already replied",
            Self::Fallback => {
                "the next app is called, unless this app has already replied; if no app replies, the sender gets no answer"
            }
            Self::Cleanup => "the cleanup of this app is not done for this message",
            Self::Outgoing => "the reply is sent unchanged; this app could neither change nor cancel it",
            Self::Report => "this app does not learn the final status of the message",
        }
    }
}
