//! A message as the operator has it from Kannel for a phone.

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
    /// How the bytes are to be read.
    pub coding: Coding,
    /// The scheme on the wire, with message class and the like.
    pub data_coding: u8,
    /// The user data header with its length byte; empty for none.
    pub udh: Vec<u8>,
    /// The text without the header; GSM-7 as one septet in a byte.
    pub bytes: Vec<u8>,
    /// Which line it came on.
    pub line: String,
    /// What the operator called it.
    pub message_id: String,
    /// Whether Kannel asked for a receipt.
    pub receipt_wanted: bool,
    /// When it came.
    pub at: Instant,
}

/// Where a part stands in its long message.
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

    /// The place that the user data header gives it (3GPP TS 23.040, clauses 9.2.3.24.1 and 9.2.3.24.8); `None` for
    /// a message that is whole.
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
