//! The knowledge of one process about wrong guesses of the password.

use std::sync::atomic::AtomicI64;

/// The end of the last period in which nobody had guessed wrong, in seconds since 1970. A process keeps it for each
/// tester.
#[derive(Debug, Default)]
pub(crate) struct Quiet(pub(crate) AtomicI64);
