//! A message for a phone, as the operator receives it from Kannel.

use std::time::Instant;

use super::mo::Coding;
use crate::smpp::ShortMessage;

/// One mobile-terminated message, or one part of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mt {
    /// The short code.
    pub from: String,
    /// The phone's number.
    pub to: String,
    /// The coding of the bytes.
    pub coding: Coding,
    /// The scheme on the wire, with message class and the like.
    pub data_coding: u8,
    /// The user data header with its length byte. Empty if there is none.
    pub udh: Vec<u8>,
    /// The text without the header. GSM-7 has one septet in a byte.
    pub bytes: Vec<u8>,
    /// The line on which the message came.
    pub line: String,
    /// The operator's id of the message.
    pub message_id: String,
    /// Whether Kannel asked for a receipt.
    pub receipt_wanted: bool,
    /// The time when the message came.
    pub at: Instant,
}

/// The place of a part in its long message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) reference: u16,
    pub(super) total: u8,
    pub(super) sequence: u8,
}

impl Mt {
    pub(super) fn new(message: ShortMessage, line: &str, message_id: String) -> Self {
        let ShortMessage { source, destination, esm_class, registered_delivery, data_coding, bytes } =
            message;
        let header = if esm_class.has_header() {
            bytes.first().map_or(0, |length| usize::from(*length) + 1)
        } else {
            0
        };
        let (udh, bytes) = bytes.split_at(header.min(bytes.len()));
        Self {
            from: source.written(),
            to: destination.written(),
            coding: Coding::of(data_coding),
            data_coding,
            udh: udh.to_vec(),
            bytes: bytes.to_vec(),
            line: line.into(),
            message_id,
            receipt_wanted: registered_delivery & 3 != 0,
            at: Instant::now(),
        }
    }

    /// Returns the place in the user data header (3GPP TS 23.040, clauses 9.2.3.24.1 and 9.2.3.24.8), or `None` for a
    /// message of one part.
    pub(super) fn place(&self) -> Option<Place> {
        let mut elements = self.udh.get(1..)?;
        while let [id, length, rest @ ..] = elements {
            let (value, after) = rest.split_at_checked(usize::from(*length))?;
            match (id, value) {
                (0x00, &[reference, total, sequence]) => {
                    return Some(Place { reference: reference.into(), total, sequence });
                }
                (0x08, &[high, low, total, sequence]) => {
                    return Some(Place { reference: u16::from_be_bytes([high, low]), total, sequence });
                }
                _ => elements = after,
            }
        }
        None
    }
}
