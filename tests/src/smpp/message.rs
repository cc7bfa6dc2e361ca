//! The body that `submit_sm` and `deliver_sm` share: one SMS between an operator and its client.

use super::Address;
use super::wire::{PduError, Reader, put_text};

/// The tag of the optional parameter that carries a message too long for `short_message` (section 5.3.2.32).
const MESSAGE_PAYLOAD: u16 = 0x0424;

/// The kind of a message: the bits of `esm_class` (section 5.2.12) that Kannel uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EsmClass(
    /// The byte on the wire.
    pub u8,
);

impl EsmClass {
    /// An ordinary message.
    pub const PLAIN: Self = Self(0);
    /// A message whose bytes begin with a user data header.
    pub const WITH_HEADER: Self = Self(0x40);
    /// A delivery receipt.
    pub const RECEIPT: Self = Self(0x04);

    /// Returns whether the message's bytes begin with a user data header.
    pub fn has_header(self) -> bool {
        self.0 & Self::WITH_HEADER.0 != 0
    }
}

/// One SMS: SMPP 3.4, sections 4.4.1 (`submit_sm`) and 4.6.1 (`deliver_sm`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortMessage {
    /// The sender.
    pub source: Address,
    /// The recipient.
    pub destination: Address,
    /// The kind of the message.
    pub esm_class: EsmClass,
    /// Whether the sender wants receipts; 0 for none (section 5.2.17).
    pub registered_delivery: u8,
    /// The data coding scheme (3GPP TS 23.038, clause 4).
    pub data_coding: u8,
    /// The header and the text. GSM-7 has one septet in a byte.
    pub bytes: Vec<u8>,
}

impl ShortMessage {
    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, PduError> {
        from.text("service_type")?;
        let source = Address::decode(from)?;
        let destination = Address::decode(from)?;
        let esm_class = EsmClass(from.u8("esm_class")?);
        from.u8("protocol_id")?;
        from.u8("priority_flag")?;
        from.text("schedule_delivery_time")?;
        from.text("validity_period")?;
        let registered_delivery = from.u8("registered_delivery")?;
        from.u8("replace_if_present_flag")?;
        let data_coding = from.u8("data_coding")?;
        from.u8("sm_default_msg_id")?;
        let length = from.u8("sm_length")?;
        let mut bytes = from.octets(length.into(), "short_message")?.to_vec();
        while !from.is_empty() {
            let tag = from.u16("parameter tag")?;
            let length = from.u16("parameter length")?;
            let value = from.octets(length.into(), "parameter value")?;
            if tag == MESSAGE_PAYLOAD {
                bytes = value.to_vec();
            }
        }
        Ok(Self { source, destination, esm_class, registered_delivery, data_coding, bytes })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), PduError> {
        let length =
            u8::try_from(self.bytes.len()).map_err(|_| PduError::MessageTooLong(self.bytes.len()))?;
        put_text(out, ""); // service_type
        self.source.encode(out);
        self.destination.encode(out);
        out.extend([self.esm_class.0, 0, 0]); // then protocol_id, priority_flag
        put_text(out, ""); // schedule_delivery_time
        put_text(out, ""); // validity_period
        // registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id, sm_length
        out.extend([self.registered_delivery, 0, self.data_coding, 0, length]);
        out.extend_from_slice(&self.bytes);
        Ok(())
    }
}
