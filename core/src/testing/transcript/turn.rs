//! One turn of a transcript, and what comes of it.

use jiff::Timestamp;

use crate::model::message::ConnectionId;

/// A reply that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who got it, and through what.
    pub to: ConnectionId,
    /// What it says.
    pub text: String,
}

/// Why a stage could not do what a line asks for; for people to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StageError(pub String);

impl StageError {
    /// With these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// A message, a move of the clock, or neither (at the begin), with the replies that must follow.
#[derive(Default)]
pub(super) struct Turn {
    /// The step that begins it; none for replies above the first message.
    pub(super) opening: Option<usize>,
    /// Whether it moves the clock, and where to. Then no message comes in.
    pub(super) moves_to: Option<Timestamp>,
    /// Whether it is the end: `opening` is the last step then.
    pub(super) ends: bool,
    /// The steps with the replies.
    pub(super) replies: Vec<usize>,
}
