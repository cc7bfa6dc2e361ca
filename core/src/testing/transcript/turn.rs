//! One turn of a transcript, and its replies.

use jiff::Timestamp;

use crate::model::message::ConnectionId;

/// A reply that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The connection that got the reply.
    pub to: ConnectionId,
    /// The text of the reply.
    pub text: String,
}

/// The reason why a stage could not do a step, for people to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StageError(pub String);

impl StageError {
    /// Creates an error with these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// A message, a move of the clock, or neither (at the beginning), with the replies that must follow.
#[derive(Default)]
pub(super) struct Turn {
    /// The step that begins the turn, or `None` for replies above the first message.
    pub(super) opening: Option<usize>,
    /// The time that the turn moves the clock to, or `None` if the turn does not move it. In a turn that moves the
    /// clock, no message comes in.
    pub(super) moves_to: Option<Timestamp>,
    /// Whether this turn is the end of the transcript. Then `opening` is the last step.
    pub(super) ends: bool,
    /// The steps that expect the replies.
    pub(super) replies: Vec<usize>,
}
