//! What is known of wrong guesses at the password.

use std::sync::atomic::AtomicI64;

/// What a process knows of one tester's counts: until when nobody had guessed, in seconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Quiet(pub(crate) AtomicI64);
