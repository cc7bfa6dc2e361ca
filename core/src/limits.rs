//! How long things may take, and how large they may be, where several rooms must agree.

use std::time::Duration;

/// The shortest time-out that `template.yaml` gives to a function that runs phases.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(29);

/// The part of a function's time in which its result goes back: whatever hangs, an invocation ends so long before its
/// time-out.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(1);

/// The time that is kept to write down what became of the last send: no send goes on for longer than until so long
/// before the end of an invocation.
pub(crate) const SETTLE_TIME: Duration = Duration::from_secs(1);

/// The time that the phases leave for the commit: a try that fails, and one that does not.
pub(crate) const COMMIT_TIME: Duration = Duration::from_secs(5);

/// The time that a call leaves to those behind it.
pub(crate) const LEFT_BEHIND: Duration = Duration::from_secs(4);

/// The longest that one phase of one app may take, so that it can run to its limit and the message is still committed and
/// answered within [`FUNCTION_TIMEOUT`].
pub const LONGEST_PHASE: Duration = Duration::from_secs(
    FUNCTION_TIMEOUT.as_secs()
        - ANSWER_TIME.as_secs()
        - SETTLE_TIME.as_secs()
        - COMMIT_TIME.as_secs()
        - LEFT_BEHIND.as_secs(),
);
