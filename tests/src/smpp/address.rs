//! A phone number or short code with its type, as SMPP carries it.

use super::wire::{PduError, Reader, put_text};

/// The type of a number that begins with its country code.
const INTERNATIONAL: u8 = 1;

/// An address: SMPP 3.4, section 5.2.5 to 5.2.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Type of number: 0 unknown, 1 international, 2 national, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan: 0 unknown, 1 ISDN.
    pub npi: u8,
    /// The digits or letters themselves.
    pub number: String,
}

impl Address {
    /// Makes an address of unknown type, which Kannel passes on unchanged.
    pub fn plain(number: impl Into<String>) -> Self {
        Self { ton: 0, npi: 1, number: number.into() }
    }

    /// Returns the address as people write it. An international number has its `+`, which is not on the wire.
    pub fn written(&self) -> String {
        let plus = if self.ton == INTERNATIONAL { "+" } else { "" };
        format!("{plus}{}", self.number)
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, PduError> {
        Ok(Self {
            ton: from.u8("address type")?,
            npi: from.u8("numbering plan")?,
            number: from.text("address")?,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.ton);
        out.push(self.npi);
        put_text(out, &self.number);
    }
}
