//! The knowledge of one process about wrong guesses of the password.

use std::sync::atomic::AtomicI64;

/// The time until which this process assumes that nobody has guessed, in seconds since 1970. Each tester has its own.
#[derive(Debug, Default)]
pub(crate) struct Quiet(pub(crate) AtomicI64);
