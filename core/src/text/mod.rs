//! Text and bytes: the charsets of gateways, the GSM alphabet, and the length of a message.

pub mod charset;
pub mod gsm7;
pub mod segments;

pub use charset::{Charset, Decoded, EncodeErrors, Fidelity};
pub use segments::{Coding, Segments};
