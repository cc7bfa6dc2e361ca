//! Text and bytes: the charsets of gateways, the GSM alphabet, the length of a message, phone numbers, and the form in
//! which texts are compared.

pub mod charset;
pub mod gsm7;
pub mod matching;
pub mod number;
pub mod segments;

pub use charset::{Charset, Decoded, EncodeErrors, Fidelity};
pub use segments::{Coding, Segments};
