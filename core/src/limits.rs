//! Time limits on which several modules must agree.

use std::time::Duration;

/// The shortest time-out that `template.yaml` gives to a Lambda function that runs phases.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(29);

/// The time that an invocation keeps for returning its result. An invocation ends this long before its time-out, even
/// if one of its calls hangs.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(1);

/// The time that an invocation keeps for recording the result of its last send. Every send ends at least this long
/// before the end of the invocation.
pub(crate) const SETTLE_TIME: Duration = Duration::from_secs(1);

/// The time that the phases leave for the commit. It is enough for one attempt that fails and one that succeeds.
pub(crate) const COMMIT_TIME: Duration = Duration::from_secs(5);

/// The time that the call of one app leaves for the calls after it.
pub(crate) const LEFT_BEHIND: Duration = Duration::from_secs(4);

/// The longest time limit that one phase of one app may have. A phase can then run to its limit, and the message is
/// still committed and answered within [`FUNCTION_TIMEOUT`].
pub const LONGEST_PHASE: Duration = Duration::from_secs(
    FUNCTION_TIMEOUT.as_secs()
        - ANSWER_TIME.as_secs()
        - SETTLE_TIME.as_secs()
        - COMMIT_TIME.as_secs()
        - LEFT_BEHIND.as_secs(),
);

/// The most bytes of a text that an app sends.
pub(crate) const MAX_REPLY_BYTES: usize = 10_000;
