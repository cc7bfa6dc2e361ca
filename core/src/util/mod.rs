//! Small helpers for all modules: time, randomness, hexadecimal.

#[cfg(feature = "testing")]
pub(crate) mod chance;
pub(crate) mod clock;
pub(crate) mod hex;
pub(crate) mod random;
