//! Text and bytes: the charsets that gateways use, the GSM alphabet, and how long a message is.

pub mod charset;
pub mod gsm7;
pub mod segments;

pub use charset::{Charset, Decoded, EncodeErrors, Fidelity};
pub use segments::{Coding, Segments};
