//! The state of a message.

/// The state of a message. States move forward only: a row never goes back to a state with a lower [`State::rank`].
///
/// An incoming message goes from received to handled. An outgoing message goes from queued to sent, then perhaps to
/// failed, then perhaps to delivered. In each of the two sequences every state has its own rank, and the highest
/// reported state is kept. So the order, the delay and the number of the gateway's reports make no difference.
///
/// Delivered ranks above failed. That a phone has a message is a fact, and no later report changes a fact. That a
/// message will not reach the phone is only a forecast. A message that was sent twice may be both failed and delivered.
/// And a gateway may have accepted a message that Threadless gave up after a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Incoming: Threadless has accepted the message.
    Received,
    /// Incoming: the phases have ended and are committed.
    Handled,
    /// Outgoing: the message is in the outbox.
    Queued,
    /// Outgoing: the gateway has the message.
    Sent,
    /// Outgoing: the phone has the message.
    Delivered,
    /// Outgoing: the message will probably not reach the phone.
    Failed,
}

impl State {
    /// Returns the position in its sequence, from 1.
    pub fn rank(self) -> u8 {
        match self {
            Self::Received | Self::Queued => 1,
            Self::Handled | Self::Sent => 2,
            Self::Failed => 3,
            Self::Delivered => 4,
        }
    }

    /// Returns the name in the store, the log and the tester.
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

    /// Returns the state with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Received, Self::Handled, Self::Queued, Self::Sent, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}
