//! The part of SMPP 3.4 that an operator needs to serve Kannel: the encoding and the decoding of PDUs.

mod address;
mod body;
mod message;
mod pdu;
mod wire;

pub use address::Address;
pub use body::Body;
pub use message::{EsmClass, ShortMessage};
pub use pdu::{Pdu, command_status, read_pdu};
pub use wire::PduError;
