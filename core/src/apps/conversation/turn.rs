//! The result of one message in a conversation.

use crate::AppError;
use crate::apps::IntoReply;
use crate::translate::Phrase;

/// The result of one message in a conversation: the next state and the reply. Anything that is a [reply](IntoReply) can
/// be sent; `()` sends nothing.
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

/// The next step of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<S> {
    To(S),
    Stay,
    Done,
    Pass,
}

impl<S> Turn<S> {
    /// Goes on in another state. The next message is the answer to `reply`.
    pub fn to(state: S, reply: impl IntoReply) -> Self {
        Self { step: Step::To(state), replies: reply.into_replies() }
    }

    /// Stays in the same state, because the answer is not usable. `reply` asks again.
    pub fn stay(reply: impl IntoReply) -> Self {
        Self { step: Step::Stay, replies: reply.into_replies() }
    }

    /// Ends the conversation with this reply.
    pub fn done(reply: impl IntoReply) -> Self {
        Self { step: Step::Done, replies: reply.into_replies() }
    }

    /// Passes this message to the other apps. The conversation goes on waiting, as if the message had not come. If the
    /// conversation was in its first state, it does not begin.
    pub fn pass() -> Self {
        Self { step: Step::Pass, replies: Ok(Vec::new()) }
    }
}
