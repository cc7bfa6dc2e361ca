//! The request or the answer in a PDU, by its command.

use super::ShortMessage;
use super::wire::{PduError, Reader, put_text};

/// The bit that makes a command an answer.
const ANSWER: u32 = 0x8000_0000;

/// A PDU without its header (SMPP 3.4, section 5.1.2.1 has the command ids).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A request of a client to send and receive messages.
    BindTransceiver {
        /// The client's name.
        system_id: String,
        /// The client's password.
        password: String,
    },
    /// The answer to a bind.
    BindTransceiverResp {
        /// The operator's name.
        system_id: String,
    },
    /// A message that a client sends.
    SubmitSm(ShortMessage),
    /// The answer to `submit_sm`.
    SubmitSmResp {
        /// The operator's id of the message. It is empty if the operator refused the message.
        message_id: String,
    },
    /// A message or a receipt that the operator sends.
    DeliverSm(ShortMessage),
    /// The answer to `deliver_sm`.
    DeliverSmResp,
    /// A check whether the other side still answers.
    EnquireLink,
    /// The answer to `enquire_link`.
    EnquireLinkResp,
    /// The end of a session.
    Unbind,
    /// The answer to `unbind`.
    UnbindResp,
    /// The answer to a PDU that has no answer of its own.
    GenericNack,
    /// A command that this server does not know.
    Unknown {
        /// The command's id.
        command: u32,
        /// The command's body.
        bytes: Vec<u8>,
    },
}

impl Body {
    /// Returns the command id in the header.
    pub fn command(&self) -> u32 {
        match self {
            Self::GenericNack => ANSWER,
            Self::SubmitSm(_) => 0x04,
            Self::SubmitSmResp { .. } => ANSWER | 0x04,
            Self::DeliverSm(_) => 0x05,
            Self::DeliverSmResp => ANSWER | 0x05,
            Self::Unbind => 0x06,
            Self::UnbindResp => ANSWER | 0x06,
            Self::BindTransceiver { .. } => 0x09,
            Self::BindTransceiverResp { .. } => ANSWER | 0x09,
            Self::EnquireLink => 0x15,
            Self::EnquireLinkResp => ANSWER | 0x15,
            Self::Unknown { command, .. } => *command,
        }
    }

    /// Returns whether the PDU answers another PDU.
    pub fn is_answer(&self) -> bool {
        self.command() & ANSWER != 0
    }

    pub(super) fn decode(command: u32, bytes: &[u8]) -> Result<Self, PduError> {
        let mut from = Reader::new(bytes);
        Ok(match command {
            0x04 => Self::SubmitSm(ShortMessage::decode(&mut from)?),
            0x05 => Self::DeliverSm(ShortMessage::decode(&mut from)?),
            0x06 => Self::Unbind,
            0x09 => Self::BindTransceiver {
                system_id: from.text("system_id")?,
                password: from.text("password")?,
                // The remaining fields (system type, version, address range) change nothing here.
            },
            0x15 => Self::EnquireLink,
            0x8000_0000 => Self::GenericNack,
            0x8000_0004 => Self::SubmitSmResp { message_id: from.text_if_any("message_id")? },
            0x8000_0005 => Self::DeliverSmResp,
            0x8000_0006 => Self::UnbindResp,
            0x8000_0009 => Self::BindTransceiverResp { system_id: from.text_if_any("system_id")? },
            0x8000_0015 => Self::EnquireLinkResp,
            command => Self::Unknown { command, bytes: bytes.to_vec() },
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), PduError> {
        match self {
            Self::BindTransceiver { system_id, password } => {
                put_text(out, system_id);
                put_text(out, password);
                put_text(out, ""); // system_type
                out.extend([0x34, 0, 0]); // interface_version, addr_ton, addr_npi
                put_text(out, ""); // address_range
            }
            Self::BindTransceiverResp { system_id } => put_text(out, system_id),
            Self::SubmitSm(message) | Self::DeliverSm(message) => message.encode(out)?,
            Self::SubmitSmResp { message_id } => put_text(out, message_id),
            Self::DeliverSmResp => put_text(out, ""), // message_id: unused, but present
            Self::Unknown { bytes, .. } => out.extend_from_slice(bytes),
            Self::GenericNack
            | Self::Unbind
            | Self::UnbindResp
            | Self::EnquireLink
            | Self::EnquireLinkResp => {}
        }
        Ok(())
    }
}
