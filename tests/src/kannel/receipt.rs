//! Delivery receipts: the operator's reports on messages (SMPP 3.4, appendix B).

use super::mt::Mt;
use crate::smpp::{Address, EsmClass, ShortMessage};

/// The state of a message in a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptState {
    /// The phone has the message. Kannel reports 1.
    Delivered,
    /// The message was not delivered in time. Kannel reports 2.
    Expired,
    /// The message cannot be delivered. Kannel reports 2.
    Undeliverable,
    /// The operator refused the message. Kannel reports 2.
    Rejected,
    /// The operator has the message and continues to try. Kannel reports 4.
    Enroute,
}

impl ReceiptState {
    fn word(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Undeliverable => "UNDELIV",
            Self::Rejected => "REJECTD",
            Self::Enroute => "ENROUTE",
        }
    }
}

/// Returns the receipt for a message. Its sender and recipient are exchanged.
pub(super) fn receipt(mt: &Mt, state: ReceiptState) -> ShortMessage {
    let delivered = if state == ReceiptState::Delivered { "001" } else { "000" };
    let text = format!(
        "id:{} sub:001 dlvrd:{delivered} submit date:2601010000 done date:2601010001 stat:{} err:000 text:",
        mt.message_id,
        state.word()
    );
    ShortMessage {
        source: Address::plain(&mt.to),
        destination: Address::plain(&mt.from),
        esm_class: EsmClass::RECEIPT,
        registered_delivery: 0,
        data_coding: 0,
        bytes: text.into_bytes(),
    }
}
