//! What becomes of a conversation with one message.

use crate::AppError;
use crate::apps::IntoReply;
use crate::translate::Phrase;

/// What becomes of a conversation with one message: where it goes from here, and what is said. Anything that is a
/// [reply](IntoReply) can be said, `()` for nothing.
///
/// ```
/// use threadless::apps::Turn;
///
/// /// The answer to "How many cases?"
/// fn cases(answer: &str) -> Turn<Option<u32>> {
///     match answer.parse() {
///         Ok(0) => Turn::done("Good."),
///         Ok(cases) => Turn::to(Some(cases), ["I am sorry.", "Where are they?"]),
///         Err(_) if answer == "help" => Turn::pass(),
///         Err(_) => Turn::stay("A number, please: how many cases?"),
///     }
/// }
/// # cases("0");
/// ```
#[derive(Debug)]
pub struct Turn<S> {
    pub(super) step: Step<S>,
    pub(super) replies: Result<Vec<Phrase>, AppError>,
}

/// Where a conversation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<S> {
    To(S),
    Stay,
    Done,
    Pass,
}

impl<S> Turn<S> {
    /// Goes on in another state; the next message is the answer to `reply`.
    pub fn to(state: S, reply: impl IntoReply) -> Self {
        Self { step: Step::To(state), replies: reply.into_replies() }
    }

    /// Stays in the state that it was in, for an answer that is none: `reply` asks again.
    pub fn stay(reply: impl IntoReply) -> Self {
        Self { step: Step::Stay, replies: reply.into_replies() }
    }

    /// Is over.
    pub fn done(reply: impl IntoReply) -> Self {
        Self { step: Step::Done, replies: reply.into_replies() }
    }

    /// Has nothing to do with this message: the other apps are asked, and the conversation waits on as if the
    /// message had not come. In its first state it has not begun then.
    pub fn pass() -> Self {
        Self { step: Step::Pass, replies: Ok(Vec::new()) }
    }
}
