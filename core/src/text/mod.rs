//! Text and bytes: the charsets of gateways, the GSM alphabet, the length of a message, and phone numbers.

pub mod charset;
pub mod gsm7;
pub mod number;
pub mod segments;

pub use charset::{Charset, Decoded, EncodeErrors, Fidelity};
pub use segments::{Coding, Segments};
