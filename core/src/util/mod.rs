//! Small things that any room may use: time, chance, hexadecimal.

#[cfg(feature = "testing")]
pub(crate) mod chance;
pub(crate) mod clock;
pub(crate) mod hex;
pub(crate) mod random;
