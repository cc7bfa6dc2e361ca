//! How far a message got.

/// How far a message got. States move forward only: a row never goes back to one of lower [`State::rank`].
///
/// Received → handled; queued → sent → failed → delivered. Each state has a rank of its own on its way and the
/// highest that was ever told is the one that is kept, so that it makes no difference in which order, how late or how
/// often gateways tell them. Delivered stands above failed: that a phone has a message is a fact that no later word
/// undoes, while that it will not get there is a forecast. A message that was sent twice may come to both, and one
/// that we gave up after a day may have been taken all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In: it is ours.
    Received,
    /// In: its phases are through and committed.
    Handled,
    /// Out: it is in the outbox.
    Queued,
    /// Out: the gateway has it.
    Sent,
    /// Out: the phone has it.
    Delivered,
    /// Out: it will not get there, as far as anyone knows.
    Failed,
}

impl State {
    /// Where it stands on its way, from 1.
    pub fn rank(self) -> u8 {
        match self {
            Self::Received | Self::Queued => 1,
            Self::Handled | Self::Sent => 2,
            Self::Failed => 3,
            Self::Delivered => 4,
        }
    }

    /// Its name in the store, the log and the tester.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Handled => "handled",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Received, Self::Handled, Self::Queued, Self::Sent, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}
